// Followed files: rotation, truncation, restarts and kills, long and unfinished lines.
import { appendFile, mkdtemp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTailReceiver } from '../../../ingest/receivers/tail-file.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { createRecordingIntake, quickClock, type RecordingIntake } from './recording-intake.ts';

let folder: string;
let intake: RecordingIntake;
const closers: (() => Promise<void>)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'picket-tail-'));
  intake = createRecordingIntake();
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await rm(folder, { recursive: true, force: true });
});

async function start(options: { paths?: string[]; from?: 'beginning' | 'end'; grace_ms?: number } = {}) {
  const receiver = await startTailReceiver({
    sourceId: 'test',
    intake,
    clock: quickClock,
    max_record_bytes: 100,
    paths: options.paths ?? [join(folder, 'a.log')],
    checkpoint_file: join(folder, 'positions.json'),
    poll_interval_ms: 20,
    rotated_grace_ms: options.grace_ms ?? 200,
    ...(options.from ? { from: options.from } : {}),
  });
  closers.push(() => receiver.close());
  return receiver;
}

const path = (name: string): string => join(folder, name);
const came = (count: number): Promise<void> =>
  waitUntil({
    what: `${count} records`,
    timeout_ms: 10_000,
    interval_ms: 10,
    holds: () => intake.records.length >= count,
  });
const identities = (): Set<string> => new Set(intake.records.map(({ position }) => JSON.stringify(position)));

test('whole lines come with their offsets; the last one waits for its end, also inside a character', async () => {
  const text = Buffer.from('one\r\n\ntwo \u5B57\n');
  await writeFile(path('a.log'), text.subarray(0, 11));
  await start();
  await came(1);
  await appendFile(path('a.log'), text.subarray(11));
  await came(2);
  expect(intake.texts()).toEqual(['one', 'two \u5B57']);
  expect(intake.records.map(({ position }) => (position.kind === 'file' ? position.offset : -1))).toEqual([
    0, 6,
  ]);
});

test('a restart goes on where the intake had acknowledged', async () => {
  await writeFile(path('a.log'), '1\n2\n');
  const first = await start();
  await came(2);
  await first.close();
  await appendFile(path('a.log'), '3\n');
  await start();
  await came(3);
  expect(intake.texts()).toEqual(['1', '2', '3']);
});

test('what was taken but not noted comes again under the same identity', async () => {
  await writeFile(path('a.log'), '1\n2\n');
  const first = await start();
  await waitUntil({
    what: 'a position of 4',
    timeout_ms: 5_000,
    interval_ms: 10,
    holds: async () =>
      (await readFile(path('positions.json'), 'utf8').catch(() => '')).includes('"offset":4'),
  });
  await first.close();
  // As after a kill between the acknowledgement and the note: the note is one step behind.
  const noted = JSON.parse(await readFile(path('positions.json'), 'utf8')) as {
    files: { offset: number; fingerprint: string; fingerprint_bytes: number }[];
  };
  for (const file of noted.files) Object.assign(file, { offset: 0, fingerprint: '', fingerprint_bytes: 0 });
  await writeFile(path('positions.json'), JSON.stringify(noted));
  await start();
  await came(4);
  expect(intake.texts()).toEqual(['1', '2', '1', '2']);
  expect(identities().size).toBe(2);
});

test('a rotated file is read to its end, its unfinished line too, and the new one from its beginning', async () => {
  await writeFile(path('a.log'), '1\n');
  await start();
  await came(1);
  await appendFile(path('a.log'), '2\n');
  await rename(path('a.log'), path('a.log.1'));
  await writeFile(path('a.log'), 'new 1\n');
  await appendFile(path('a.log.1'), '3\nhalf');
  await came(5);
  expect(intake.texts().sort()).toEqual(['1', '2', '3', 'half', 'new 1']);
  expect(identities().size).toBe(5);
});

