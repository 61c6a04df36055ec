// Reads BSD syslog (RFC 3164) as it is found: no year, no zone, no PRI, no host, Cisco's and rsyslog's variants.
import { readPriority, type SyslogMessage } from './message.ts';
import { parseTimestamp } from './parse-rfc5424.ts';
import type { WallTime, ZoneClock } from './zone-clock.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

// Each pattern is anchored and bounded, so that none can take more than linear time.
/** Cisco IOS puts `29: `, `000029: ` or `29: host: ` before the time. */
const SEQUENCE = /^(\d{1,10}): /;
/** `Oct 11 22:14:15`, `*Mar  1 2026 00:10:00.123 UTC:`, `1990 Oct 22 10:52:01 TZ-6`, `Aug 24 05:34:00 CST 1987`. */
const BSD_TIME =
  /^[*.]?(?:(\d{4}) )?([A-Z][a-z]{2}) {1,2}(\d{1,2})(?: (\d{4}))? (\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?(?: ([A-Z]{2,5})(?:([+-]\d{1,2})|:| (\d{4}))(?= |$))?:?(?: |$)/;
const ISO_TIME = /^\d{4}-\d{2}-\d{2}T[\d:.,+-]{8,24}Z?:?(?: |$)/;
const HOST = /^[A-Za-z0-9_.:%-]{1,255}$/;
const TAG = /^([A-Za-z0-9_./\\()@#-]{1,128})(?:\[([^\]\s]{1,128})\])?: ?/;
/** The first space ends it when no colon does: `cron[123] text`. */
const TAG_WITHOUT_COLON = /^([A-Za-z0-9_./-]{1,64})\[(\d{1,10})\](?: |$)/;
/** `%ASA-6-302013: `, `%SYS-5-CONFIG_I: `, `%LINEPROTO-SP-5-UPDOWN: ` */
const CISCO = /^(?:: )?%([A-Z][A-Z0-9_]{0,31}(?:-[A-Z][A-Z0-9_]{0,31}){0,2})-([0-7])-([A-Za-z0-9_]{1,64}): ?/;

/**
 * Never fails: what has no recognisable head is all message, without time. `received` in ms since the epoch
 * gives the year that the format leaves out.
 */
export function parseRfc3164(options: { text: string; received: number; clock: ZoneClock }): SyslogMessage {
  const { text, received, clock } = options;
  const priority = readPriority(text);
  let rest = text.slice(priority?.length ?? 0);
  let sequenced = SEQUENCE.exec(rest);
  let hostname: string | undefined;
  if (sequenced) {
    rest = rest.slice(sequenced[0].length);
    const named = /^([A-Za-z][A-Za-z0-9_.-]{0,254}): (?=[*.]?[A-Z0-9])/.exec(rest);
    if (named && readTime(rest.slice(named[0].length), received, clock)) {
      hostname = named[1];
      rest = rest.slice(named[0].length);
    }
  }
  const time = readTime(rest, received, clock);
  if (time) rest = rest.slice(time.length);
  else if (sequenced && !CISCO.test(rest)) {
    rest = text.slice(priority?.length ?? 0);
    sequenced = null;
  }

  const body = rest;
  if (
    time &&
    hostname === undefined &&
    !CISCO.test(rest) &&
    !TAG.test(rest) &&
    !TAG_WITHOUT_COLON.test(rest)
  ) {
    const end = rest.indexOf(' ');
    const word = end < 0 ? rest : rest.slice(0, end);
    if (HOST.test(word)) {
      hostname = word;
      rest = end < 0 ? '' : rest.slice(end + 1);
    }
  }
  const cisco = CISCO.exec(rest);
  if (cisco) {
    return {
      format: 'rfc3164',
      priority: priority?.priority,
      timestamp: time?.instant,
      hostname,
      appname: cisco[1],
      msgid: cisco[3],
      procid: sequenced?.[1],
      message: rest.slice(cisco[0].length),
      faults: [],
    };
  }
  // Without a time, `word: text` is as likely prose as a tag; a PRI makes it a tag.
  const tag = time || priority ? (TAG.exec(rest) ?? TAG_WITHOUT_COLON.exec(rest)) : null;
  if (tag) rest = rest.slice(tag[0].length);
  return {
    format: 'rfc3164',
    priority: priority?.priority,
    timestamp: time?.instant,
    hostname,
    appname: tag?.[1],
    procid: tag?.[2],
    message: rest === '' && !tag ? body : rest,
    faults: [],
  };
}

function readTime(
  text: string,
  received: number,
  clock: ZoneClock,
): { instant: number | undefined; length: number } | undefined {
  const bsd = BSD_TIME.exec(text);
  const month = bsd ? MONTHS.indexOf(bsd[2] as string) : -1;
  if (bsd && month >= 0) {
    const [, yearFirst, , day, year, hour, minute, second, fraction, zone, shift, yearLast] = bsd;
    const wall: WallTime = {
      year: numberOf(yearFirst ?? year ?? yearLast),
      month,
      day: Number(day),
      hour: Number(hour),
      minute: Number(minute),
      second: Number(second),
      fraction_ms: Number(`${fraction ?? ''}000`.slice(0, 3)),
      // Other abbreviations (CST) mean several zones: the source's own is the better guess.
      offset_minutes:
        zone === 'UTC' || zone === 'GMT' || zone === 'TZ' ? (numberOf(shift) ?? 0) * 60 : undefined,
    };
    return { instant: clock.toInstant(wall, received), length: bsd[0].length };
  }
  const iso = ISO_TIME.exec(text);
  if (!iso) return undefined;
  const instant = parseIso(iso[0].trim().replace(/:$/, ''), received, clock);
  return instant === undefined ? undefined : { instant, length: iso[0].length };
}

function parseIso(text: string, received: number, clock: ZoneClock): number | undefined {
  const withZone = parseTimestamp(text.replace(',', '.').replace(/([+-]\d{2})(\d{2})$/, '$1:$2'));
  if (withZone !== undefined) return withZone;
  const local = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?$/.exec(text);
  if (!local) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = local.slice(1, 7).map(Number);
  const fraction_ms = Number(`${local[7] ?? ''}000`.slice(0, 3));
  return clock.toInstant({ year, month: month - 1, day, hour, minute, second, fraction_ms }, received);
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
