// Run by the test of detectors on Kafka: one process that matches and correlates with others, until it is killed or told to stop.
import { once } from 'node:events';
import { openBus } from '../../../platform/bus/open-bus.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { Counters } from '../../../platform/core/counters.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import { startTestDetector } from './fixture.ts';

const [broker, folder] = process.argv.slice(2) as [string, string];
const counters = new Counters();
const bus = await openBus({
  engine: 'kafka',
  connection: { brokers: [broker], client_id: 'picket-test' },
  topics: { replication_factor: 1, create: true },
  clock: systemClock,
  logger: silentLogger,
  limits: { session_timeout_ms: 6_000 },
});
const detector = startTestDetector({
  bus,
  folder,
  counters,
  revision_wait_ms: 50,
  steps: 'two',
});
process.stdout.write('started\n');
await once(process, 'SIGTERM');
await detector.stop();
await bus.close();
process.stdout.write(
  JSON.stringify({
    worked: counters.total('detect', 'worked'),
    correlated: counters.total('detect', 'correlated'),
    taken: counters.total('detect', 'hand-over'),
  }),
);
