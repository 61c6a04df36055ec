// Takes a pack's files from a git repository: a shallow clone without checkout of links, hooks, submodules or filters.
import { mkdtemp, opendir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { PicketError } from '../../platform/core/errors.ts';
import { collectFolder } from './collect-folder.ts';
import type { PackFiles } from './pack-files.ts';
import { checkGitAddress, GitRef } from './pack-source.ts';

export interface GitLimits {
  readonly timeout_ms: number;
  /** Of the clone with its checkout; watched while git runs. */
  readonly clone_bytes: number;
}

export const GIT_LIMITS: GitLimits = { timeout_ms: 300_000, clone_bytes: 1024 ** 3 };

const WATCH_MS = 250;

/** Nothing of the system's or the repository's own configuration that could run something. */
const SETTINGS = [
  ['core.symlinks', 'false'],
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['protocol.allow', 'never'],
  ['protocol.https.allow', 'always'],
  ['protocol.ssh.allow', 'always'],
  ['protocol.file.allow', 'always'],
  ['submodule.recurse', 'false'],
  ['transfer.fsckObjects', 'true'],
  ['filter.lfs.smudge', ''],
  ['filter.lfs.required', 'false'],
].flatMap(([key, value]) => ['-c', `${key}=${value}`]);

const ENVIRONMENT = {
  GIT_TERMINAL_PROMPT: '0',
  GIT_ASKPASS: '/bin/false',
  GIT_LFS_SKIP_SMUDGE: '1',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_SSH_COMMAND: 'ssh -o BatchMode=yes -o ConnectTimeout=20',
  LC_ALL: 'C',
};

/**
 * Resolves to the commit that was taken.
 * @throws PicketError PACK_ADDRESS, PACK_GIT (what git said), PACK_GIT_MISSING, PACK_LIMIT, PACK_TIMEOUT, PACK_CANCELLED
 */
export async function collectGit(options: {
  address: string;
  ref: string | undefined;
  /** Where the clone lies meanwhile. */
  folder: string;
  into: PackFiles;
  signal: AbortSignal;
  limits?: GitLimits | undefined;
}): Promise<string> {
  const { address, folder, into, signal } = options;
  const limits = options.limits ?? GIT_LIMITS;
  checkGitAddress(address);
  const ref = options.ref === undefined ? undefined : GitRef.parse(options.ref);
  const clone = await mkdtemp(join(folder, '.clone-'));
  try {
    await runGit({
      args: [
        'clone',
        '--quiet',
        '--depth=1',
        '--single-branch',
        '--no-tags',
        ...(ref === undefined ? [] : [`--branch=${ref}`]),
        '--',
        address,
        clone,
      ],
      folder,
      watched: clone,
      signal,
      limits,
    });
    const commit = await runGit({
      args: ['-C', clone, 'rev-parse', '--verify', 'HEAD'],
      folder,
      watched: clone,
      signal,
      limits,
    });
    await collectFolder({ folder: clone, into, signal });
    return commit.trim();
  } finally {
    await rm(clone, { recursive: true, force: true });
  }
}

async function runGit(options: {
  args: readonly string[];
  folder: string;
  watched: string;
  signal: AbortSignal;
  limits: GitLimits;
}): Promise<string> {
  const { args, folder, watched, signal, limits } = options;
  const tooLarge = new AbortController();
  let watching = false;
  const watch = async (): Promise<void> => {
    if (watching) return;
    watching = true;
    if ((await bytesOf(watched, limits.clone_bytes)) > limits.clone_bytes) tooLarge.abort();
    watching = false;
  };
  const timer = setInterval(() => void watch(), WATCH_MS);
  const result = await execa('git', [...SETTINGS, ...args], {
    cwd: folder,
    env: ENVIRONMENT,
    stdin: 'ignore',
    timeout: limits.timeout_ms,
    maxBuffer: 1_000_000,
    reject: false,
    forceKillAfterDelay: 2_000,
    cancelSignal: AbortSignal.any([signal, tooLarge.signal]),
  }).finally(() => clearInterval(timer));
  const late = !result.failed && (await bytesOf(watched, limits.clone_bytes)) > limits.clone_bytes;
  if (tooLarge.signal.aborted || late) {
    throw new PicketError({
      code: 'PACK_LIMIT',
      message: `the repository is too large: more than ${limits.clone_bytes} bytes`,
    });
  }
  if (!result.failed) return result.stdout;
  if (signal.aborted) throw new PicketError({ code: 'PACK_CANCELLED', message: 'cancelled' });
  if (result.timedOut)
    throw new PicketError({
      code: 'PACK_TIMEOUT',
      message: `git took longer than ${limits.timeout_ms / 1_000} s`,
    });
  if (result.code === 'ENOENT')
    throw new PicketError({ code: 'PACK_GIT_MISSING', message: 'git is not installed at the site' });
  throw new PicketError({
    code: 'PACK_GIT',
    message: `git could not take it: ${result.stderr.trim().split('\n').slice(-3).join(' ').slice(0, 500)}`,
  });
}

/** Bytes of the files under a folder, counted no further than just over `enough`; what vanishes meanwhile is none. */
async function bytesOf(folder: string, enough: number): Promise<number> {
  let sum = 0;
  const visit = async (path: string): Promise<void> => {
    const entries = await opendir(path).catch(() => undefined);
    if (!entries) return;
    for await (const entry of entries) {
      if (sum > enough) return;
      const inner = join(path, entry.name);
      if (entry.isDirectory()) await visit(inner);
      else sum += (await stat(inner).catch(() => undefined))?.size ?? 0;
    }
  };
  await visit(folder).catch(() => undefined);
  return sum;
}
