// When a flow began and ended, from whichever of the many time elements its exporter sends.
import { numberAt } from './information-elements.ts';

/** Flows that end later than this after their export have a broken time. */
const AHEAD_LIMIT_MS = 60_000;

export interface ExportTime {
  /** ms since the epoch. */
  readonly exported: number;
  /** v5 and v9: ms since the exporter's boot, of 32 bits (wraps after 49.7 days). */
  readonly uptime_ms?: number | undefined;
}

/** ms since the epoch with fractions; a time that cannot be is left out and named in `unusable`. */
export function readFlowTime(
  values: ReadonlyMap<number, number | string>,
  header: ExportTime,
): { start: number | undefined; end: number | undefined; unusable: boolean } {
  const relative = (id: number): number | undefined => {
    const moment = numberAt(values, id);
    if (moment === undefined) return undefined;
    const init = numberAt(values, 160);
    if (init !== undefined) return init + moment;
    if (header.uptime_ms === undefined) return undefined;
    // The difference as a signed number of 32 bits is right on both sides of a wrap.
    return header.exported + ((moment - header.uptime_ms) | 0);
  };
  const delta = (id: number): number | undefined => {
    const microseconds = numberAt(values, id);
    return microseconds === undefined ? undefined : header.exported - microseconds / 1000;
  };
  const first = (...ids: number[]): number | undefined =>
    ids.map((id) => numberAt(values, id)).find((value) => value !== undefined && value > 0);

  let end = first(153, 157, 155, 151) ?? relative(21) ?? delta(159);
  let start = first(152, 156, 154, 150) ?? relative(22) ?? delta(158);
  const duration = numberAt(values, 161);
  if (duration !== undefined) {
    if (end === undefined && start !== undefined) end = start + duration;
    else if (start === undefined && end !== undefined) start = end - duration;
  }
  end ??= first(323, 322);
  let unusable = false;
  const isUsable = (time: number | undefined): boolean =>
    time === undefined || (time > 0 && time <= header.exported + AHEAD_LIMIT_MS);
  if (!isUsable(end) || !isUsable(start) || (start !== undefined && end !== undefined && start > end)) {
    unusable = true;
    start = undefined;
    end = undefined;
  }
  return { start, end, unusable };
}
