/** Records demo/recordings/trivy/hmi-gateway.json: the real Trivy pulls the story's image and scans it. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { runTrivy } from '../../test/services/trivy.ts';
import { buildImage } from './image.ts';
import { writeJavaDatabase } from './java-database.ts';
import { startRegistry } from './registry.ts';
import { imageName } from './story.ts';

const recordings = join(import.meta.dirname, '..', 'recordings');

/** Makes the vulnerability database, scans, and writes the report; needs Go and Trivy. */
export async function recordTrivy(): Promise<void> {
  const cache = await mkdtemp(join(tmpdir(), 'picket-trivy-'));
  const image = buildImage();
  const registry = await startRegistry(image);
  try {
    await execa('go', ['run', '-mod=readonly', '.', 'advisories.json', cache], {
      cwd: join(import.meta.dirname, 'trivy-db'),
      env: { PATH: `${process.env['PATH'] ?? ''}:/usr/local/go/bin` },
      stdio: 'inherit',
      timeout: 600_000,
    });
    await writeJavaDatabase(cache, new Date());
    const report = await runTrivy({
      target: { image: imageName },
      databaseFolder: cache,
      environment: { HTTP_PROXY: registry.url, HTTPS_PROXY: registry.url, NO_PROXY: '' },
    });
    await mkdir(join(recordings, 'trivy'), { recursive: true });
    await writeFile(join(recordings, 'trivy', 'hmi-gateway.json'), `${report.trimEnd()}\n`);
    process.stdout.write(`scanned ${imageName}@${image.digest}\n`);
  } finally {
    await registry.stop();
    await rm(cache, { recursive: true, force: true });
  }
}

if (import.meta.main) await recordTrivy();
