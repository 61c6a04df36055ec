// How the renderings write the same value differently, and the one form that all are brought to.
import type { JsonObject } from '../../../platform/core/event.ts';
import { parseTime, type Zone } from '../../parse-time.ts';
import { asObject, asText } from '../../read-value.ts';

const GUID = /^\{?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\}?$/i;

/** Names of levels (winmeta.xml); 0 is LogAlways, which the event viewer shows as information. */
const LEVELS: readonly string[] = ['information', 'critical', 'error', 'warning', 'information', 'verbose'];

/** A value of EventData as text; undefined for null. A whole GUID gets braces and lower case, as Windows renders it. */
export function dataText(value: unknown): string | undefined {
  if (typeof value === 'string') {
    // Only texts of a GUID's length are tested: this runs for every value.
    const guid = value.length === 36 || value.length === 38 ? GUID.exec(value)?.[1] : undefined;
    return guid === undefined ? value : `{${guid.toLowerCase()}}`;
  }
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value === null || value === undefined) return undefined;
  const inner = asObject(value);
  if (inner && '#text' in inner) return dataText(inner['#text']);
  if (Array.isArray(value) && value.every((element) => typeof element === 'string')) return value.join('\n');
  return JSON.stringify(value);
}

/** All members of an object as texts; `#attributes` and `xml_name` are markup, not data. */
export function dataTexts(object: JsonObject | undefined): Record<string, string> {
  const data: Record<string, string> = {};
  for (const [key, value] of Object.entries(object ?? {})) {
    if (key === '#attributes' || key === 'xml_name') continue;
    const text = dataText(value);
    if (text !== undefined) data[key] = text;
  }
  return data;
}

/** `{lower-case}` for a GUID, undefined for anything else. */
export function guidText(value: unknown): string | undefined {
  const guid = typeof value === 'string' ? GUID.exec(value)?.[1] : undefined;
  return guid === undefined ? undefined : `{${guid.toLowerCase()}}`;
}

/** A level by number or name. */
export function levelName(value: unknown): string | undefined {
  const text = asText(value)?.toLowerCase();
  if (text === undefined) return undefined;
  if (/^\d$/.test(text)) return LEVELS[Number(text)];
  return text === 'info' || text === 'logalways' ? 'information' : text;
}

/** Channel names are case-insensitive; the classic ones come in several spellings. */
export function channelName(value: unknown): string | undefined {
  const text = asText(value);
  if (text === undefined) return undefined;
  const lower = text.toLowerCase();
  return lower === 'security' || lower === 'system' || lower === 'application'
    ? `${lower.charAt(0).toUpperCase()}${lower.slice(1)}`
    : text;
}

/** Audit success (bit 53) or failure (bit 52) of Keywords, as hex or decimal text, names, or NXLog's EventType. */
export function auditOutcome(...values: readonly unknown[]): 'success' | 'failure' | undefined {
  for (const value of values.flat()) {
    const text = asText(value);
    if (text === undefined) continue;
    if (/audit[ _]success/i.test(text)) return 'success';
    if (/audit[ _]failure/i.test(text)) return 'failure';
    if (/^(?:0x[0-9a-f]{1,16}|-?\d{1,20})$/i.test(text)) {
      const bits = BigInt.asUintN(64, BigInt(text));
      if ((bits >> 53n) & 1n) return 'success';
      if ((bits >> 52n) & 1n) return 'failure';
    }
  }
  return undefined;
}

/**
 * The event's time: Sysmon's UtcTime says its zone by its name and is the act's own; then the first that
 * names its zone; then the first without one, as wall time of the source's zone.
 */
export function eventTime(options: {
  utcTime: unknown;
  candidates: readonly unknown[];
  zone: Zone | undefined;
}): number | undefined {
  const utc = parseTime(options.utcTime);
  if (utc) return utc.timestamp;
  let zoneless: number | undefined;
  for (const candidate of options.candidates) {
    const time = parseTime(candidate, options.zone);
    if (time?.zoned) return time.timestamp;
    zoneless ??= time?.timestamp;
  }
  return zoneless;
}
