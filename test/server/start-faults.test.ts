// What keeps a site from starting is told in one sentence with exit code 3, and leaves nothing behind that runs.
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { writeSite } from './site-files.ts';
import { makeFolder, runPicket, startPicket } from './start-picket.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

function makeTestFolder(): string {
  const { folder, remove } = makeFolder();
  undo.push(remove);
  return folder;
}

async function takePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  undo.push(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

/** How a start that fails ends. */
async function startInVain(
  ...args: readonly string[]
): Promise<{ code: number | undefined; lines: string[] }> {
  const { code, stderr } = await runPicket(args);
  return { code, lines: stderr.trimEnd().split('\n') };
}

/** One sentence with these words and this code, and exit code 3 (2 when what was typed is wrong). */
function sentence(code: string, words: string, exit = 3): { code: number; lines: string[] } {
  const line = new RegExp(`^picket: .*${words}.* \\[${code}\\]$`);
  return { code: exit, lines: [expect.stringMatching(line) as string] };
}

describe('a site that cannot start', () => {
  test('says that the port of its API is taken', async () => {
    const port = await takePort();
    const { file } = writeSite({ folder: makeTestFolder(), tier: 'edge', port });
    expect(await startInVain('up', '--site', file)).toEqual(
      sentence('PORT_TAKEN', `port ${port} on 127.0.0.1 is taken`),
    );
  });

  test('says that the port of its link is taken', async () => {
    const port = await takePort();
    const { file } = writeSite({ folder: makeTestFolder(), tier: 'centre', more: { link: { port } } });
    expect(await startInVain('up', '--site', file)).toEqual(
      sentence('PORT_TAKEN', `port ${port} on 127.0.0.1 is taken`),
    );
  });

  test('says that the port of a receiver is taken', async () => {
    const port = await takePort();
    const sources = [
      {
        id: 'gateway',
        format: 'syslog',
        receivers: [{ type: 'tcp-syslog', port }],
        access: { addresses: ['127.0.0.1'] },
      },
    ];
    const { file } = writeSite({ folder: makeTestFolder(), tier: 'edge', more: { sources } });
    expect(await startInVain('up', '--site', file)).toEqual(sentence('PORT_TAKEN', `port ${port}`));
  });

  test('says that its data folder cannot be written', async () => {
    const folder = makeTestFolder();
    writeFileSync(join(folder, 'data'), 'a file where the folder should be');
    const { file } = writeSite({ folder, tier: 'edge' });
    expect(await startInVain('up', '--site', file)).toEqual(
      sentence('DATA_FOLDER', 'the data folder .* cannot be written'),
    );
  });

  test('says who has its data folder open, and does not harm the one that runs', async () => {
    const { file } = writeSite({ folder: makeTestFolder(), tier: 'centre' });
    const running = await startPicket(['up', '--site', file]);
    undo.push(() => running.stop());
    expect(await startInVain('up', '--site', file)).toEqual(
      sentence('DATA_LOCKED', `process ${running.child.pid} has`),
    );
    expect((await fetch(new URL('/livez', running.url))).status).toBe(200);
    expect(await running.stop()).toBe(0);
  });

  test('says that its bundle is missing', async () => {
    const more = { parent: { bundle_file: 'none.txt' } };
    const { file } = writeSite({ folder: makeTestFolder(), tier: 'edge', more });
    expect(await startInVain('up', '--site', file)).toEqual(sentence('BUNDLE_MISSING', 'none\\.txt'));
  });

  test('tells every problem of its configuration, a line each', async () => {
    const { file } = writeSite({ folder: makeTestFolder(), tier: 'edge', more: { colour: 1, shape: 2 } });
    const end = await runPicket(['up', '--site', file]);
    expect(end.code).toBe(3);
    expect(end.stderr.trimEnd().split('\n')).toHaveLength(2);
  });

  test('comes up again after kill -9, and ends with 0 on SIGTERM', async () => {
    const { file } = writeSite({ folder: makeTestFolder(), tier: 'centre' });
    const first = await startPicket(['up', '--site', file]);
    await first.kill();
    const second = await startPicket(['up', '--site', file]);
    expect(await second.stop()).toBe(0);
  });
});

describe('a demo that cannot start', () => {
  test('says in one sentence that a port is taken, and leaves no process', async () => {
    const port = await takePort();
    const data = join(makeTestFolder(), 'demo');
    const args = ['up', '--demo', '--empty', '--no-page', '--data', data, '--port', String(port)];
    expect(await startInVain(...args)).toEqual(sentence('PORT_TAKEN', `port ${port}`));
  });

  test('says that its folder is a file, and that a port is none', async () => {
    const file = join(makeTestFolder(), 'file');
    writeFileSync(file, '');
    expect(await startInVain('up', '--demo', '--no-page', '--data', file)).toEqual(
      sentence('DATA_FOLDER', 'cannot be written'),
    );
    expect(await startInVain('up', '--demo', '--port', 'x')).toEqual(
      sentence('PORT_INVALID', 'not a port: x', 2),
    );
    expect(await startInVain('up')).toEqual(sentence('SITE_MISSING', '--site FILE, or --demo', 2));
  });
});
