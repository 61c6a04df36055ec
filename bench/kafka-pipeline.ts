// Kafka to Elasticsearch with all of SigmaHQ beside it, against kafkajs and _bulk with nothing between, on the same real servers.
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startElasticsearch } from '../test/services/elasticsearch.ts';
import { install } from '../test/services/install.ts';
import { startKafka } from '../test/services/kafka.ts';
import {
  countAndDrop,
  type Filled,
  fillTopic,
  forgetWork,
  makeBareIndices,
  makeOwnIndices,
} from './kafka-pipeline/prepare-servers.ts';
import { type Kind, type Rounds, reportRounds } from './kafka-pipeline/report-rounds.ts';
import { type RoundUse, runWorkers } from './kafka-pipeline/run-workers.ts';
import { openPipelineBus } from './kafka-pipeline/start-role.ts';
import type { RoleName, WorkerTask } from './kafka-pipeline/task.ts';

export const description =
  'Kafka → detect with all of SigmaHQ → Elasticsearch as a share of kafkajs and _bulk alone, and CPU by role (PICKET_CORPORA names the folder; PICKET_BENCH_EVENTS, default 100,000; PICKET_BENCH_ROUNDS, default 5)';

const EVENTS = Number(process.env['PICKET_BENCH_EVENTS'] ?? 100_000);
const ROUNDS = Number(process.env['PICKET_BENCH_ROUNDS'] ?? 5);
/** With this set, CPU profiles of the workers are left there, a folder a role. */
const PROFILE = process.env['PICKET_BENCH_PROFILE'];
/** Which figures: `pipeline`, `detect`, `two` (two detection processes), or some of them. */
const PARTS = (process.env['PICKET_BENCH_PARTS'] ?? 'pipeline,detect,two').split(',');
/** A site's own default (bus.topics.events_partitions). */
const PARTITIONS = 24;

/** What runs beside each other. */
const PROCESSES: Readonly<Record<Kind, readonly RoleName[]>> = {
  ceiling: ['bare-write'],
  pipeline: ['index', 'detect'],
  parse: ['bare-parse'],
  detect: ['detect'],
  'pipeline-2': ['index', 'detect', 'detect'],
};

export async function run({ progress }: { progress: (line: string) => void }): Promise<{
  table: Record<string, string | number>[];
  figures: Record<string, number | string>;
}> {
  await install(['kafka', 'elasticsearch']);
  const folder = await mkdtemp(join(tmpdir(), 'picket-pipeline-'));
  const kafka = await startKafka();
  try {
    const elasticsearch = await startElasticsearch();
    try {
      const bus = await openPipelineBus({ broker: kafka.broker, partitions: PARTITIONS });
      const filled = await fillTopic({ bus, events: EVENTS, progress });
      await bus.close();
      const stage: Stage = { folder, kafka, elasticsearch, routes: filled.routes, progress };
      const rounds = await runRounds(stage);
      return reportRounds({ rounds, events: EVENTS, bytes_an_event: filled.bytes_an_event });
    } finally {
      await elasticsearch.stop();
    }
  } finally {
    await kafka.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Stage {
  readonly folder: string;
  readonly kafka: { readonly broker: string; pid(): number };
  readonly elasticsearch: { readonly url: string; pid(): number };
  readonly routes: Filled['routes'];
  readonly progress: (line: string) => void;
}

async function runRounds(stage: Stage): Promise<Rounds> {
  const rounds: Rounds = { ceiling: [], pipeline: [], parse: [], detect: [], 'pipeline-2': [] };
  stage.progress('once without counting, so that the servers are warm');
  if (PARTS.includes('pipeline')) {
    await runRound(stage, 'ceiling');
    await runRound(stage, 'pipeline');
  }
  const pairs = [
    ...(PARTS.includes('pipeline') ? [['ceiling', 'pipeline'] as const] : []),
    ...(PARTS.includes('detect') ? [['parse', 'detect'] as const] : []),
  ];
  for (let round = 0; round < ROUNDS; round++) {
    // Turn about, and the other first every second time, so that what else the machine does hits both.
    for (const [one, other] of pairs) {
      const pair = round % 2 === 0 ? [one, other] : [other, one];
      for (const kind of pair) rounds[kind].push(await runRound(stage, kind));
    }
  }
  for (let round = 0; PARTS.includes('two') && round < Math.ceil(ROUNDS / 2); round++)
    rounds['pipeline-2'].push(await runRound(stage, 'pipeline-2'));
  return rounds;
}

async function runRound(stage: Stage, kind: Kind): Promise<RoundUse> {
  const { kafka, elasticsearch, routes, folder, progress } = stage;
  await forgetWork(kafka.broker);
  const indices = kind === 'ceiling' ? await makeBareIndices(elasticsearch.url, routes.keys()) : {};
  const own = PROCESSES[kind].includes('index');
  if (own) await makeOwnIndices(elasticsearch.url, routes.values());
  const tasks = PROCESSES[kind].map(
    (role): WorkerTask => ({
      role,
      broker: kafka.broker,
      elasticsearch: elasticsearch.url,
      folder: join(folder, randomUUID()),
      partitions: PARTITIONS,
      group: `bare-${randomUUID()}`,
      indices,
    }),
  );
  const use = await runWorkers({
    tasks,
    events: EVENTS,
    servers: { broker: kafka.pid(), elasticsearch: elasticsearch.pid() },
    profile: PROFILE,
  });
  if (kind === 'ceiling' || own) {
    const written = await countAndDrop(elasticsearch.url);
    const refused = use.roles.reduce((all, role) => all + role.refused, 0);
    const before = own ? routes.size : 0;
    if (written.count - before + refused !== EVENTS)
      throw new Error(
        `${kind}: ${written.count - before} of ${EVENTS} events are in the index, ${refused} refused`,
      );
    progress(`${kind}: ${JSON.stringify({ ...written, refused })}`);
  }
  const faults = use.roles.reduce((all, role) => all + role.faults, 0);
  progress(
    `${kind}: ${Math.round(EVENTS / use.wall_s)} events/s; CPU s ${use.roles
      .map(({ role, cpu_s }) => `${role} ${cpu_s.toFixed(1)}`)
      .join(
        ', ',
      )}, broker ${use.broker_cpu_s.toFixed(1)}, Elasticsearch ${use.elasticsearch_cpu_s.toFixed(1)}; ${
      use.roles.find(({ role }) => role === 'detect')?.signals ?? 0
    } signals${faults > 0 ? `; ${faults} FAULTS` : ''}`,
  );
  return use;
}
