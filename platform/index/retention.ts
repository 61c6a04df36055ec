// Applies retention: drops whole segments whose every event is older than its jurisdiction and dataset may keep.
import type { EventIndex, SegmentInfo } from './event-index.ts';
import { periodBounds } from './segment-name.ts';

/** The first rule that fits a segment decides; what none fits is kept. */
export interface RetentionRule {
  readonly tenant?: string;
  readonly jurisdiction?: string;
  /** The dataset itself, or all of a module as `windows.*`. */
  readonly dataset?: string;
  readonly days: number;
}

export interface DroppedSegment {
  readonly segment: SegmentInfo;
  readonly rule: RetentionRule;
}

const DAY_MS = 86_400_000;

/**
 * Drops what is over age at `now` (ms since the epoch) and returns it with the rule that spoke. A segment goes
 * once its whole period is past. Undated segments have no age and are never dropped here: they are small,
 * and go by name.
 */
export async function dropExpiredSegments(options: {
  index: EventIndex;
  rules: readonly RetentionRule[];
  now: number;
}): Promise<DroppedSegment[]> {
  const { index, rules, now } = options;
  const dropped: DroppedSegment[] = [];
  for (const segment of await index.segments()) {
    const rule = rules.find((candidate) => fits(candidate, segment));
    const bounds = periodBounds(segment.period);
    if (!rule || !bounds || segment.period === 'undated') continue;
    if (bounds.to <= now - rule.days * DAY_MS) dropped.push({ segment, rule });
  }
  if (dropped.length > 0) await index.dropSegments(dropped.map(({ segment }) => segment.name));
  return dropped;
}

function fits({ tenant, jurisdiction, dataset }: RetentionRule, segment: SegmentInfo): boolean {
  return (
    (tenant === undefined || tenant === segment.tenant) &&
    (jurisdiction === undefined || jurisdiction === segment.jurisdiction) &&
    (dataset === undefined ||
      dataset === segment.dataset ||
      (dataset.endsWith('.*') && segment.dataset.startsWith(dataset.slice(0, -1))))
  );
}
