// Normalising per adapter, raw bytes to finished event, against JSON.parse alone of the same bytes.
import { createSecretKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { buildEvent } from '../ingest/build-event.ts';
import { SOURCE_ADAPTERS } from '../ingest/registry.ts';
import type { SiteIdentity } from '../ingest/site-identity.ts';
import type { RawRecord, SourceAdapter } from '../ingest/source.ts';
import { splitBytes } from '../ingest/split-records.ts';

export const description =
  'raw record to finished ECS event, per adapter, against JSON.parse of the same text (syslog and NetFlow: of the events they make)';

const SITE: SiteIdentity = {
  tenant: 'bench',
  id: 'bench',
  tier: 'edge',
  jurisdiction: 'eu-fr',
  eventKey: createSecretKey(new Uint8Array(32)),
};

/** Real records of each format, by path from the project's folder. */
const RECORDS: Readonly<Record<string, string>> = {
  'kubernetes-audit': 'demo/recordings/kubernetes-audit.ndjson',
  windows: 'demo/recordings/windows.ndjson',
  falco: 'demo/recordings/falco.ndjson',
  trivy: 'demo/recordings/trivy/hmi-gateway.json',
  syslog: 'test/fixtures/syslog/linux-auth-rfc5424.log',
  netflow: 'test/fixtures/netflow/pmacct-dns-v5.hex',
};

/** Of several rounds the fastest counts: other work on the machine only slows a round down. */
const ROUNDS = 7;
const ROUND_MS = 400;

export async function run({ progress }: { progress: (line: string) => void }): Promise<{
  table: Record<string, string | number>[];
  figures: Record<string, number | string>;
}> {
  const table: Record<string, string | number>[] = [];
  const figures: Record<string, number | string> = {};
  for (const adapter of SOURCE_ADAPTERS) {
    const records = recordsOf(adapter);
    if (records.length === 0) continue;
    progress(`${adapter.id}: ${records.length} records`);
    const normalise = createRun(adapter);
    const events = normalise(records);
    const isJson = adapter.framing !== 'line' && adapter.id !== 'netflow';
    const texts = isJson
      ? records.map(({ bytes }) => Buffer.from(bytes).toString('utf8'))
      : events.map((event) => JSON.stringify(event));
    const bytes = records.reduce((sum, record) => sum + record.bytes.length, 0);
    let parse_us = Number.POSITIVE_INFINITY;
    let normalise_us = Number.POSITIVE_INFINITY;
    // Side by side, so that both meet the same machine.
    for (let round = 0; round < ROUNDS; round++) {
      parse_us = Math.min(
        parse_us,
        measure(() => texts.map((text) => JSON.parse(text) as unknown)),
      );
      normalise_us = Math.min(
        normalise_us,
        measure(() => normalise(records)),
      );
    }
    const ratio = normalise_us / parse_us;
    table.push({
      adapter: adapter.id,
      records: records.length,
      events: events.length,
      'bytes/record': Math.round(bytes / records.length),
      'JSON.parse µs/record': (parse_us / records.length).toFixed(1),
      'normalise µs/record': (normalise_us / records.length).toFixed(1),
      'events/s': Math.round((events.length / normalise_us) * 1_000_000),
      ratio: ratio.toFixed(2),
    });
    figures[`${adapter.id}_ratio`] = Number(ratio.toFixed(2));
  }
  return { table, figures };
}

function createRun(adapter: SourceAdapter): (records: readonly RawRecord[]) => object[] {
  const classes = new Map(adapter.datasets.map((dataset) => [dataset.name, dataset.class]));
  const normaliser = adapter.createNormaliser({
    site: SITE,
    sourceId: 'bench',
    timezone: 'UTC',
    parameters: adapter.parameters.parse({}),
    state: { get: () => undefined, set: () => undefined },
    count: () => undefined,
  });
  return (records) =>
    records.flatMap((record) =>
      normaliser.normalise(record).map((outcome, part) => {
        if (outcome.kind !== 'event')
          throw new Error(`the bench has a bad record: ${JSON.stringify(outcome)}`);
        const { draft } = outcome;
        return buildEvent({
          draft,
          part,
          record,
          source: { id: 'bench', type: adapter.id },
          class: classes.get(draft.dataset) ?? draft.class ?? 'application-log',
          site: SITE,
        });
      }),
    );
}

function recordsOf(adapter: SourceAdapter): RawRecord[] {
  const path = RECORDS[adapter.id];
  const bytes =
    path === undefined ? ownRecords(adapter) : readFileSync(new URL(`../${path}`, import.meta.url));
  // Datagrams are written down one a line, in hex.
  const pieces =
    adapter.id === 'netflow'
      ? splitBytes(bytes, 'line').map((line) => Buffer.from(Buffer.from(line).toString('latin1'), 'hex'))
      : splitBytes(bytes, adapter.framing);
  return pieces.map((record, at) => ({
    bytes: record,
    received: 1_795_470_000_000,
    peer: '10.0.0.1',
    position: { kind: 'assigned', id: String(at) },
  }));
}

/** What `ecs` takes is what the others make: the Falco alerts as finished events. */
function ownRecords(adapter: SourceAdapter): Uint8Array {
  const falco = SOURCE_ADAPTERS.find(({ id }) => id === 'falco');
  if (adapter.id !== 'ecs' || !falco) return new Uint8Array();
  return Buffer.from(
    createRun(falco)(recordsOf(falco))
      .map((event) => JSON.stringify(event))
      .join('\n'),
  );
}

/** Microseconds of one call, averaged over ROUND_MS. */
function measure(call: () => unknown): number {
  const start = performance.now();
  let calls = 0;
  do {
    call();
    calls++;
  } while (performance.now() - start < ROUND_MS);
  return ((performance.now() - start) * 1000) / calls;
}
