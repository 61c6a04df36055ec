// Reads the times that JSON formats write: ISO 8601 with or without zone, and zone-less wall time in a named zone.

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?$/i;

export interface ParsedTime {
  /** ms since the epoch. */
  readonly timestamp: number;
  /** True when the text named its zone. */
  readonly zoned: boolean;
}

/** A named time zone; made once a source, since asking the runtime for one is slow. */
export interface Zone {
  /** What the zone is ahead of UTC at an instant, in ms. */
  offsetAt(instant: number): number;
}

/** ISO 8601 or `YYYY-MM-DD HH:MM:SS[.fff]`; without zone it is wall time in `zone` (default UTC). Undefined for anything else. */
export function parseTime(text: unknown, zone?: Zone): ParsedTime | undefined {
  if (typeof text !== 'string' || text.length > 64) return undefined;
  const match = ISO.exec(text.trim());
  if (!match) return undefined;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '0', offset] = match;
  const wall = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
    Number(fraction.slice(0, 3).padEnd(3, '0')),
  );
  const inRange = Number(hour) < 24 && Number(minute) < 60 && Number(second) <= 60;
  const check = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  if (!inRange || check.getUTCMonth() !== Number(month) - 1 || check.getUTCDate() !== Number(day)) {
    return undefined;
  }
  if (offset !== undefined) return { timestamp: wall - offsetOf(offset), zoned: true };
  return { timestamp: zone ? fromWallTime(wall, zone) : wall, zoned: false };
}

function offsetOf(offset: string): number {
  if (/^(?:z|utc)$/i.test(offset)) return 0;
  const digits = offset.replace(':', '');
  const minutes = Number(digits.slice(1, 3)) * 60 + Number(digits.slice(3, 5));
  return (offset.startsWith('-') ? -minutes : minutes) * 60_000;
}

/** The instant at which clocks of the zone show `wall` (ms as if UTC); in the hour that occurs twice, the first. */
export function fromWallTime(wall: number, zone: Zone): number {
  // The offsets half a day on either side are the two that a change of clocks near `wall` can have.
  const candidates = [-43_200_000, 43_200_000].map((shift) => wall - zone.offsetAt(wall + shift));
  const exact = candidates.filter((instant) => instant + zone.offsetAt(instant) === wall);
  return Math.min(...(exact.length > 0 ? exact : candidates));
}

/** A zone by its IANA name; undefined for one that this runtime does not know. */
export function createZone(name: string): Zone | undefined {
  if (name === 'UTC') return { offsetAt: () => 0 };
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    return undefined;
  }
  return {
    offsetAt(instant) {
      const parts = format.formatToParts(instant);
      const of = (type: string): number => Number(parts.find((part) => part.type === type)?.value);
      const shown = Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'));
      return shown - Math.floor(instant / 1000) * 1000;
    },
  };
}
