// The product's own index writer and detector, each as a process of that role runs it.
import { join } from 'node:path';
import { loadEntityTable } from '../../detect/worker/entity-table.ts';
import { startDetector } from '../../detect/worker/start-detector.ts';
import type { Bus } from '../../platform/bus/bus.ts';
import { openBus } from '../../platform/bus/open-bus.ts';
import { systemClock } from '../../platform/core/clock.ts';
import type { Counters } from '../../platform/core/counters.ts';
import { createLogger } from '../../platform/core/log.ts';
import { TOPICS } from '../../platform/core/topics.ts';
import { openIndex } from '../../platform/index/open-index.ts';
import { startIndexWriter } from '../../platform/index/write-events.ts';
import { loadDetection } from '../../server/load-detection.ts';
import { findCorpora } from '../sigma-streams/sigmahq.ts';
import type { WorkerTask } from './task.ts';

const CONTENT = join(import.meta.dirname, '../../rules');

/** The bus as a site's configuration opens it (server/open-site-bus.ts); the spool before it is for producers. */
export function openPipelineBus(task: Pick<WorkerTask, 'broker' | 'partitions'>): Promise<Bus> {
  return openBus({
    engine: 'kafka',
    connection: { brokers: [task.broker], client_id: 'bench' },
    topics: { create: true, partitions: { [TOPICS.events.name]: task.partitions } },
    clock: systemClock,
    logger,
  });
}

/** What is said goes to stderr: a healthy run says nothing. */
const logger = createLogger({ name: 'bench', level: 'warn' });

/** One node keeps one copy; all else as a site has it by default. */
export function openPipelineIndex(url: string) {
  return openIndex({
    engine: 'elasticsearch',
    connection: { nodes: [url] },
    clock: systemClock,
    shape: { replicas: 0 },
  });
}

/** Prepared: the function begins, and gives how to stop. */
export async function prepareIndexWriter(task: WorkerTask, counters: Counters) {
  const bus = await openPipelineBus(task);
  const index = await openPipelineIndex(task.elasticsearch);
  return () => {
    const writer = startIndexWriter({ bus, index, counters, logger });
    return async () => {
      await writer.stop();
      await bus.close();
      await index.close();
    };
  };
}

/** All of SigmaHQ compiled through our pipelines; the function begins, and gives how to stop. */
export async function prepareDetector(task: WorkerTask, counters: Counters) {
  const bus = await openPipelineBus(task);
  await bus.ensureTopics([TOPICS.events, TOPICS.signals, TOPICS.alerts]);
  const detection = loadDetection({
    folders: [{ folder: join(findCorpora(), 'sigmahq'), name: 'sigmahq' }],
    pipelines: join(CONTENT, 'pipelines'),
    now: new Date(),
  });
  return () => {
    const detector = startDetector({
      bus,
      folder: task.folder,
      rules: detection.rules,
      entityTable: loadEntityTable(join(CONTENT, 'entities/entity-fields.yaml')),
      site: { tenant: 'local', id: 'centre', tier: 'centre', jurisdiction: 'zz' },
      mode: 'centre',
      steps: 'two',
      clock: systemClock,
      counters,
      logger,
    });
    return async () => {
      await detector.stop();
      await bus.close();
    };
  };
}
