// Turns wall-clock times of a time zone into instants, and finds the year that RFC 3164 leaves out.
import { PicketError } from '../../../platform/core/errors.ts';
import { createZone, fromWallTime, type Zone } from '../../parse-time.ts';

const SLOT_MS = 900_000;
const MAXIMUM_SLOTS = 4_096;
const DAY_MS = 86_400_000;

/** A device whose clock runs ahead by less than this is not taken to speak of last year. */
const AHEAD_LIMIT_MS = 7 * DAY_MS;

export interface WallTime {
  /** Undefined when the text has none: it is found from the receipt time. */
  readonly year?: number | undefined;
  /** 0 to 11. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** Milliseconds within the second. */
  readonly fraction_ms: number;
  /** Minutes east of UTC when the text says so. */
  readonly offset_minutes?: number | undefined;
}

export interface ZoneClock {
  /** ms since the epoch, or undefined for a day that no candidate year has. `received` in ms since the epoch. */
  toInstant(wall: WallTime, received: number): number | undefined;
}

/** @throws PicketError SYSLOG_TIMEZONE for a zone that this runtime does not know */
export function createZoneClock(timezone: string): ZoneClock {
  const zone = createZone(timezone);
  if (!zone) {
    throw new PicketError({ code: 'SYSLOG_TIMEZONE', message: `no time zone \`${timezone}\`` });
  }
  // Offsets change at quarter hours at the finest, and asking for one costs microseconds.
  const slots = new Map<number, number>();
  const cached: Zone = {
    offsetAt(instant) {
      const slot = Math.floor(instant / SLOT_MS);
      let offset = slots.get(slot);
      if (offset === undefined) {
        offset = zone.offsetAt(slot * SLOT_MS);
        if (slots.size >= MAXIMUM_SLOTS) slots.clear();
        slots.set(slot, offset);
      }
      return offset;
    },
  };

  const inYear = (wall: WallTime, year: number): number | undefined => {
    const local = Date.UTC(
      year,
      wall.month,
      wall.day,
      wall.hour,
      wall.minute,
      Math.min(wall.second, 59),
      wall.fraction_ms,
    );
    if (Number.isNaN(local) || new Date(local).getUTCDate() !== wall.day) return undefined;
    if (wall.offset_minutes !== undefined) return local - wall.offset_minutes * 60_000;
    return fromWallTime(local, cached);
  };

  return {
    toInstant(wall, received) {
      if (wall.hour > 23 || wall.minute > 59 || wall.second > 60 || wall.day < 1) return undefined;
      if (wall.year !== undefined) return inYear(wall, wall.year);
      // The latest year that is not ahead of receipt: New Year's Eve read on New Year's Day is last year's,
      // and 29 February looks back to the last leap year.
      const receivedYear = new Date(received).getUTCFullYear();
      for (let year = receivedYear + 1; year >= receivedYear - 8; year--) {
        const instant = inYear(wall, year);
        if (instant !== undefined && instant <= received + AHEAD_LIMIT_MS) return instant;
      }
      return undefined;
    },
  };
}
