// Turns a site's own bus records into what may leave: residency decides, and every decision is counted.
import type { BusRecord } from '../bus/bus.ts';
import type { Counters } from '../core/counters.ts';
import { errorCode } from '../core/errors.ts';
import type { JsonObject } from '../core/event.ts';
import { TOPICS, type TopicDefinition } from '../core/topics.ts';
import type { CompiledResidencyPolicy, ResidencyDecision } from '../residency/compile-policy.ts';
import { countDecision, type DecisionCounts, sumDecisions } from '../residency/count-decisions.ts';
import { DEFAULT_RULE } from '../residency/policy.ts';
import type { BatchRecord, UplinkKind } from './protocol.ts';

/** Which topic carries what, and how important it is (lower goes first). */
export const UPLINK_TOPICS: readonly { topic: TopicDefinition; kind: UplinkKind; rank: number }[] = [
  { topic: TOPICS.alerts, kind: 'alert', rank: 0 },
  { topic: TOPICS.postureReports, kind: 'posture-report', rank: 1 },
  { topic: TOPICS.residency, kind: 'residency', rank: 2 },
  { topic: TOPICS.events, kind: 'event', rank: 3 },
];

/** The lines that leave and the sum of what was decided. A record that cannot be read stays and is counted. */
export function prepareRecords(options: {
  records: readonly BusRecord[];
  kind: UplinkKind;
  policy: CompiledResidencyPolicy;
  destination: string;
  detects: boolean;
  counters: Counters;
}): { lines: string[]; decisions: DecisionCounts } {
  const { kind, policy, destination, counters } = options;
  const lines: string[] = [];
  const decisions: DecisionCounts[] = [];
  for (const record of options.records) {
    const document = readDocument(record.value);
    if (!document) {
      counters.add('uplink', 'unreadable');
      continue;
    }
    if (kind === 'residency' || kind === 'posture-report') {
      // Counts, versions and states: the link's own, which no residency rule speaks of.
      lines.push(JSON.stringify({ kind, document } satisfies BatchRecord));
      continue;
    }
    let decision: ResidencyDecision;
    try {
      decision = policy.decide({ kind, record: document, destination });
    } catch (error) {
      // A policy that cannot work at all is told; one record that cannot be decided must not hold up those behind it.
      if (errorCode(error) !== 'INTERNAL') throw error;
      counters.add('uplink', 'undecidable');
      decision = { outcome: 'stayed', rule: DEFAULT_RULE, fields: [] };
    }
    const { recordClass, dataset } = placeOf(kind, document);
    let bytes = record.value.length;
    if (decision.outcome === 'left') {
      const detected = kind === 'event' && options.detects ? { detected: true } : {};
      const line = JSON.stringify({
        kind,
        document: decision.document ?? {},
        ...detected,
      } satisfies BatchRecord);
      bytes = Buffer.byteLength(line);
      lines.push(line);
    }
    counters.add('residency', `${decision.outcome}:${decision.rule}`);
    decisions.push(countDecision({ kind, class: recordClass, dataset, decision, bytes }));
  }
  return { lines, decisions: sumDecisions(decisions) };
}

function readDocument(value: Uint8Array): JsonObject | undefined {
  try {
    const document: unknown = JSON.parse(Buffer.from(value).toString('utf8'));
    return document !== null && typeof document === 'object' && !Array.isArray(document)
      ? (document as JsonObject)
      : undefined;
  } catch {
    return undefined;
  }
}

/** An alert's dataset is the one of its first event. */
function placeOf(kind: 'event' | 'alert', document: JsonObject): { recordClass: string; dataset: string } {
  if (kind === 'alert') {
    const { events } = document as { events?: { dataset?: string }[] };
    return { recordClass: String(document['class']), dataset: events?.[0]?.dataset ?? '' };
  }
  const { picket, event } = document as { picket?: { class?: string }; event?: { dataset?: string } };
  return { recordClass: String(picket?.class), dataset: event?.dataset ?? '' };
}