test('a file that was rotated while nothing ran is still read to its end', async () => {
  await writeFile(path('a.log'), '1\n');
  const first = await start();
  await came(1);
  await first.close();
  await appendFile(path('a.log'), '2\n');
  await rename(path('a.log'), path('a.log.1'));
  await writeFile(path('a.log'), 'new 1\n');
  await start();
  await came(3);
  expect(intake.texts().sort()).toEqual(['1', '2', 'new 1']);
});

test('a truncated file starts again, as other records, also when it is as long as before', async () => {
  await writeFile(path('a.log'), 'aaaa\n');
  await start();
  await came(1);
  await truncate(path('a.log'), 0);
  await appendFile(path('a.log'), 'bbbb\n');
  await came(2);
  await truncate(path('a.log'), 0);
  await appendFile(path('a.log'), 'cccc\ndddd\n');
  await came(4);
  expect(intake.texts()).toEqual(['aaaa', 'bbbb', 'cccc', 'dddd']);
  expect(identities().size).toBe(4);
});

test('a file that is truncated while what was read of it is taken starts again', async () => {
  const taking = intake.accept.bind(intake);
  let times = 0;
  intake.accept = async (...given) => {
    const taken = await taking(...given);
    if (++times === 1) await writeFile(path('a.log'), 'cccc\ndddd\n');
    return taken;
  };
  await writeFile(path('a.log'), 'bbbb\n');
  await start();
  await came(3);
  expect(intake.texts()).toEqual(['bbbb', 'cccc', 'dddd']);
  expect(identities().size).toBe(3);
});

test('a file that was rotated away and not yet made again is still read to its end', async () => {
  await writeFile(path('a.log'), '1\n');
  const first = await start();
  await came(1);
  await first.close();
  await appendFile(path('a.log'), '2\n');
  await rename(path('a.log'), path('a.log.1'));
  await start();
  await came(2);
  await writeFile(path('a.log'), '3\n');
  await came(3);
  expect(intake.texts()).toEqual(['1', '2', '3']);
});

test('a renamed file that its pattern still names is not read twice', async () => {
  await writeFile(path('a.log'), '1\n2\n');
  await start({ paths: [path('*.log')] });
  await came(2);
  await rename(path('a.log'), path('b.log'));
  await writeFile(path('a.log'), '3\n');
  await appendFile(path('b.log'), '4\n');
  await came(4);
  expect(intake.texts().sort()).toEqual(['1', '2', '3', '4']);
});

test('an over-long line comes once, cut, and the next is whole', async () => {
  await writeFile(path('a.log'), 'x'.repeat(300_000));
  await start();
  await came(1);
  await appendFile(path('a.log'), `${'x'.repeat(1_000)}\nnext\n`);
  await came(2);
  expect(intake.records.map(({ bytes }) => bytes.length)).toEqual([101, 4]);
});

test('with `end` only what is new is read, but files that come later are read whole', async () => {
  await writeFile(path('a.log'), 'old\n');
  await start({ from: 'end', paths: [path('*.log')] });
  await waitUntil({
    what: 'the file is known',
    timeout_ms: 5_000,
    interval_ms: 10,
    holds: async () =>
      (await readFile(path('positions.json'), 'utf8').catch(() => '')).includes('"offset":4'),
  });
  await appendFile(path('a.log'), 'new\n');
  await writeFile(path('b.log'), 'other\n');
  await came(2);
  expect(intake.texts().sort()).toEqual(['new', 'other']);
});

test('while the intake is behind nothing is lost, and closing then notes nothing that was not taken', async () => {
  intake.blocked = true;
  await writeFile(path('a.log'), '1\n2\n');
  const first = await start();
  await waitUntil({
    what: 'the file is known',
    timeout_ms: 5_000,
    interval_ms: 10,
    holds: async () =>
      (await readFile(path('positions.json'), 'utf8').catch(() => '')).includes('generation'),
  });
  await first.close();
  intake.blocked = false;
  await start();
  await came(2);
  expect(intake.texts()).toEqual(['1', '2']);
});
