/** Records test/fixtures/site-events/site-events.ndjson: `node test/rules/record-site-events.ts` after site events changed. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { playSiteTroubles } from './play-site-troubles.ts';

const target = join(import.meta.dirname, '..', 'fixtures', 'site-events', 'site-events.ndjson');

const events = await playSiteTroubles();
await mkdir(dirname(target), { recursive: true });
await writeFile(target, events.map((event) => `${JSON.stringify(event)}\n`).join(''));
process.stdout.write(`${events.length} events\n`);
process.exit(0);
