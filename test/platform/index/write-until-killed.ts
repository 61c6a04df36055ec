// A child process that writes small batches and prints how many events were acknowledged, until it is killed.
import { openEmbeddedIndex } from '../../../platform/index/embedded/index.ts';
import { minute, sampleDocument } from './sample-events.ts';

const index = await openEmbeddedIndex({ folder: process.argv[2] as string });
for (let start = 0; ; start += 50) {
  await index.write(
    Array.from({ length: 50 }, (_, n) =>
      sampleDocument(`k${start + n}`, {
        timestamp: minute(start + n),
        dataset: (start + n) % 2 === 0 ? 'windows.security' : 'netflow.flow',
      }),
    ),
  );
  console.log(start + 50);
}
