// Builds one archive a platform with the program, its dependencies and the Node binary inside: `npm run package`.
//
// The sources go in as they are: Node strips types outside node_modules, so that the lines of a stack trace are
// those of the repository and nothing is generated that could differ from what was tested.
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { buildPage } from '../../server/demo/build-page.ts';
import { listLicences } from './list-licences.ts';

export const PLATFORMS = ['linux-x64', 'linux-arm64'] as const;
export type Platform = (typeof PLATFORMS)[number];

const REPOSITORY = resolve(import.meta.dirname, '..', '..');

/** Folders and files of the repository that run or that an installation reads; tests, benches and page sources stay out. */
const PACKED = [
  'ingest',
  'detect',
  'scanners',
  'respond',
  'report',
  'rules',
  'server',
  'platform',
  'demo',
  'docs',
  'deploy/systemd',
  'deploy/helm',
  'deploy/compose',
  'deploy/image',
  'package.json',
  'LICENSE',
  'README.md',
  'CHANGELOG.md',
];

const LAUNCHER = `#!/bin/sh
# Starts Picket on the Node that came in the same archive, from wherever the archive was unpacked.
program=$(readlink -f "$0")
folder=$(dirname "$(dirname "$program")")
exec "$folder/runtime/node" "$folder/server/picket.ts" "$@"
`;

interface Manifest {
  version: string;
  optionalDependencies: Record<string, string>;
}

/**
 * Writes `picket-<version>-<platform>.tar.gz` and its `.sha256` into a folder and returns the archive's path.
 * The same commit gives the same bytes: names sorted, owners and times fixed to the commit's.
 * @throws when git, npm or tar fail, with what they said, or when the Node binary is for another processor
 */
export async function buildArchive(options: {
  platform: Platform;
  folder: string;
  tell: (line: string) => void;
}): Promise<string> {
  const { platform, folder, tell } = options;
  const manifest = JSON.parse(await readFile(join(REPOSITORY, 'package.json'), 'utf8')) as Manifest;
  const name = `picket-${manifest.version}-${platform}`;
  const work = await mkdtemp(join(tmpdir(), 'picket-package-'));
  try {
    const root = join(work, name);
    await copySources(root);
    await buildPage(tell);
    await copyTree(join(REPOSITORY, 'ui', 'dist'), join(root, 'ui', 'dist'));
    tell(`${platform}: dependencies`);
    await installDependencies({ root, platform });
    tell(`${platform}: Node ${manifest.optionalDependencies[`node-${platform}`]}`);
    await placeNode({ root, platform, manifest, work });
    await mkdir(join(root, 'bin'));
    await writeFile(join(root, 'bin', 'picket'), LAUNCHER, { mode: 0o755 });
    await writeFile(join(root, 'THIRD-PARTY.md'), await listLicences(join(root, 'node_modules')));
    return await pack({ work, name, folder });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** What git knows of, so that nothing that merely lies about gets in. */
async function copySources(root: string): Promise<void> {
  const { stdout } = await execa('git', ['ls-files', '-z', '--', ...PACKED], { cwd: REPOSITORY });
  for (const file of stdout.split('\0').filter((path) => path !== '')) {
    const target = join(root, file);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(join(REPOSITORY, file), target);
  }
}

async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await execa('cp', ['-R', from, to]);
}

/** Exactly what the lock file names, for the wanted platform, without running anything of it. */
async function installDependencies({ root, platform }: { root: string; platform: Platform }): Promise<void> {
  const [system, processor] = platform.split('-') as [string, string];
  await copyFile(join(REPOSITORY, 'package-lock.json'), join(root, 'package-lock.json'));
  await mkdir(join(root, 'ui'), { recursive: true });
  // The lock file names the page's workspace too; npm wants to see it, and installs nothing of it.
  await copyFile(join(REPOSITORY, 'ui', 'package.json'), join(root, 'ui', 'package.json'));
  const flags = ['--omit=dev', '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund'];
  await execa(
    'npm',
    [
      'ci',
      ...flags,
      '--workspaces=false',
      '--include-workspace-root',
      `--os=${system}`,
      `--cpu=${processor}`,
    ],
    { cwd: root, timeout: 600_000 },
  );
  await rm(join(root, 'ui', 'package.json'));
  await rm(join(root, 'package-lock.json'));
  for (const left of ['.package-lock.json', '.bin'])
    await rm(join(root, 'node_modules', left), { recursive: true, force: true });
}

/** The processor that an ELF file is for (e_machine, ELF-64 Object File Format, figure 3). */
const ELF_MACHINE: Readonly<Record<Platform, number>> = { 'linux-x64': 62, 'linux-arm64': 183 };

async function placeNode(options: {
  root: string;
  platform: Platform;
  manifest: Manifest;
  work: string;
}): Promise<void> {
  const { root, platform, manifest, work } = options;
  const wanted = `node-${platform}@${manifest.optionalDependencies[`node-${platform}`]}`;
  const { stdout } = await execa('npm', ['pack', wanted, '--silent', '--pack-destination', work], {
    cwd: work,
    timeout: 600_000,
  });
  const unpacked = join(work, 'node');
  await mkdir(unpacked);
  await execa('tar', ['-xzf', join(work, stdout.trim()), '-C', unpacked]);
  const binary = join(unpacked, 'package', 'bin', 'node');
  const machine = (await readFile(binary)).readUInt16LE(18);
  if (machine !== ELF_MACHINE[platform])
    throw new Error(`${wanted} holds a binary for another processor (ELF machine ${machine})`);
  const runtime = join(root, 'runtime');
  await mkdir(runtime);
  await copyFile(binary, join(runtime, 'node'));
  await execa('chmod', ['755', join(runtime, 'node')]);
  await copyFile(join(unpacked, 'package', 'LICENSE'), join(runtime, 'LICENSE'));
}

async function pack(options: { work: string; name: string; folder: string }): Promise<string> {
  const { work, name, folder } = options;
  const { stdout: time } = await execa('git', ['log', '-1', '--format=%ct'], { cwd: REPOSITORY });
  const archive = join(resolve(folder), `${name}.tar.gz`);
  await mkdir(resolve(folder), { recursive: true });
  const fixed = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mode=u+rwX,go+rX,go-w'];
  await execa('tar', [...fixed, `--mtime=@${time}`, '-I', 'gzip -n -6', '-cf', archive, '-C', work, name]);
  const hash = createHash('sha256')
    .update(await readFile(archive))
    .digest('hex');
  await writeFile(`${archive}.sha256`, `${hash}  ${name}.tar.gz\n`);
  return archive;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      platform: { type: 'string', multiple: true },
      folder: { type: 'string', default: 'dist' },
    },
  });
  const unknown = values.platform?.find((name) => !PLATFORMS.some((known) => known === name));
  if (unknown === undefined) {
    for (const platform of PLATFORMS) {
      if (values.platform && !values.platform.includes(platform)) continue;
      const tell = (line: string): void => void process.stdout.write(`${line}\n`);
      tell(await buildArchive({ platform, folder: values.folder, tell }));
    }
  } else {
    process.stderr.write(`package: no platform ${unknown}; there are ${PLATFORMS.join(', ')}\n`);
    process.exitCode = 2;
  }
}
