// A follower that is killed again and again loses no line and names each line always alike.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { waitUntil } from '../../services/wait-until.ts';

test('kill -9 during reading and rotation loses no line and doubles no identity', {
  timeout: 60_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'picket-kill-'));
  const [log, positions, taken] = ['a.log', 'positions.json', 'taken'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const read = async (): Promise<[string, unknown][]> => {
    const text = await readFile(taken, 'utf8').catch(() => '');
    return text
      .split('\n')
      .flatMap((line) => (line.endsWith(']') ? [JSON.parse(line) as [string, unknown]] : []));
  };
  let written = 0;
  const write = async (count: number): Promise<void> => {
    await appendFile(log, Array.from({ length: count }, () => `line ${written++}\n`).join(''));
  };
  const start = () =>
    spawn(process.execPath, [join(import.meta.dirname, 'follow-and-record.ts'), log, positions, taken], {
      stdio: 'ignore',
    });
  try {
    await writeFile(log, '');
    for (let round = 0; round < 6; round++) {
      const before = (await read()).length;
      const child = start();
      for (let turn = 0; turn < 10; turn++) await write(500);
      await waitUntil({
        what: 'something was taken',
        timeout_ms: 15_000,
        interval_ms: 1,
        holds: async () => (await read()).length > before,
      });
      child.kill('SIGKILL');
      await once(child, 'exit');
      if (round === 2) {
        await rename(log, `${log}.1`);
        await writeFile(log, '');
      }
    }
    const last = start();
    const texts = async (): Promise<Set<string>> => new Set((await read()).map(([text]) => text));
    await waitUntil({
      what: 'every line was taken',
      timeout_ms: 20_000,
      holds: async () => (await texts()).size === written,
    });
    last.kill('SIGKILL');
    await once(last, 'exit');
    const identities = new Set((await read()).map(([, position]) => JSON.stringify(position)));
    expect(identities.size).toBe(written);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
