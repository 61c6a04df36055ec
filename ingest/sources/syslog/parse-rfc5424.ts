// Reads RFC 5424 messages: header, structured data and text.
import { readPriority, type SyslogMessage } from './message.ts';

const TIMESTAMP = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})$/;

/**
 * The message, or undefined when the text does not begin as RFC 5424 says (`<PRI>VERSION SP TIMESTAMP SP …`).
 * Structured data that breaks off is left in the text and named in `faults`. One pass, linear.
 */
export function parseRfc5424(text: string): SyslogMessage | undefined {
  const priority = readPriority(text);
  if (!priority) return undefined;
  const version = /^[1-9]\d{0,2} /.exec(text.slice(priority.length, priority.length + 4));
  if (!version) return undefined;
  let at = priority.length + version[0].length;
  const token = (): string | undefined => {
    const end = text.indexOf(' ', at);
    const value = end < 0 ? text.slice(at) : text.slice(at, end);
    at = end < 0 ? text.length : end + 1;
    return value === '-' || value === '' ? undefined : value;
  };

  const start = at;
  const time = token();
  const timestamp = time === undefined ? undefined : parseTimestamp(time);
  const nil = text.startsWith('-', start) && (text[start + 1] === ' ' || text[start + 1] === undefined);
  // `<13>1 message` of a loose RFC 3164 sender looks alike until here.
  if (timestamp === undefined && !nil) return undefined;
  const hostname = token();
  const appname = token();
  const procid = token();
  const msgid = token();

  const faults: string[] = [];
  let structuredData: SyslogMessage['structuredData'];
  if (text.startsWith('-', at) && (text[at + 1] === ' ' || at + 1 >= text.length)) at += 2;
  else if (text[at] === '[') {
    const read = readStructuredData(text, at);
    if (read) {
      structuredData = read.data;
      at = text[read.end] === ' ' ? read.end + 1 : read.end;
    } else faults.push('structured-data-invalid');
  } else if (at < text.length) faults.push('structured-data-missing');
  let message = text.slice(at);
  if (message.startsWith('\uFEFF')) message = message.slice(1);
  return {
    format: 'rfc5424',
    priority: priority.priority,
    version: Number(version[0]),
    timestamp,
    hostname,
    appname,
    procid,
    msgid,
    structuredData,
    message,
    faults,
  };
}

/** RFC 3339 as RFC 5424 section 6.2.3 narrows it; ms since the epoch, finer digits cut off. */
export function parseTimestamp(text: string): number | undefined {
  const match = TIMESTAMP.exec(text);
  if (!match) return undefined;
  const milliseconds = `${match[2] ?? ''}000`.slice(0, 3);
  const instant = Date.parse(`${match[1]}.${milliseconds}${match[3]}`);
  return Number.isNaN(instant) ? undefined : instant;
}

/** `[id name="value" …][…]` from `start`; undefined when it is not whole. Escapes: `\"`, `\\`, `\]`. */
function readStructuredData(
  text: string,
  start: number,
): { data: NonNullable<SyslogMessage['structuredData']>; end: number } | undefined {
  const elements = new Map<string, Map<string, string | string[]>>();
  let at = start;
  while (text[at] === '[') {
    at++;
    const idEnd = nameEnd(text, at);
    if (idEnd === at) return undefined;
    const id = text.slice(at, idEnd);
    const parameters = elements.get(id) ?? new Map<string, string | string[]>();
    elements.set(id, parameters);
    at = idEnd;
    for (;;) {
      while (text[at] === ' ') at++;
      if (text[at] === ']') break;
      const end = nameEnd(text, at);
      if (end === at || text[end] !== '=' || text[end + 1] !== '"') return undefined;
      const name = text.slice(at, end);
      const value = readValue(text, end + 2);
      if (!value) return undefined;
      const known = parameters.get(name);
      if (known === undefined) parameters.set(name, value.value);
      else if (typeof known === 'string') parameters.set(name, [known, value.value]);
      else known.push(value.value);
      at = value.end;
    }
    at++;
  }
  if (at < text.length && text[at] !== ' ') return undefined;
  // fromEntries makes own properties of any name, `__proto__` too.
  return {
    data: Object.fromEntries([...elements].map(([id, parameters]) => [id, Object.fromEntries(parameters)])),
    end: at,
  };
}

/** End of an SD-NAME: up to 128 printable characters without `=`, space, `]`, `"`. */
function nameEnd(text: string, start: number): number {
  let at = start;
  while (at < text.length && at - start < 128) {
    const code = text.charCodeAt(at);
    if (code <= 32 || code === 34 || code === 61 || code === 93 || code === 127) break;
    at++;
  }
  return at;
}

function readValue(text: string, start: number): { value: string; end: number } | undefined {
  let value = '';
  let from = start;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (character === '"') return { value: value + text.slice(from, at), end: at + 1 };
    if (character !== '\\') continue;
    const next = text[at + 1];
    if (next === '"' || next === '\\' || next === ']') {
      value += text.slice(from, at) + next;
      from = at + 2;
      at++;
    }
  }
  return undefined;
}
