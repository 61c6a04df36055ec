// A recording is read as its bytes stand in the file, cut as its receiver would cut them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readRecording } from '../../../server/commands/read-recording.ts';

const folder = mkdtempSync(join(tmpdir(), 'picket-recording-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function read(format: string, bytes: Buffer | string): Promise<[text: string, ordinal: number][]> {
  const file = join(folder, 'recording');
  writeFileSync(file, bytes);
  const found: [string, number][] = [];
  for await (const record of readRecording({ file, format }))
    found.push([Buffer.from(record.bytes, 'base64').toString('latin1'), record.ordinal]);
  return found;
}

test('bytes that are no UTF-8 stay as they are, and only a line feed ends a line', async () => {
  const latin = Buffer.from([0x3c, 0x31, 0x33, 0x3e, 0xe9, 0x74, 0xe9, 0x0d, 0x0a]);
  expect(await read('syslog', latin)).toEqual([['<13>été', 0]]);
  expect(await read('syslog', '<13>a\rb\n\n \n<13>c')).toEqual([
    ['<13>a\rb', 0],
    ['<13>c', 0],
  ]);
  const separated = '{"message":"one\u2028two"}';
  const asLatin = Buffer.from(separated).toString('latin1');
  expect(await read('ecs', `${separated}\n${separated}\n`)).toEqual([
    [asLatin, 0],
    [asLatin, 1],
  ]);
});

test('an array and a document over several lines are cut as over HTTP', async () => {
  expect(await read('ecs', '[{"a":1},\n {"b":2}]')).toEqual([
    ['{"a":1}', 0],
    ['{"b":2}', 0],
  ]);
  const pretty = JSON.stringify({ SchemaVersion: 2 }, undefined, 2);
  expect(await read('trivy', pretty)).toEqual([[pretty, 0]]);
});

test('a file that cannot be read is named with its reason', async () => {
  const rest = async (file: string): Promise<void> => {
    for await (const _ of readRecording({ file, format: 'ecs' })) expect.unreachable();
  };
  await expect(rest(join(folder, 'none'))).rejects.toMatchObject({
    code: 'RECORDING_UNREADABLE',
    place: { file: join(folder, 'none') },
  });
  await expect(rest(folder)).rejects.toMatchObject({ code: 'RECORDING_UNREADABLE' });
});
