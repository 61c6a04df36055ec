/** Plays the demo's recordings through adapters, rules, correlations and alert building, as a site does, without a bus. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openCorrelator } from '../../detect/correlate/correlator.ts';
import { signalsOfMatch } from '../../detect/correlate/signal.ts';
import { compileRules } from '../../detect/sigma/compile-rules.ts';
import { loadPipelines } from '../../detect/sigma/load-pipelines.ts';
import { loadRules } from '../../detect/sigma/load-rules.ts';
import { assembleDetectorRules } from '../../detect/worker/assemble-rules.ts';
import { buildAlert, takeEvidence } from '../../detect/worker/build-alert.ts';
import { loadEntityTable } from '../../detect/worker/entity-table.ts';
import { routeMatches } from '../../detect/worker/route-matches.ts';
import { buildEvent } from '../../ingest/build-event.ts';
import { findAdapter } from '../../ingest/registry.ts';
import type { SiteIdentity } from '../../ingest/site-identity.ts';
import type { RawRecord } from '../../ingest/source.ts';
import type { Alert } from '../../platform/core/alert.ts';
import type { PicketEvent } from '../../platform/core/event.ts';
import { parseYaml } from '../../platform/core/yaml.ts';
import { readRecording } from '../../server/commands/read-recording.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const RULES = join(ROOT, 'rules');
const RECORDINGS = join(ROOT, 'demo', 'recordings');
/** The story is laid on a day of its own, so that nothing is cut at midnight. */
const STORY_BEGINS = Date.UTC(2026, 10, 24, 12);

/** Formats whose sources are told the name of their cluster, as the demo's are. */
const NAMES_CLUSTER = new Set(['kubernetes-audit', 'falco']);

interface Recording {
  readonly file: string;
  readonly format: string;
  readonly site: string;
  readonly story_ms: number;
  readonly original_start: string;
}

interface PlayedEvent {
  readonly recording: string;
  readonly event: PicketEvent;
}

export interface PlayedStory {
  readonly events: ReadonlyMap<string, PlayedEvent>;
  readonly alerts: readonly Alert[];
  /** What was refused of rules, correlations and records. */
  readonly refused: readonly string[];
}

/** Deterministic: times come from the manifest, ids from a fixed key. */
export async function playRecordings(): Promise<PlayedStory> {
  const refused: string[] = [];
  const manifestFile = join(RECORDINGS, 'manifest.yaml');
  const manifest = parseYaml({ text: readFileSync(manifestFile, 'utf8'), file: manifestFile }).value as {
    sites: { id: string; jurisdiction: string }[];
    recordings: Recording[];
  };
  const events = new Map<string, PlayedEvent>();
  for (const recording of manifest.recordings) {
    const place = manifest.sites.find(({ id }) => id === recording.site);
    const site: SiteIdentity = {
      tenant: 'demo',
      id: recording.site,
      tier: 'edge',
      jurisdiction: place?.jurisdiction ?? 'zz',
      eventKey: new Uint8Array(32),
    };
    for await (const event of normaliseRecording({ recording, site, refused }))
      events.set(event.event.id, { recording: recording.file, event });
  }
  return { events, alerts: detect([...events.values()], refused), refused };
}

async function* normaliseRecording(options: {
  recording: Recording;
  site: SiteIdentity;
  refused: string[];
}): AsyncGenerator<PicketEvent> {
  const { recording, site, refused } = options;
  const { file, format } = recording;
  const adapter = findAdapter(format);
  if (!adapter) throw new Error(`no adapter ${format}`);
  const state = new Map<string, string>();
  const normaliser = adapter.createNormaliser({
    site,
    sourceId: format,
    timezone: 'UTC',
    parameters: adapter.parameters.parse(NAMES_CLUSTER.has(format) ? { cluster: site.id } : {}),
    state: { get: (key) => state.get(key), set: (key, value) => void state.set(key, value) },
    count: () => undefined,
  });
  const began = Date.parse(recording.original_start);
  for await (const raw of readRecording({ file: join(RECORDINGS, file), format })) {
    const record: RawRecord = {
      bytes: Buffer.from(raw.bytes, 'base64'),
      received: STORY_BEGINS + 3_600_000,
      position: { kind: 'request', ordinal: raw.ordinal },
      shift_ms: STORY_BEGINS + recording.story_ms - began,
      ...(raw.peer === undefined ? {} : { peer: raw.peer }),
    };
    for (const [part, outcome] of normaliser.normalise(record).entries()) {
      if (outcome.kind === 'rejected') refused.push(`${file}: ${outcome.code} ${outcome.message}`);
      if (outcome.kind !== 'event') continue;
      const { draft } = outcome;
      const dataset = adapter.datasets.find(({ name }) => name === draft.dataset);
      yield buildEvent({
        draft,
        part,
        record,
        source: { id: format, type: format },
        class: draft.class ?? dataset?.class ?? 'application-log',
        site,
      });
    }
  }
}

function detect(played: readonly PlayedEvent[], refused: string[]): Alert[] {
  const table = loadEntityTable(join(RULES, 'entities', 'entity-fields.yaml'));
  const { pipelines, routes } = loadPipelines(join(RULES, 'pipelines'));
  if (!routes) throw new Error('no logsource routes');
  const loaded = loadRules({ folders: [join(RULES, 'sigma'), join(RULES, 'correlation')] });
  const compiled = compileRules({ rules: loaded.rules, pipelines, routes });
  const assembled = assembleDetectorRules({
    engine: compiled.engine,
    correlations: loaded.correlations,
    pipelines,
  });
  const router = routeMatches({ rules: assembled.rules, table, retention_ms: 30 * 86_400_000 });
  for (const problem of [...loaded.refused, ...compiled.refused, ...assembled.refused, ...router.refused])
    refused.push(`${problem.code} ${problem.message}`);
  const correlator = openCorrelator({
    file: ':memory:',
    memory_bytes: 16_777_216,
    revision_wait_ms: 0,
    count: () => undefined,
  });
  correlator.use(router.correlations);
  try {
    const signals = played.flatMap(({ event }) =>
      assembled.rules.match(event).flatMap((match) =>
        signalsOfMatch({
          match,
          correlations: router.correlationsOf(match, 'site'),
          describe: () => takeEvidence(match, table),
          count: () => undefined,
        }),
      ),
    );
    const as_of = Object.fromEntries(
      played.map(({ event }) => [event.picket.site.id, STORY_BEGINS + 3_600_000]),
    );
    correlator.work({ signals, as_of, now: STORY_BEGINS + 3_600_000 });
    return correlator.current().flatMap((episode) => {
      const alert = buildAlert({
        episode,
        revision: 1,
        site: { tenant: 'demo', id: 'centre', tier: 'centre', jurisdiction: 'eu-fr' },
      });
      return alert ? [alert] : [];
    });
  } finally {
    correlator.close();
  }
}
