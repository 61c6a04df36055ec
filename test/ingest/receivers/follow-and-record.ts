// A process of its own that follows a file and writes down what it took, so that a test can kill it.
import { appendFileSync } from 'node:fs';
import { startTailReceiver } from '../../../ingest/receivers/tail-file.ts';
import { systemClock } from '../../../platform/core/clock.ts';

const [path, checkpoint_file, taken] = process.argv.slice(2) as [string, string, string];

await startTailReceiver({
  sourceId: 'test',
  paths: [path],
  checkpoint_file,
  clock: systemClock,
  max_record_bytes: 1_000,
  poll_interval_ms: 5,
  intake: {
    accept: async (_sourceId, records) => {
      const lines = records.map(({ bytes, position }) =>
        JSON.stringify([Buffer.from(bytes).toString('utf8'), position]),
      );
      // A line of its own also after a predecessor that was killed within its last one.
      appendFileSync(taken, `\n${lines.join('\n')}\n`);
    },
    congested: () => false,
    drop: () => {},
    turnAway: () => {},
  },
});
// Following alone keeps no process alive while it waits for a poll to be due.
setInterval(() => {}, 1_000);
