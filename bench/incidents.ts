// Recorded attacks through rules, correlation and joining: how many alerts become how many incidents, which recording's
// alerts stand together, and whether another order or a site that comes three days late ends in the same.
import { join } from 'node:path';
import { openCorrelator } from '../detect/correlate/correlator.ts';
import { type Signal, signalsOfMatch } from '../detect/correlate/signal.ts';
import { AlertGraph } from '../detect/incidents/alert-graph.ts';
import { countRarity, type RarityTable } from '../detect/incidents/rarity.ts';
import { DEFAULT_LIMITS, nodeOf } from '../detect/incidents/weigh-entity.ts';
import { compileRules } from '../detect/sigma/compile-rules.ts';
import { loadRoutedPipelines } from '../detect/sigma/load-pipelines.ts';
import { loadRules } from '../detect/sigma/load-rules.ts';
import { assembleDetectorRules } from '../detect/worker/assemble-rules.ts';
import { buildAlert, takeEvidence } from '../detect/worker/build-alert.ts';
import { loadEntityTable } from '../detect/worker/entity-table.ts';
import { routeMatches } from '../detect/worker/route-matches.ts';
import type { Alert } from '../platform/core/alert.ts';
import type { PicketEvent } from '../platform/core/event.ts';
import { createLineNormaliser } from '../server/commands/normalise-line.ts';
import { findCorpora, readWindowsEvents } from './sigma-streams/sigmahq.ts';

const RULES = join(import.meta.dirname, '..', 'rules');
/** Events of one network that lie closer in time than this are of one recording: each was made in one sitting. */
const SAME_RECORDING_MS = 6 * 3_600_000;
const DELAY_MS = 72 * 3_600_000;
const BATCH = 500;

export const description =
  'Recorded attacks (PICKET_CORPORA) to alerts and incidents: a table by recording, and the same after shuffling and after 72 hours of delay';

interface Recording {
  readonly network: string;
  events: number;
  begins: number;
  latest: number;
}

interface Recorded {
  readonly event: PicketEvent;
  readonly recording: Recording;
}

/** Every event of the corpus that the Windows source takes; each network of hosts is a site. */
function readRecorded(): { recorded: Recorded[]; refused: number } {
  const normalise = createLineNormaliser('windows');
  const recorded: Recorded[] = [];
  let refused = 0;
  const recordings: Recording[] = [];
  for (const line of readWindowsEvents().toString('utf8').split('\n').filter(Boolean)) {
    let events: PicketEvent[];
    try {
      events = normalise(Buffer.from(line)) as unknown as PicketEvent[];
    } catch {
      refused++;
      continue;
    }
    for (const event of events) {
      const t = Date.parse(event['@timestamp']);
      const network = networkOf(event);
      const recording = recordingAt(recordings, network, t);
      recording.events++;
      recording.begins = Math.min(recording.begins, t);
      recording.latest = Math.max(recording.latest, t);
      const site = { ...event.picket.site, id: network };
      recorded.push({ event: { ...event, picket: { ...event.picket, site } }, recording });
    }
  }
  return { recorded, refused };
}

/** The recording that this event belongs to, begun when there is none. */
function recordingAt(recordings: Recording[], network: string, t: number): Recording {
  const known = recordings.find(
    (one) =>
      one.network === network && t > one.begins - SAME_RECORDING_MS && t < one.latest + SAME_RECORDING_MS,
  );
  if (known) return known;
  const begun = { network, events: 0, begins: t, latest: t };
  recordings.push(begun);
  return begun;
}

/** The domain of the host; hosts that say none are of `workgroup`. */
function networkOf(event: PicketEvent): string {
  const name = (event['host'] as { name?: string } | undefined)?.name ?? '';
  const dot = name.indexOf('.');
  return dot < 0 ? `workgroup-${name.toLowerCase()}` : name.slice(dot + 1).toLowerCase();
}

interface Detection {
  signalsOf(recorded: Recorded): Signal[];
  readonly correlations: ReturnType<typeof routeMatches>['correlations'];
  readonly rules: number;
}

