// Completes package-lock.json after `npm install`: names the platform packages that the registry in use did not have.
//
// npm leaves an optional package out of the lock file when its registry answers 404, and `npm ci` then refuses
// the lock file as out of step. An entry with os and cpu is all that npm ci wants for a platform that is not its own.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface LockedPackage {
  version?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}

const SYSTEMS = [
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
  'windows',
  'aix',
];
const PROCESSORS = ['arm64', 'arm', 'x64', 'ia32', 'ppc64', 's390x', 'riscv64', 'loong64', 'mips64el'];

/** What the end of a platform package's name says: `…-linux-arm64-musl`. */
function readPlatform(name: string): Pick<LockedPackage, 'os' | 'cpu' | 'libc'> | undefined {
  const words = name.split(/[-/]/);
  const system = words.find((word) => SYSTEMS.includes(word));
  const processor = words.find((word) => PROCESSORS.includes(word));
  if (!system || !processor) return undefined;
  const libc = words.some((word) => word.startsWith('musl'))
    ? 'musl'
    : words.some((word) => word.startsWith('gnu'))
      ? 'glibc'
      : undefined;
  return {
    ...(system === 'linux' && libc ? { libc: [libc] } : {}),
    os: [system === 'windows' ? 'win32' : system],
    cpu: [processor],
  };
}

const file = join(import.meta.dirname, '..', 'package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, LockedPackage> };
let added = 0;
for (const [place, held] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(held.optionalDependencies ?? {})) {
    const wanted = `node_modules/${name}`;
    if (lock.packages[wanted] || lock.packages[`${place}/${wanted}`]) continue;
    const platform = readPlatform(name);
    if (!platform || !/^\d/.test(version)) {
      process.stderr.write(`not understood: ${name}@${version}, asked for by ${place || 'the root'}\n`);
      continue;
    }
    lock.packages[wanted] = { version, ...(held.dev ? { dev: true } : {}), optional: true, ...platform };
    added++;
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${added} entries added\n`);
