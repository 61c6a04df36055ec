// Maps a parsed syslog message to ECS fields (log.syslog.*, host, process, and what its program's line means).
import type { JsonObject } from '../../../platform/core/event.ts';
import { canonicalAddress } from '../../../platform/core/network.ts';
import { interpretProgram, isAuthenticationProgram } from './interpret-program.ts';
import { FACILITIES, SEVERITIES, type SyslogMessage } from './message.ts';

/** Facilities `auth` and `authpriv`. */
const AUTHENTICATION_FACILITIES: ReadonlySet<number> = new Set([4, 10]);

/** The dataset and the fields of one message. `peer` is the sender's address. */
export function mapToEcs(options: {
  parsed: SyslogMessage;
  peer: string | undefined;
  /** What a JSON object in the text said, if it was to be read. */
  json?: JsonObject | undefined;
}): { dataset: 'syslog.system' | 'syslog.auth'; fields: JsonObject } {
  const { parsed, peer, json } = options;
  const { priority, hostname, appname, procid, msgid } = parsed;
  const facility = priority === undefined ? undefined : priority >> 3;
  const severity = priority === undefined ? undefined : priority & 7;
  // rsyslog's RFC 5424 template leaves the space that stood after the tag.
  const understood = interpretProgram(appname, parsed.message.trimStart());
  const isAuthentication =
    isAuthenticationProgram(appname) || (facility !== undefined && AUTHENTICATION_FACILITIES.has(facility));

  const syslog: JsonObject = {
    ...(priority === undefined ? {} : { priority }),
    ...(facility === undefined ? {} : { facility: { code: facility, name: FACILITIES[facility] } }),
    ...(severity === undefined ? {} : { severity: { code: severity, name: SEVERITIES[severity] } }),
    ...(parsed.version === undefined ? {} : { version: String(parsed.version) }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(appname === undefined ? {} : { appname }),
    ...(procid === undefined ? {} : { procid }),
    ...(msgid === undefined ? {} : { msgid }),
    ...(parsed.structuredData === undefined ? {} : { structured_data: parsed.structuredData }),
  };
  const pid = procid !== undefined && /^\d{1,10}$/.test(procid) ? Number(procid) : undefined;
  const hostAddress = hostname === undefined ? undefined : canonicalAddress(hostname);
  const fields: JsonObject = { ...understood?.fields };
  // What the line says of a process (sudo's command) is that process; the logging one is log.syslog's.
  fields['process'] ??= {
    ...(appname === undefined ? {} : { name: appname }),
    ...(pid === undefined ? {} : { pid }),
  };
  if (Object.keys(fields['process'] as JsonObject).length === 0) delete fields['process'];
  fields['message'] = parsed.message;
  fields['log'] = {
    syslog,
    ...(severity === undefined ? {} : { level: SEVERITIES[severity]?.toLowerCase() }),
    ...(peer === undefined ? {} : { source: { address: peer } }),
  };
  if (hostname !== undefined) {
    fields['host'] = { name: hostname, ...(hostAddress === undefined ? {} : { ip: [hostAddress] }) };
  } else if (peer !== undefined) fields['host'] = { ip: [peer] };
  fields['event'] = {
    ...understood?.event,
    ...(severity === undefined ? {} : { severity }),
    ...(parsed.format === 'rfc3164' && msgid !== undefined ? { code: msgid, provider: appname } : {}),
  };
  if (json !== undefined) fields['syslog'] = { json };
  if (parsed.faults.length > 0) fields['tags'] = parsed.faults.map((fault) => `syslog-${fault}`);
  return { dataset: isAuthentication ? 'syslog.auth' : 'syslog.system', fields };
}