function openDetection(): Detection {
  const table = loadEntityTable(join(RULES, 'entities', 'entity-fields.yaml'));
  const { pipelines, routes } = loadRoutedPipelines(join(RULES, 'pipelines'));
  const loaded = loadRules({
    folders: [join(findCorpora(), 'sigmahq', 'rules'), join(RULES, 'sigma'), join(RULES, 'correlation')],
  });
  const { engine } = compileRules({ rules: loaded.rules, pipelines, routes });
  const { rules } = assembleDetectorRules({ engine, correlations: loaded.correlations, pipelines });
  const router = routeMatches({ rules, table, retention_ms: 30 * 86_400_000 });
  return {
    correlations: router.correlations,
    rules: engine.rules.length + loaded.correlations.length,
    signalsOf: ({ event }) =>
      rules.match(event).flatMap((match) =>
        signalsOfMatch({
          match,
          correlations: router.correlationsOf(match, 'both'),
          describe: () => takeEvidence(match, table),
          count: () => undefined,
        }),
      ),
  };
}

/** What stands after each part has come, one after the other. */
function* correlate(
  parts: readonly (readonly Recorded[])[],
  detection: Detection,
): Generator<readonly Alert[]> {
  const correlator = openCorrelator({
    file: ':memory:',
    memory_bytes: 256 * 1024 ** 2,
    revision_wait_ms: 0,
    count: () => undefined,
  });
  correlator.use(detection.correlations);
  try {
    for (const [delay, part] of parts.entries()) {
      const as_of: Record<string, number> = {};
      for (let at = 0; at < part.length; at += BATCH) {
        const batch = part.slice(at, at + BATCH);
        for (const { event } of batch) {
          const site = event.picket.site.id;
          as_of[site] = Math.max(as_of[site] ?? 0, Date.parse(event['@timestamp']));
        }
        const signals = batch.flatMap((one) => detection.signalsOf(one));
        correlator.work({ signals, as_of, now: delay * DELAY_MS });
      }
      yield correlator.current().flatMap((episode) => {
        const alert = buildAlert({
          episode,
          revision: 1,
          site: { tenant: 'local', id: 'centre', tier: 'centre', jurisdiction: 'zz' },
        });
        return alert ? [alert] : [];
      });
    }
  } finally {
    correlator.close();
  }
}

interface Outcome {
  readonly alerts: readonly Alert[];
  /** Alert ids, each incident's and all of them in order. */
  readonly incidents: readonly (readonly string[])[];
}

/** Joins what stands after each part, as the incident builder does while they come. */
function joinAlerts(stages: Iterable<readonly Alert[]>, rarity: RarityTable | undefined): Outcome {
  let alerts: readonly Alert[] = [];
  let graph: AlertGraph | undefined;
  for (const stage of stages) {
    graph ??= new AlertGraph({ limits: DEFAULT_LIMITS, rarity: rarity ?? countRarity(stage, 0) });
    const standing = new Set(stage.map(({ id }) => id));
    for (const { id } of alerts) if (!standing.has(id)) graph.remove(id);
    for (const alert of stage) graph.put(nodeOf(alert));
    graph.settle();
    alerts = stage;
  }
  const incidents = (graph?.components() ?? [])
    .map((component) => [...component.alerts].sort())
    .sort((one, other) => ((one[0] as string) < (other[0] as string) ? -1 : 1));
  return { alerts, incidents };
}

/** A linear congruential generator (Numerical Recipes): every run shuffles alike. */
function shuffle<T>(items: readonly T[]): T[] {
  let state = 11;
  const draw = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state;
  };
  return items
    .map((item) => ({ item, order: draw() }))
    .sort((one, other) => one.order - other.order)
    .map(({ item }) => item);
}

function essence({ alerts, incidents }: Outcome): string {
  const shown = alerts
    .map(({ id, first, last, count, events }) => [id, first, last, count, events.map((event) => event.id)])
    .sort(([one], [other]) => ((one as string) < (other as string) ? -1 : 1));
  return JSON.stringify([shown, incidents]);
}

