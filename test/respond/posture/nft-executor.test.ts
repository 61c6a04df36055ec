// The nft executor in a network namespace of its own: real packets are dropped, counted, and let through after the lease.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, test } from 'vitest';
import { createNftCheck, createNftExecutor, findNft } from '../../../respond/posture/executor.ts';
import { type FirewallState, findDrift, readFirewall } from '../../../respond/posture/find-drift.ts';
import { renderNftables } from '../../../respond/posture/render-nftables.ts';
import { requireProgram } from '../../services/programs.ts';
import { requireReal } from '../../services/require-real.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { makeFolder, removeFolder } from '../open-stores.ts';

const FAR = '45.77.10.7';
const site = `pk-site-${process.pid}`;
const world = `pk-world-${process.pid}`;
const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

const ip = (...args: string[]): Promise<unknown> => execa(requireProgram('ip'), args);

/** Two namespaces joined by a cable: the site, and a world with the far address. */
async function makeWorld(): Promise<void> {
  for (const name of [site, world]) {
    await ip('netns', 'add', name);
    undo.push(() => ip('netns', 'del', name));
    await ip('-n', name, 'link', 'set', 'lo', 'up');
  }
  await ip('-n', site, 'link', 'add', 'pk0', 'type', 'veth', 'peer', 'name', 'pk1', 'netns', world);
  await ip('-n', site, 'addr', 'add', '10.99.0.1/24', 'dev', 'pk0');
  await ip('-n', world, 'addr', 'add', '10.99.0.2/24', 'dev', 'pk1');
  await ip('-n', world, 'addr', 'add', `${FAR}/32`, 'dev', 'lo');
  await ip('-n', site, 'link', 'set', 'pk0', 'up');
  await ip('-n', world, 'link', 'set', 'pk1', 'up');
  await ip('-n', site, 'route', 'add', 'default', 'via', '10.99.0.2');
}

/** True when the far machine answers (it refuses the connection), false when nothing comes back. */
async function isReached(): Promise<boolean> {
  const connect = `exec 3<>/dev/tcp/${FAR}/9`;
  const result = await execa(
    requireProgram('ip'),
    ['netns', 'exec', site, 'timeout', '1', 'bash', '-c', connect],
    { reject: false },
  );
  return result.exitCode === 1 && /refused/i.test(result.stderr);
}

/** nft inside the site's namespace, as a program of its own. */
function makeNft(folder: string): string {
  const file = join(folder, 'nft');
  writeFileSync(
    file,
    `#!/bin/sh\nexec ${requireProgram('ip')} netns exec ${site} ${requireProgram('nft')} "$@"\n`,
  );
  chmodSync(file, 0o755);
  return file;
}

describe('the nft executor', () => {
  test('drops and counts packets of a denied address until its lease ends', {
    timeout: 60_000,
  }, async (context) => {
    requireReal(context, 'nft', 'ip');
    const folder = makeFolder();
    undo.push(async () => removeFolder(folder));
    await makeWorld();
    const nft = makeNft(folder);
    const executor = createNftExecutor(nft);
    await waitUntil({ what: 'the world is reached', holds: isReached, timeout_ms: 15_000 });
    expect(await executor.read()).toBeUndefined();

    const now = Date.now();
    const script = renderNftables({
      denied: [{ address: FAR, until: now + 6_000, comment: 'change-1' }],
      now,
      version: 1,
    });
    expect(await createNftCheck(nft)(script)).toEqual({ checked: true });
    expect(await executor.read(), 'a check changes nothing').toBeUndefined();
    await executor.apply(script);
    // The same script again: the table is replaced, not doubled.
    await executor.apply(script);
    expect(await isReached()).toBe(false);
    const held = await executor.read();
    expect(held).toContain(`${FAR} timeout`);
    expect(held).toMatch(/ip daddr @deny4 counter packets [1-9]\d* bytes \d+ drop/);

    await waitUntil({ what: 'the kernel ended the lease by itself', holds: isReached, timeout_ms: 20_000 });
    expect(await executor.read()).not.toContain(`${FAR} timeout`);
  });

  test('what it reads back has not drifted by counters and clocks, and has when somebody else changes it', {
    timeout: 60_000,
  }, async (context) => {
    requireReal(context, 'nft', 'ip');
    const folder = makeFolder();
    undo.push(async () => removeFolder(folder));
    await makeWorld();
    const nft = makeNft(folder);
    const executor = createNftExecutor(nft);
    const now = Date.now();
    const applied = [
      { address: FAR, until: now + 600_000, comment: 'a' },
      { address: '2A01:04F8:0::7', until: now + 600_000, comment: 'b' },
    ];
    await executor.apply(renderNftables({ denied: applied, now, version: 1 }));
    const before = readFirewall(await executor.read()) as FirewallState;
    const drift = async (): Promise<string[]> => {
      const after = readFirewall(await executor.read());
      return findDrift({ before, after, applied, now: Date.now() }).map(({ code }) => code);
    };
    expect(before.denied).toEqual(new Set([FAR, '2a01:4f8::7']));
    // Packets are counted and the leases run on meanwhile.
    expect(await isReached()).toBe(false);
    expect(await drift()).toEqual([]);
    await execa(nft, ['delete', 'element', 'inet', 'picket', 'deny4', `{ ${FAR} }`]);
    expect(await drift()).toEqual(['ADDRESS_GONE']);
    await execa(nft, ['insert', 'rule', 'inet', 'picket', 'input', 'accept']);
    expect(await drift()).toEqual(['ADDRESS_GONE', 'RULES_CHANGED']);
    await execa(nft, ['delete', 'table', 'inet', 'picket']);
    expect(await drift()).toEqual(['TABLE_GONE']);
  });

  test('leaves other tables alone, and what nft refuses changes nothing', {
    timeout: 60_000,
  }, async (context) => {
    requireReal(context, 'nft', 'ip');
    const folder = makeFolder();
    undo.push(async () => removeFolder(folder));
    await makeWorld();
    const nft = makeNft(folder);
    const executor = createNftExecutor(nft);
    await execa(nft, ['add', 'table', 'inet', 'operator']);
    const now = Date.now();
    const good = renderNftables({
      denied: [{ address: FAR, until: now + 600_000, comment: 'a' }],
      now,
      version: 1,
    });
    await executor.apply(good);
    await expect(executor.apply(`${good}\nfrobnicate`)).rejects.toMatchObject({ code: 'EXECUTOR_FAILED' });
    expect(await executor.read()).toContain(FAR);
    await executor.apply(renderNftables({ denied: [], now, version: 2 }));
    expect(await executor.read()).not.toContain(FAR);
    expect((await execa(nft, ['list', 'tables'])).stdout).toContain('table inet operator');
  });

  test('is found where it stands, and without it nothing counts as checked', async () => {
    expect(await createNftCheck(undefined)('anything')).toEqual({ checked: false });
    const folder = makeFolder();
    undo.push(async () => removeFolder(folder));
    writeFileSync(join(folder, 'nft'), '#!/bin/sh\n', { mode: 0o755 });
    expect(await findNft({ PATH: folder })).toBe(join(folder, 'nft'));
  });
});
