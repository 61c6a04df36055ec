// Run by the kill -9 test: a bus, records, a detector, an alert keeper and an incident builder over one folder, until all is worked.
import { join } from 'node:path';
import { startIncidentBuilder } from '../../../detect/incidents/start-incident-builder.ts';
import { openEmbeddedBus } from '../../../platform/bus/embedded/open-embedded-bus.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { Counters } from '../../../platform/core/counters.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import { TOPICS } from '../../../platform/core/topics.ts';
import { openEmbeddedRecords } from '../../../platform/records/embedded/open-embedded-records.ts';
import { startTestDetector } from './fixture.ts';
import { startAlertKeeper } from './start-alert-keeper.ts';

const folder = process.argv[2] as string;
const steps = process.argv[3] as 'one' | 'two';
const clock = systemClock;
const logger = silentLogger;
const counters = new Counters();
const bus = await openEmbeddedBus({ folder: join(folder, 'bus'), clock });
const records = await openEmbeddedRecords({ folder: join(folder, 'records'), clock });
await bus.ensureTopics([TOPICS.events, TOPICS.signals, TOPICS.alerts, TOPICS.incidents]);
const builder = await startIncidentBuilder({ bus, records, clock, counters, logger });
const keeper = startAlertKeeper({ bus, records, counters, logger });
const detector = startTestDetector({
  bus,
  folder: join(folder, 'detect'),
  counters,
  revision_wait_ms: 50,
  steps,
});
process.stdout.write('started\n');

// Lag alone would not do: what a killed run had worked but not committed on the bus is never read again.
let before = '';
for (let quiet = 0; quiet < 15; ) {
  await clock.sleep(100);
  const now = JSON.stringify([
    counters.snapshot(),
    await bus.bounds(TOPICS.signals),
    await bus.bounds(TOPICS.alerts),
    await bus.bounds(TOPICS.incidents),
    await bus.lag('incidents'),
  ]);
  quiet = now === before ? quiet + 1 : 0;
  before = now;
}
await detector.stop();
await keeper.stop();
await builder.stop();
await bus.close();
await records.close();
