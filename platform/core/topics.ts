// Every bus topic, declared in one place with partitions, retention and what its messages hold.

/** A topic: retention is by whole segments, whichever bound is met first. */
export interface TopicDefinition {
  readonly name: string;
  readonly partitions: number;
  readonly retention_ms: number;
  readonly retention_bytes: number;
  /** Kafka log compaction by key. */
  readonly compacted?: boolean;
}

const DAY_MS = 86_400_000;
const GIB = 1024 ** 3;

export const TOPICS = {
  /** Normalised events (JSON of PicketEvent); key = hash(site, source); headers: see EventHeaders. */
  events: { name: 'picket.events', partitions: 4, retention_ms: 7 * DAY_MS, retention_bytes: 16 * GIB },
  /** Matches on their way to the correlator of their key (detect/worker/signal-messages.ts); key = key group. */
  signals: { name: 'picket.signals', partitions: 4, retention_ms: 30 * DAY_MS, retention_bytes: 8 * GIB },
  /** Alerts, each revision (JSON of Alert); key = alert id. */
  alerts: { name: 'picket.alerts', partitions: 1, retention_ms: 30 * DAY_MS, retention_bytes: GIB },
  /** Incidents as they are made or change (JSON of Incident); key = incident id. */
  incidents: { name: 'picket.incidents', partitions: 1, retention_ms: 30 * DAY_MS, retention_bytes: GIB },
  /** What sites report of their postures (JSON of PostureReport); key = site id. */
  postureReports: {
    name: 'picket.posture-reports',
    partitions: 1,
    retention_ms: 30 * DAY_MS,
    retention_bytes: GIB,
  },
  /** Residency decisions counted at a site (JSON of ResidencyLedgerEntry); key = site id. */
  residency: { name: 'picket.residency', partitions: 1, retention_ms: 90 * DAY_MS, retention_bytes: GIB },
  /** What could not be worked: original bytes, with reason headers; key = source. Stays at its site. */
  deadLetters: {
    name: 'picket.dead-letters',
    partitions: 1,
    retention_ms: 30 * DAY_MS,
    retention_bytes: 4 * GIB,
  },
  /** Which dead letters were fed in again (JSON of DeadLetterMark in platform/bus/replay-dead-letters.ts). */
  deadLetterMarks: {
    name: 'picket.dead-letter-marks',
    partitions: 1,
    retention_ms: 31 * DAY_MS,
    retention_bytes: GIB,
  },
} as const satisfies Record<string, TopicDefinition>;

/** Where a site puts its signed batches when it hands them in by Kafka; it alone may write there. Key = site id. */
export function ingressTopic(site: string): TopicDefinition {
  return {
    name: `${INGRESS_PREFIX}${site}`,
    // A site's batches are a chain: they stay in order.
    partitions: 1,
    retention_ms: 7 * DAY_MS,
    retention_bytes: 4 * GIB,
  };
}

const INGRESS_PREFIX = 'picket.ingress.';

/** Where a parent puts its signed commands for a site that hands in by Kafka; it alone may read them. Key = kind: the newest of each is kept. */
export function commandTopic(site: string): TopicDefinition {
  return {
    name: `picket.commands.${site}`,
    partitions: 1,
    retention_ms: 30 * DAY_MS,
    retention_bytes: GIB,
    compacted: true,
  };
}

/** The site of an ingress topic's name; undefined for any other topic. */
export function siteOfIngress(topic: string): string | undefined {
  return topic.startsWith(INGRESS_PREFIX) ? topic.slice(INGRESS_PREFIX.length) : undefined;
}

/** Headers of a message in `picket.events`; all text. The index writer routes by them without parsing the body. */
export interface EventHeaders {
  /** event.id */
  id: string;
  dataset: string;
  jurisdiction: string;
  tenant: string;
  class: string;
  site: string;
  source: string;
  /** `@timestamp` as ISO text; for what is undated, the receipt time. */
  timestamp: string;
  /** TimeJudgement */
  time: string;
  /** `1` when rules of scope `site` were already worked where the event was made. */
  detected?: string;
  /** `1` for an event of a source with `detection_only`: rules see it, the index does not keep it. */
  detection_only?: string;
}
