/** Installs what the real tests need: Debian packages, kube-apiserver, Trivy, Helm and a Compose loader built from pinned Go modules, pySigma from pinned Python packages, Kafka and Elasticsearch from pinned Maven artifacts. */
import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import {
  builtProgramPath,
  debianPackages,
  elasticsearchArchiveSha256,
  findProgram,
  goPrograms,
  mavenFolder,
  mavenPrograms,
  type Program,
  pythonFolder,
  pythonPrograms,
  requireProgram,
} from './programs.ts';

const goBuilds = {
  'kube-apiserver': {
    package: 'k8s.io/kubernetes/cmd/kube-apiserver',
    linkerFlags: '-s -w',
    environment: {},
  },
  trivy: {
    package: 'github.com/aquasecurity/trivy/cmd/trivy',
    linkerFlags: `-s -w -X github.com/aquasecurity/trivy/pkg/version/app.ver=${goPrograms.trivy}`,
    environment: { GOEXPERIMENT: 'jsonv2' },
  },
  helm: {
    package: 'helm.sh/helm/v3/cmd/helm',
    linkerFlags: `-s -w -X helm.sh/helm/v3/internal/version.version=v${goPrograms.helm}`,
    environment: {},
  },
  'compose-check': {
    package: 'github.com/compose-spec/compose-go/v2/cmd',
    linkerFlags: '-s -w',
    environment: {},
  },
} as const;

const goNeeded = { major: 1, minor: 26 };
const goPath = `${process.env['PATH'] ?? ''}:/usr/local/go/bin`;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function isGoProgram(name: string): name is keyof typeof goPrograms {
  return Object.hasOwn(goPrograms, name);
}

function isPythonProgram(name: string): name is keyof typeof pythonPrograms {
  return Object.hasOwn(pythonPrograms, name);
}

function isMavenProgram(name: string): name is keyof typeof mavenPrograms {
  return Object.hasOwn(mavenPrograms, name);
}

function isDebianProgram(name: string): name is keyof typeof debianPackages {
  return Object.hasOwn(debianPackages, name);
}

async function isInstalled(packageName: string): Promise<boolean> {
  const asked = await execa('dpkg-query', ['-W', '-f', '${db:Status-Status}', packageName], {
    reject: false,
  });
  return asked.stdout === 'installed';
}

