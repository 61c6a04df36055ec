// Syslog as a source: RFC 5424, RFC 3164 and what devices make of them, one record a message.
import { isUtf8 } from 'node:buffer';
import type { JsonObject } from '../../../platform/core/event.ts';
import { parseJsonObject } from '../../parse-json.ts';
import type { Normalised, RawRecord, SourceAdapter, SourceContext } from '../../source.ts';
import { mapToEcs } from './map-to-ecs.ts';
import type { SyslogMessage } from './message.ts';
import { parseRfc3164 } from './parse-rfc3164.ts';
import { parseRfc5424 } from './parse-rfc5424.ts';
import { SyslogParameters } from './schema.ts';
import { createZoneClock, type ZoneClock } from './zone-clock.ts';

const MAXIMUM_BYTES = 1_048_576;
const JSON_DEPTH = 16;

export const syslogAdapter: SourceAdapter = {
  id: 'syslog',
  title: 'Syslog',
  description:
    'RFC 5424 and RFC 3164 messages over UDP, TCP or TLS or from a log file; reads the lines of sshd, sudo, su and the account tools.',
  datasets: [
    {
      name: 'syslog.auth',
      class: 'authentication',
      description: 'Messages of facility auth or authpriv, and of programs that log people in',
    },
    { name: 'syslog.system', class: 'system-log', description: 'All other messages' },
  ],
  framing: 'line',
  receivers: ['udp-syslog', 'tcp-syslog', 'tls-syslog', 'file', 'http'],
  parameters: SyslogParameters,
  example: `- id: switches
  format: syslog
  timezone: Europe/Paris
  receivers:
    - type: udp-syslog
      host: 0.0.0.0
      port: 514
  access:
    addresses: [10.20.0.0/16]
`,
  createNormaliser(context) {
    const parameters = SyslogParameters.parse(context.parameters);
    const clock = createZoneClock(context.timezone);
    return {
      normalise: (record) => [normaliseMessage({ record, context, parameters, clock })],
    };
  },
};

function normaliseMessage(options: {
  record: RawRecord;
  context: SourceContext;
  parameters: SyslogParameters;
  clock: ZoneClock;
}): Normalised {
  const { record, context, parameters, clock } = options;
  const { bytes, received } = record;
  if (bytes.length > MAXIMUM_BYTES) {
    return {
      kind: 'rejected',
      code: 'SYSLOG_TOO_LONG',
      message: `${bytes.length} bytes, at most ${MAXIMUM_BYTES} are read`,
    };
  }
  // Broken UTF-8 is read with U+FFFD in its place; the event keeps the bytes in event.original.
  let text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const start = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  let end = text.length;
  while (end > start && isTrailing(text.charCodeAt(end - 1))) end--;
  text = text.slice(start, end);
  if (text.trim() === '') {
    return { kind: 'rejected', code: 'SYSLOG_EMPTY', message: 'nothing but white space or NUL bytes' };
  }
  const read = parseRfc5424(text) ?? parseRfc3164({ text, received, clock });
  const faults = isUtf8(bytes) ? read.faults : [...read.faults, 'encoding-invalid'];
  for (const fault of faults) context.count(fault, 1);
  const json = readJson(read.message, parameters.json);
  const parsed: SyslogMessage = { ...read, faults, message: json?.message ?? read.message };
  const { dataset, fields } = mapToEcs({ parsed, peer: record.peer, json: json?.value });
  return { kind: 'event', draft: { dataset, timestamp: parsed.timestamp, fields } };
}

/** Line ends and NUL, which some senders and RFC 6587 trailers leave behind. */
function isTrailing(code: number): boolean {
  return code === 10 || code === 13 || code === 0;
}

/** The object of a CEE cookie (`@cee:{…}`) or of a text that is JSON; its `msg` or `message` is the text. */
function readJson(
  message: string,
  mode: SyslogParameters['json'],
): { value: JsonObject; message: string | undefined } | undefined {
  if (mode === 'never') return undefined;
  const cookie = /^ ?@cee: ?/.exec(message.slice(0, 8));
  if (!cookie && !(mode === 'always' && message.startsWith('{'))) return undefined;
  const parsed = parseJsonObject(Buffer.from(message.slice(cookie?.[0].length ?? 0)), { depth: JSON_DEPTH });
  if (!parsed.ok) return undefined;
  const said = parsed.value['msg'] ?? parsed.value['message'];
  return { value: parsed.value, message: typeof said === 'string' ? said : undefined };
}
