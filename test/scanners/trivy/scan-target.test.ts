// Scanning with a program that stands in for Trivy where its answers matter, and with the real one where it is there.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { buildImage } from '../../../demo/record/image.ts';
import { writeTar } from '../../../demo/record/tar-archive.ts';
import { scanTarget } from '../../../scanners/trivy/scan-target.ts';
import { writeSite } from '../../server/site-files.ts';
import { clientOf, makeFolder, runPicket, startPicket } from '../../server/start-picket.ts';
import { requireProgram } from '../../services/programs.ts';
import { requireReal } from '../../services/require-real.ts';
import { waitUntil } from '../../services/wait-until.ts';

const { folder, remove } = makeFolder();
afterAll(remove);
const RECORDED = join(
  import.meta.dirname,
  '..',
  '..',
  '..',
  'demo',
  'recordings',
  'trivy',
  'hmi-gateway.json',
);

/** A shell script in Trivy's place; it notes the arguments it got, one a line. */
function standIn(name: string, script: string): { trivy: string; args: () => string[] } {
  const trivy = join(folder, name);
  const noted = `${trivy}.args`;
  writeFileSync(trivy, `#!/bin/sh\nprintf '%s\\n' "$@" > '${noted}'\n${script}\n`, { mode: 0o755 });
  return { trivy, args: () => readFileSync(noted, 'utf8').trimEnd().split('\n') };
}

/** The story's vulnerable image as `docker save` writes it. */
function writeImage(): string {
  const image = buildImage();
  const layers = image.layers.map((content, at) => ({ path: `layer-${at}.tar`, content }));
  const manifest = [
    { Config: 'config.json', RepoTags: ['hmi-gateway:1.4.2'], Layers: layers.map(({ path }) => path) },
  ];
  const file = join(folder, 'image.tar');
  writeFileSync(
    file,
    writeTar([
      { path: 'manifest.json', content: JSON.stringify(manifest) },
      { path: 'config.json', content: image.config },
      ...layers,
    ]),
  );
  return file;
}

describe('scanning with Trivy', () => {
  test('asks for nothing from the network, and takes no path for an option', async () => {
    const { trivy, args } = standIn('plain', "printf '{}'");
    const done = await scanTarget({
      trivy,
      target: { kind: 'filesystem', path: '--format' },
      timeout_ms: 20_000,
    });
    expect(done).toMatchObject({ scanners: ['secret', 'misconfig'] });
    expect(done.report.toString()).toBe('{}');
    expect(args()[0]).toBe('filesystem');
    expect(args()[1]).toMatch(/^\/.*\/--format$/);
    for (const flag of [
      '--offline-scan',
      '--skip-check-update',
      '--skip-version-check',
      '--disable-telemetry',
    ])
      expect(args()).toContain(flag);
    expect(args()).not.toContain('--cache-dir');
  });

  test('looks for vulnerabilities only where their database lies', async () => {
    const { trivy, args } = standIn('cached', "printf '{}'");
    const cacheFolder = join(folder, 'cache');
    mkdirSync(cacheFolder);
    const target = { kind: 'image', path: 'x.tar' } as const;
    expect((await scanTarget({ trivy, target, cacheFolder, timeout_ms: 20_000 })).scanners).not.toContain(
      'vuln',
    );
    mkdirSync(join(cacheFolder, 'db'));
    writeFileSync(join(cacheFolder, 'db', 'trivy.db'), '');
    expect((await scanTarget({ trivy, target, cacheFolder, timeout_ms: 20_000 })).scanners).toContain('vuln');
    expect(args().slice(0, 2)).toEqual(['image', '--input']);
    expect(args()).toContain('--skip-db-update');
  });

  test('says that Trivy is missing', async () => {
    const scan = scanTarget({
      trivy: join(folder, 'none'),
      target: { kind: 'filesystem', path: folder },
      timeout_ms: 20_000,
    });
    await expect(scan).rejects.toMatchObject({ code: 'TRIVY_MISSING' });
  });

  test('hands on the last lines of what Trivy said when it failed', async () => {
    const { trivy } = standIn('failing', 'seq 1 50 >&2; echo FATAL no such image >&2; exit 1');
    const scan = scanTarget({ trivy, target: { kind: 'image', path: 'x.tar' }, timeout_ms: 20_000 });
    await expect(scan).rejects.toMatchObject({
      code: 'TRIVY_FAILED',
      message: expect.stringMatching(/x\.tar: 47\n48\n49\n50\nFATAL no such image$/) as string,
    });
  });

  test('ends it after its time, or when it is called off', async () => {
    const { trivy } = standIn('hanging', 'exec sleep 60');
    const target = { kind: 'filesystem', path: folder } as const;
    await expect(scanTarget({ trivy, target, timeout_ms: 200 })).rejects.toMatchObject({
      code: 'TRIVY_TIMEOUT',
    });
    const stop = new AbortController();
    const scan = scanTarget({ trivy, target, timeout_ms: 60_000, signal: stop.signal });
    setTimeout(() => stop.abort(), 100);
    await expect(scan).rejects.toMatchObject({ code: 'TRIVY_CANCELLED' });
  });

  test('the real Trivy finds what is wrong with an image', { timeout: 120_000 }, async (context) => {
    requireReal(context, 'trivy');
    const { report } = await scanTarget({
      trivy: requireProgram('trivy'),
      target: { kind: 'image', path: writeImage() },
      timeout_ms: 100_000,
    });
    const parsed = JSON.parse(report.toString()) as { SchemaVersion: number; Results: { Class: string }[] };
    expect(parsed.SchemaVersion).toBe(2);
    expect(parsed.Results.map((result) => result.Class)).toContain('secret');
    const broken = join(folder, 'broken.tar');
    writeFileSync(broken, 'no archive');
    const scan = scanTarget({
      trivy: requireProgram('trivy'),
      target: { kind: 'image', path: broken },
      timeout_ms: 100_000,
    });
    await expect(scan).rejects.toMatchObject({ code: 'TRIVY_FAILED' });
  });
});

describe('picket scan', () => {
  test('feeds a report to a running site as something new, and names what is wrong', {
    timeout: 120_000,
  }, async () => {
    const { file, data } = writeSite({ folder: join(folder, 'site'), tier: 'edge' });
    const site = await startPicket(['up', '--site', file]);
    try {
      const { trivy } = standIn('recorded', `cat '${RECORDED}'`);
      const scan = (...more: string[]) =>
        runPicket(['scan', folder, '--data', data, '--trivy', trivy, ...more]);
      const end = await scan('--source', 'trivy', '--json');
      expect(end).toMatchObject({ code: 0, stderr: '' });
      const { events, rejected } = JSON.parse(end.stdout) as { events: number; rejected: number };
      expect(rejected).toBe(0);
      expect(events).toBeGreaterThan(5);
      const api = clientOf(data);
      await waitUntil({
        what: 'indexed',
        holds: async () =>
          (await api.call<{ count: number }>('POST', '/api/v1/search/count', {})).count === events,
        timeout_ms: 20_000,
      });
      const again = await api.call<{ count: number }>('POST', '/api/v1/search/count', {
        query: 'picket.replayed: true',
      });
      expect(again.count).toBe(0);
      const wrong = await scan('--source', 'falco');
      expect(wrong.code).toBe(3);
      expect(wrong.stderr).toContain('no source falco of format trivy (it has: trivy)');
      const missing = await scan('--source', 'trivy', '--trivy', join(folder, 'none'));
      expect(missing.code).toBe(3);
      expect(missing.stderr).toContain('[TRIVY_MISSING]');
    } finally {
      await site.stop();
    }
  });
});