/** Installs the Debian packages of these programs that are missing; asks the registry only then. */
async function installPackages(names: readonly (keyof typeof debianPackages)[]): Promise<void> {
  const missing: string[] = [];
  for (const name of names) {
    if (!(await isInstalled(debianPackages[name]))) missing.push(debianPackages[name]);
  }
  if (missing.length === 0) {
    say(`packages: all ${names.length} there`);
    return;
  }
  say(`packages: installing ${missing.join(' ')}`);
  const options = {
    env: { DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 900_000,
  } as const;
  await execa('apt-get', ['update', '-q'], options);
  await execa('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...missing], options);
}

async function checkGo(): Promise<void> {
  const asked = await execa('go', ['env', 'GOVERSION'], {
    reject: false,
    env: { PATH: goPath, GOTOOLCHAIN: 'local' },
  });
  const found = /^go(\d+)\.(\d+)/.exec(asked.stdout ?? '');
  const major = Number(found?.[1] ?? 0);
  const minor = Number(found?.[2] ?? 0);
  if (major < goNeeded.major || (major === goNeeded.major && minor < goNeeded.minor)) {
    const has = found === null ? 'none was found' : `${found[0]} was found`;
    throw new Error(
      `Go ${goNeeded.major}.${goNeeded.minor} or newer is needed to build kube-apiserver, Trivy, Helm and the Compose loader, but ${has}; install it to /usr/local/go and run this again.`,
    );
  }
}

/** Builds one program from its pinned go.mod beside this file, unless that version is there already. */
async function buildProgram(name: keyof typeof goPrograms): Promise<void> {
  const target = builtProgramPath(name);
  if (findProgram(name) !== undefined) {
    say(`${name} ${goPrograms[name]}: there (${target})`);
    return;
  }
  await checkGo();
  say(`${name} ${goPrograms[name]}: building, this takes 1 to 15 minutes on two cores`);
  const started = performance.now();
  await mkdir(dirname(target), { recursive: true });
  const unfinished = `${target}.${process.pid}`;
  const { package: source, linkerFlags, environment } = goBuilds[name];
  try {
    await execa('go', ['build', '-mod=readonly', '-ldflags', linkerFlags, '-o', unfinished, source], {
      cwd: join(import.meta.dirname, name),
      env: { PATH: goPath, CGO_ENABLED: '0', ...environment },
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: 3_600_000,
    });
    await chmod(unfinished, 0o755);
    await rename(unfinished, target);
  } finally {
    await rm(unfinished, { force: true });
  }
  say(
    `${name} ${goPrograms[name]}: built in ${Math.round((performance.now() - started) / 1000)} s (${target})`,
  );
}

/** Makes a Python environment of pinned packages, each checked by its hash, unless that version is there already. */
async function makePythonEnvironment(name: keyof typeof pythonPrograms): Promise<void> {
  const target = pythonFolder(name);
  if (findProgram(name) !== undefined) {
    say(`${name} ${pythonPrograms[name]}: there (${target})`);
    return;
  }
  await installPackages(['python3']);
  await mkdir(dirname(target), { recursive: true });
  const unfinished = `${target}.${process.pid}`;
  const options = { stdio: ['ignore', 'ignore', 'inherit'], timeout: 600_000 } as const;
  const requirements = join(import.meta.dirname, name, 'requirements.txt');
  try {
    await execa(requireProgram('python3'), ['-m', 'venv', unfinished], options);
    await execa(
      join(unfinished, 'bin', 'python'),
      [
        '-m',
        'pip',
        'install',
        '--quiet',
        '--disable-pip-version-check',
        '--require-hashes',
        '-r',
        requirements,
      ],
      options,
    );
    // Left behind by a run that was cut short; only `bin/python` is used, which finds its packages wherever it stands.
    await rm(target, { recursive: true, force: true });
    await rename(unfinished, target);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  say(`${name} ${pythonPrograms[name]}: installed (${target})`);
}

/** Runs a goal of Maven's dependency plugin on the pom.xml beside this file, into a folder. */
async function runMaven(
  name: keyof typeof mavenPrograms,
  goal: 'copy' | 'unpack',
  options: { into: string; strict: boolean },
): Promise<void> {
  await execa(
    requireProgram('mvn'),
    [
      '--batch-mode',
      '--quiet',
      // A checksum that does not fit, or is not there, ends it; Maven's own way is a warning.
      ...(options.strict ? ['--strict-checksums'] : []),
      '--file',
      join(import.meta.dirname, name, 'pom.xml'),
      `dependency:${goal}-dependencies`,
      `-DoutputDirectory=${options.into}`,
      // Maven's note of what it has unpacked, which stands in the checkout otherwise and makes it skip the next time.
      `-DmarkersDirectory=${join(options.into, 'markers')}`,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'], timeout: 900_000 },
  );
}

/** @throws Error when the only file in a folder is not the pinned one */
async function checkArchive(folder: string, sha256: string): Promise<void> {
  const [file = ''] = await readdir(folder);
  const found = createHash('sha256')
    .update(await readFile(join(folder, file)))
    .digest('hex');
  if (found !== sha256) throw new Error(`${file}: its SHA-256 is ${found}, and not ${sha256} as pinned`);
}

/** Gathers a Java program from its pom.xml beside this file, unless that version is there already. */
async function gatherWithMaven(name: keyof typeof mavenPrograms): Promise<void> {
  const target = mavenFolder(name);
  if (findProgram(name) !== undefined) {
    say(`${name} ${mavenPrograms[name]}: there (${target})`);
    return;
  }
  await installPackages(['java', 'mvn']);
  await mkdir(dirname(target), { recursive: true });
  const unfinished = `${target}.${process.pid}`;
  const copied = `${unfinished}.copied`;
  try {
    if (name === 'elasticsearch') {
      // Registries serve the archive without the checksum beside it: it is held against ours before it is unpacked.
      await runMaven(name, 'copy', { into: copied, strict: false });
      await checkArchive(copied, elasticsearchArchiveSha256);
      await runMaven(name, 'unpack', { into: unfinished, strict: false });
    } else await runMaven(name, 'copy', { into: unfinished, strict: true });
    await rm(target, { recursive: true, force: true });
    await rename(unfinished, target);
  } finally {
    for (const folder of [unfinished, copied]) await rm(folder, { recursive: true, force: true });
  }
  say(`${name} ${mavenPrograms[name]}: gathered (${target})`);
}

/** Installs these programs, or all when none is named; does nothing that was done before. */
export async function install(names: readonly string[]): Promise<void> {
  const known = [debianPackages, goPrograms, pythonPrograms, mavenPrograms].flatMap((programs) =>
    Object.keys(programs),
  );
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new Error(`unknown: ${unknown.join(', ')}; known are: ${known.join(', ')}`);
  }
  const wanted = names.length === 0 ? known : names;
  const packages = wanted.filter(isDebianProgram);
  if (packages.length > 0) await installPackages(packages);
  for (const name of wanted.filter(isGoProgram)) await buildProgram(name);
  for (const name of wanted.filter(isPythonProgram)) await makePythonEnvironment(name);
  for (const name of wanted.filter(isMavenProgram)) await gatherWithMaven(name);
  const missing = wanted.filter((name) => findProgram(name as Program) === undefined);
  if (missing.length > 0) throw new Error(`installed, but not found: ${missing.join(', ')}`);
}

if (import.meta.main) {
  try {
    await install(process.argv.slice(2));
    say('everything is there');
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
