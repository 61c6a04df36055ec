// `picket migrate` into a real Elasticsearch: events against bare _bulk requests of the same bytes, by turns, and records.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../platform/core/clock.ts';
import { silentLogger } from '../platform/core/log.ts';
import { openIndex, type SegmentWalk, walkSegments } from '../platform/index/open-index.ts';
import { openRecords } from '../platform/records/open-records.ts';
import { moveEvents } from '../server/migrate/move-events.ts';
import { moveRecords } from '../server/migrate/move-records.ts';
import { openProgress } from '../server/migrate/open-progress.ts';
import type { Persistence } from '../server/migrate/persist.ts';
import { startElasticsearch } from '../test/services/elasticsearch.ts';
import { install } from '../test/services/install.ts';
import { makeBenchEvent, toIndexDocument } from './index-events.ts';

export const description =
  'picket migrate into a real Elasticsearch against bare _bulk of the same bytes (PICKET_BENCH_EVENTS, default 100,000), and records';

const ROUNDS = 3;
const BATCH = 2_000;
/** Requests under way at a time, as migrate has them. */
const REQUESTS = 3;
const RECORDS = 10_000;
const STEP_MS = 60;

const persistence: Persistence = {
  clock: systemClock,
  signal: new AbortController().signal,
  onWait: () => undefined,
};

export async function run({ progress }: { progress: (line: string) => void }) {
  await install(['elasticsearch']);
  const count = Number(process.env['PICKET_BENCH_EVENTS'] ?? 100_000);
  const folder = mkdtempSync(join(tmpdir(), 'picket-bench-migrate-'));
  const elasticsearch = await startElasticsearch();
  try {
    const old = await openIndex({ engine: 'embedded', folder: join(folder, 'index') });
    for (let at = 0; at < count; at += BATCH)
      await old.write(
        Array.from({ length: Math.min(BATCH, count - at) }, (_, nth) =>
          toIndexDocument(makeBenchEvent(at + nth, STEP_MS)),
        ),
      );
    await old.close();
    const target = { connection: { nodes: [elasticsearch.url] }, clock: systemClock };
    const index = await openIndex({ engine: 'elasticsearch', ...target, shape: { replicas: 0 } });
    const walk = walkSegments({ folder: join(folder, 'index') });
    const rates: { bulk: number[]; migrate: number[] } = { bulk: [], migrate: [] };
    for (let round = 0; round < ROUNDS; round++) {
      rates.bulk.push(await sendBare(elasticsearch.url, walk, count));
      const noted = openProgress(join(folder, `round-${round}`));
      const begun = performance.now();
      await moveEvents({ walk, index, progress: noted, persistence, onMoved: () => undefined });
      rates.migrate.push(count / ((performance.now() - begun) / 1_000));
      await noted.close();
      await index.dropSegments((await index.segments()).map(({ name }) => name));
      progress(
        `round ${round}: bulk ${rates.bulk.at(-1)?.toFixed(0)}/s, migrate ${rates.migrate.at(-1)?.toFixed(0)}/s`,
      );
    }
    walk.close();
    await index.close();
    const records = await moveSomeRecords(folder, target);
    const [bulk, migrate] = [median(rates.bulk), median(rates.migrate)];
    const figures = {
      events: count,
      bulk_per_s: Math.round(bulk),
      migrate_per_s: Math.round(migrate),
      share_of_bulk: Number((migrate / bulk).toFixed(2)),
      records_per_s: Math.round(records),
    };
    return { table: [figures], figures };
  } finally {
    await elasticsearch.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The bound: bodies that are ready, put into requests and sent, into an index of the same template. Events a second. */
async function sendBare(url: string, walk: SegmentWalk, count: number): Promise<number> {
  const name = 'picket-bare-bulk-eu-fr-2026-w45';
  const requests: Buffer[] = [];
  let lines: Uint8Array[] = [];
  const cut = (): void => {
    if (lines.length > 0) requests.push(Buffer.concat(lines));
    lines = [];
  };
  for (const segment of walk.segments())
    for (const { documents } of walk.blocks(segment.name, 0))
      for (const { id, body } of documents) {
        lines.push(
          Buffer.from(`${JSON.stringify({ create: { _index: name, _id: id } })}\n`),
          body,
          Buffer.from('\n'),
        );
        if (lines.length >= 3 * BATCH) cut();
      }
  cut();
  const begun = performance.now();
  const send = async (): Promise<void> => {
    for (let body = requests.pop(); body; body = requests.pop()) {
      const answer = await fetch(`${url}/_bulk?filter_path=errors,error,items.*.error`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body,
      });
      const said = await answer.text();
      if (!said.startsWith('{"errors":false'))
        throw new Error(`a bare request was not taken: ${said.slice(0, 500)}`);
    }
  };
  await Promise.all(Array.from({ length: REQUESTS }, send));
  const rate = count / ((performance.now() - begun) / 1_000);
  await fetch(`${url}/${name}`, { method: 'DELETE' });
  return rate;
}

/** Records a second: alerts of about a kilobyte. */
async function moveSomeRecords(
  folder: string,
  target: { connection: { nodes: string[] }; clock: typeof systemClock },
): Promise<number> {
  const from = await openRecords({ engine: 'embedded', folder: join(folder, 'records'), clock: systemClock });
  await Promise.all(
    Array.from({ length: RECORDS }, (_, at) =>
      from.create('alerts', `a${at}`, { at, rule: { level: 'high' }, text: 'x'.repeat(1_000) }),
    ),
  );
  const to = await openRecords({
    engine: 'elasticsearch',
    ...target,
    logger: silentLogger,
    index: 'bench_records',
    replicas: 0,
  });
  const progress = openProgress(join(folder, 'records-progress'));
  const begun = performance.now();
  await moveRecords({
    from,
    to,
    convert: (_, __, value) => value,
    replace: false,
    progress,
    persistence,
    onMoved: () => undefined,
  });
  const rate = RECORDS / ((performance.now() - begun) / 1_000);
  await progress.close();
  await from.close();
  await to.close();
  return rate;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
