/** Cuts demo/recordings/windows*.ndjson out of the corpus of recorded attacks, each record byte for byte. */
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';

const recordings = join(import.meta.dirname, '..', 'recordings');

/** Lines of windows-events.jsonl.gz, counted from 0, end not included. */
const cuts = [
  // mimikatz lsadump::zerologon from WORKSTATION5 against the domain controller (2020-09-17).
  { file: 'windows.ndjson', from: 15_193, to: 15_457 },
  // reg save HKLM\sam by an implant in PowerShell on WORKSTATION5 (2020-09-22).
  { file: 'windows-credential-dump.ndjson', from: 3_240, to: 3_300 },
  // pgustavo logs on to the domain controller from WORKSTATION5, where GruntHTTP.exe runs (2020-09-22).
  { file: 'windows-logon.ndjson', from: 10_332, to: 10_432 },
] as const;

/** `corpus` is windows-events.jsonl.gz (OTRF/Security-Datasets, a sample of each data set in its own order). */
export async function recordWindows(corpus: string): Promise<void> {
  const kept = cuts.map(() => [] as string[]);
  const lines = createInterface({
    input: createReadStream(corpus).pipe(createGunzip()),
    crlfDelay: Infinity,
  });
  let number = 0;
  for await (const line of lines) {
    for (const [place, cut] of cuts.entries()) {
      if (number >= cut.from && number < cut.to) kept[place]?.push(line);
    }
    number++;
  }
  for (const [place, cut] of cuts.entries()) {
    await writeFile(join(recordings, cut.file), `${kept[place]?.join('\n')}\n`);
  }
}

if (import.meta.main) {
  const [corpus] = process.argv.slice(2);
  if (corpus === undefined) throw new Error('usage: node demo/record/windows.ts windows-events.jsonl.gz');
  await recordWindows(corpus);
}