/** @throws Error when the corpora are not there, or when an order changes the outcome */
export async function run({ progress }: { progress: (line: string) => void }): Promise<{
  table: Record<string, string | number>[];
  figures: Record<string, number | string>;
}> {
  const { recorded, refused } = readRecorded();
  progress(`${recorded.length} events, ${refused} records of other sources`);
  const detection = openDetection();
  progress(`${detection.rules} rules`);
  const [all] = [...correlate([recorded], detection)] as [readonly Alert[]];
  const rarity = countRarity(all, 0);
  const plain = joinAlerts([all], rarity);
  progress(`${plain.alerts.length} alerts, ${plain.incidents.length} incidents; now in other orders`);
  const busiest = largestSite(plain.alerts);
  const orders: [string, readonly (readonly Recorded[])[]][] = [
    ['shuffled', [shuffle(recorded)]],
    [
      `${busiest} 72 h late`,
      [
        recorded.filter(({ recording }) => recording.network !== busiest),
        recorded.filter(({ recording }) => recording.network === busiest),
      ],
    ],
  ];
  for (const [name, parts] of orders) {
    if (essence(joinAlerts(correlate(parts, detection), rarity)) !== essence(plain))
      throw new Error(`another outcome when ${name}`);
    progress(`the same ${name}`);
  }
  return { table: tabulate(recorded, plain), figures: sum(recorded, plain) };
}

function largestSite(alerts: readonly Alert[]): string {
  const counts = new Map<string, number>();
  for (const { site } of alerts) counts.set(site.id, (counts.get(site.id) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one)[0]?.[0] ?? '';
}

interface Labelled {
  readonly recording: Recording;
  readonly alerts: readonly string[];
  /** Of each incident that holds some of them: how many. */
  readonly spread: readonly number[];
  /** Alerts of other recordings in those incidents: of the same hosts within the window of joining, and others. */
  readonly near: number;
  readonly strange: number;
}

/** Of each recording that raised alerts. An alert belongs to the recording of its first event. */
function label(recorded: readonly Recorded[], { alerts, incidents }: Outcome): Labelled[] {
  const recordingOf = new Map(recorded.map(({ event, recording }) => [event.event.id, recording]));
  const ofAlert = new Map(
    alerts.map((alert) => [alert.id, recordingOf.get(alert.events[0]?.id ?? '') as Recording]),
  );
  const recordings = [...new Set(recorded.map(({ recording }) => recording))].sort(
    (one, other) => one.begins - other.begins,
  );
  return recordings.flatMap((recording) => {
    const own = [...ofAlert].filter(([, one]) => one === recording).map(([id]) => id);
    if (own.length === 0) return [];
    const holding = incidents.filter((ids) => ids.some((id) => ofAlert.get(id) === recording));
    const others = holding.flat().filter((id) => ofAlert.get(id) !== recording);
    const strange = others.filter((id) => (ofAlert.get(id) as Recording).network !== recording.network);
    return [
      {
        recording,
        alerts: own,
        spread: holding
          .map((ids) => ids.filter((id) => ofAlert.get(id) === recording).length)
          .sort((one, other) => other - one),
        near: others.length - strange.length,
        strange: strange.length,
      },
    ];
  });
}

function tabulate(recorded: readonly Recorded[], outcome: Outcome): Record<string, string | number>[] {
  return label(recorded, outcome).map(({ recording, alerts, spread, near, strange }) => ({
    begins: new Date(recording.begins).toISOString().slice(0, 16),
    network: recording.network,
    events: recording.events,
    alerts: alerts.length,
    incidents: spread.length,
    'in the largest': spread[0] ?? 0,
    'and of the same network': near,
    'of others': strange,
  }));
}

function sum(recorded: readonly Recorded[], outcome: Outcome): Record<string, number> {
  const labelled = label(recorded, outcome);
  const total = (of: (one: Labelled) => number): number => labelled.reduce((n, one) => n + of(one), 0);
  return {
    events: recorded.length,
    recordings: labelled.length,
    alerts: outcome.alerts.length,
    incidents: outcome.incidents.length,
    in_largest: total(({ spread }) => spread[0] ?? 0),
    with_others: total(({ strange }) => strange),
  };
}
