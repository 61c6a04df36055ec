import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildArchive } from '../../deploy/package/build-archive.ts';
import { findFreePorts } from '../services/free-port.ts';
import { isRealRun, requireReal } from '../services/require-real.ts';

/** What the unpacked program may use of the machine around it: nothing but the system's own tools. */
const BARE = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };

describe('the packaged archive', () => {
  let folder: string;
  let unpacked: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'picket-archive-'));
    if (!isRealRun()) return;
    const archive = await buildArchive({ platform: 'linux-x64', folder, tell: () => undefined });
    await execa('tar', ['-xzf', archive, '-C', folder]);
    unpacked = archive.replace(/\.tar\.gz$/, '');
  }, 300_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('its checksum file is what sha256sum reads', async (context) => {
    requireReal(context, 'ip');
    const [sums] = (await readdir(folder)).filter((name) => name.endsWith('.sha256'));
    const { exitCode } = await execa('sha256sum', ['--check', sums as string], { cwd: folder });
    expect(exitCode).toBe(0);
  });

  test('holds its own Node, no test, no page source, and names every package with its licence', async (context) => {
    requireReal(context, 'ip');
    const names = await readdir(unpacked);
    expect(names).toContain('runtime');
    expect(names).not.toContain('test');
    expect(await readdir(join(unpacked, 'ui'))).toEqual(['dist']);
    const notices = await readFile(join(unpacked, 'THIRD-PARTY.md'), 'utf8');
    for (const name of ['fastify', 'node-forge', 'js-yaml']) expect(notices).toContain(`| ${name} |`);
    const { stdout } = await execa(join(unpacked, 'bin', 'picket'), ['--version'], {
      env: BARE,
      extendEnv: false,
    });
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
    expect(stdout).toBe(version);
  });

  test('runs a site where no network and no Node is, from a folder that it cannot write', {
    timeout: 120_000,
  }, async (context) => {
    requireReal(context, 'ip');
    const [port] = (await findFreePorts(1)) as [number];
    const work = join(folder, 'site');
    await mkdir(work, { mode: 0o777 });
    const config = join(work, 'site.yaml');
    await writeFile(
      config,
      `tenant: acme\nsite: { id: lyon, tier: edge, jurisdiction: eu-fr }\ndata: ${join(work, 'data')}\nlisten: { port: ${port} }\n`,
    );
    // A network namespace of its own has no way out: whatever asked a registry would fail.
    const script = `ip link set lo up
"$PROGRAM" check "$CONFIG" || exit 3
"$PROGRAM" up --site "$CONFIG" > "$CONFIG.out" 2>&1 &
site=$!
for second in $(seq 60); do grep -q '^ready' "$CONFIG.out" && break; sleep 1; done
"$PROGRAM" search --data "$DATA" --json 'event.kind: *'; answered=$?
kill -TERM $site; wait $site; echo "answered $answered ended $?"`;
    const { stdout, stderr } = await execa('unshare', ['--net', 'sh', '-c', script], {
      env: { ...BARE, PROGRAM: join(unpacked, 'bin', 'picket'), CONFIG: config, DATA: join(work, 'data') },
      extendEnv: false,
      reject: false,
      timeout: 110_000,
    });
    expect(`${stdout}\n${stderr}`).toMatch(/answered 0 ended 0/);
  });
});
