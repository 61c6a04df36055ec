// What a syslog line says, whichever of its formats it came in.

export interface SyslogMessage {
  readonly format: 'rfc5424' | 'rfc3164';
  /** 0 to 191: facility × 8 + severity. */
  readonly priority?: number | undefined;
  /** RFC 5424 only. */
  readonly version?: number | undefined;
  /** ms since the epoch. */
  readonly timestamp?: number | undefined;
  readonly hostname?: string | undefined;
  readonly appname?: string | undefined;
  readonly procid?: string | undefined;
  readonly msgid?: string | undefined;
  /** SD-ID → parameter → value; a parameter that is given more than once has a list. */
  readonly structuredData?: Record<string, Record<string, string | string[]>> | undefined;
  readonly message: string;
  /** What was wrong and read past, e.g. `structured-data-invalid`. */
  readonly faults: readonly string[];
}

/** RFC 5424 table 1. */
export const FACILITIES = [
  'kernel',
  'user-level',
  'mail',
  'system daemon',
  'security/authorization',
  'syslog',
  'line printer',
  'network news',
  'UUCP',
  'clock',
  'security/authorization private',
  'FTP',
  'NTP',
  'log audit',
  'log alert',
  'clock daemon',
  'local0',
  'local1',
  'local2',
  'local3',
  'local4',
  'local5',
  'local6',
  'local7',
] as const;

/** RFC 5424 table 2. */
export const SEVERITIES = [
  'Emergency',
  'Alert',
  'Critical',
  'Error',
  'Warning',
  'Notice',
  'Informational',
  'Debug',
] as const;

/** `<PRI>` at the start of a text: its value and length; undefined when there is none or it is above 191. */
export function readPriority(text: string): { priority: number; length: number } | undefined {
  const match = /^<(\d{1,3})>/.exec(text);
  if (!match) return undefined;
  const priority = Number(match[1]);
  return priority <= 191 ? { priority, length: match[0].length } : undefined;
}
