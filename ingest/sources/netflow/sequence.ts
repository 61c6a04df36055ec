// Finds what was lost between datagrams from their sequence numbers, through wraps, late arrivals and restarts.

/** What is remembered between datagrams; JSON in the source's state. */
export interface SequenceMemory {
  /** The number that the next datagram should carry; undefined when it cannot be known. */
  readonly next?: number | undefined;
  /** Boot time of the exporter, ms since the epoch. */
  readonly boot?: number | undefined;
  /** Where the last late datagram would continue: two that follow one another there are a restart. */
  readonly late?: number | undefined;
}

export type SequenceFinding =
  | { readonly kind: 'in-order' }
  | { readonly kind: 'gap'; readonly lost: number }
  | { readonly kind: 'late'; readonly units: number }
  | { readonly kind: 'reset' };

const WRAP = 2 ** 32;
/** A boot time that moved by less is the exporter's clock being set, not a restart. */
const BOOT_TOLERANCE_MS = 60_000;
/** Late datagrams are near; what is further back is a restart. */
const LATE_UNITS = 4_096;

/**
 * Judges one datagram. `sequence` and `units` count flows (v5), datagrams (v9) or data records (IPFIX);
 * `units` is what this datagram adds, undefined when it holds sets whose records cannot be counted.
 */
export function judgeSequence(options: {
  memory: SequenceMemory;
  sequence: number;
  units: number | undefined;
  boot?: number | undefined;
}): { finding: SequenceFinding; memory: SequenceMemory } {
  const { memory, sequence, units, boot } = options;
  const next = units === undefined ? undefined : (sequence + units) % WRAP;
  const fresh: SequenceMemory = { next, boot };
  if (boot !== undefined && memory.boot !== undefined && boot > memory.boot + BOOT_TOLERANCE_MS) {
    return { finding: { kind: 'reset' }, memory: fresh };
  }
  if (memory.next === undefined) return { finding: { kind: 'in-order' }, memory: fresh };
  const ahead = (sequence - memory.next + WRAP) % WRAP;
  if (ahead === 0) return { finding: { kind: 'in-order' }, memory: fresh };
  if (ahead < WRAP / 2) return { finding: { kind: 'gap', lost: ahead }, memory: fresh };
  const behind = WRAP - ahead;
  if (behind > LATE_UNITS || memory.late === sequence) return { finding: { kind: 'reset' }, memory: fresh };
  return { finding: { kind: 'late', units: units ?? 0 }, memory: { ...memory, late: next } };
}
