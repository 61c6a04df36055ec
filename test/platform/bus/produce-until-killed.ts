// Child process of the crash test: produces batches of ten as fast as it can and prints the number of each acknowledged one.
import { writeSync } from 'node:fs';
import { openEmbeddedBus } from '../../../platform/bus/embedded/open-embedded-bus.ts';
import { systemClock } from '../../../platform/core/clock.ts';

const [folder = '', name = ''] = process.argv.slice(2);
const topic = { name, partitions: 2, retention_ms: 3_600_000, retention_bytes: 64 * 1024 * 1024 };
const bus = await openEmbeddedBus({ folder, clock: systemClock });
const bounds = await bus.bounds(topic);
let batch = bounds.reduce((sum, { next }) => sum + next, 0) / 10;
for (;;) {
  const number = batch++;
  const headers = { batch: String(number) };
  const messages = Array.from({ length: 10 }, (_, at) => ({
    key: `key-${at}`,
    value: Buffer.alloc(700, at),
    headers,
  }));
  await bus.produce(topic, messages);
  writeSync(1, `${number}\n`);
}
