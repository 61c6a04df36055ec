// Executors: how a site's firewall takes a rendered ruleset, as a file or through nft.
import { constants } from 'node:fs';
import { access, mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { execa } from 'execa';
import { PicketError } from '../../platform/core/errors.ts';

export interface FirewallExecutor {
  readonly id: 'file' | 'nft';
  /** Puts the script in force whole or not at all. @throws PicketError EXECUTOR_FAILED */
  apply(script: string): Promise<void>;
  /** What is in force now, as far as the executor can read it back; undefined when nothing is. */
  read(): Promise<string | undefined>;
}

/** Checks a script without putting it in force (`nft -c`). */
export type NftCheck = (script: string) => Promise<{ checked: boolean; error?: string }>;

const NFT_TIMEOUT_MS = 10_000;

/** Finds nft in the usual places or PATH; undefined when it is not installed. */
export async function findNft(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const folders = [...(environment['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'].filter(Boolean);
  for (const folder of folders) {
    const path = `${folder}/nft`;
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // Not there: look on.
    }
  }
  return undefined;
}

/**
 * A check by `nft -c -f -`; without nft, without the right to ask the kernel, or when nft does not answer, it says
 * that nothing was checked: only a complaint about the script may take what stands out of force.
 */
export function createNftCheck(nft: string | undefined, timeout_ms = NFT_TIMEOUT_MS): NftCheck {
  return async (script) => {
    if (nft === undefined) return { checked: false };
    const { failed, hung, complaint } = await runNft(nft, ['-c', '-f', '-'], script, timeout_ms);
    if (!failed) return { checked: true };
    if (hung) return { checked: false };
    if (/operation not permitted|permission denied|must be root/i.test(complaint)) return { checked: false };
    return { checked: true, error: complaint };
  };
}

/** Keeps the ruleset in one file, replaced atomically; what includes it (nftables.service, a router's agent) puts it in force. */
export function createFileExecutor(file: string): FirewallExecutor {
  return {
    id: 'file',
    async apply(script) {
      try {
        await mkdir(dirname(file), { recursive: true });
        const handle = await open(`${file}.new`, 'w', 0o600);
        try {
          await handle.writeFile(script);
          await handle.sync();
        } finally {
          await handle.close();
        }
        await rename(`${file}.new`, file);
      } catch (cause) {
        throw new PicketError({
          code: 'EXECUTOR_FAILED',
          message: `cannot write ${file}`,
          place: { file },
          cause,
        });
      }
    },
    async read() {
      try {
        return await readFile(file, 'utf8');
      } catch {
        return undefined;
      }
    },
  };
}

/** Puts the ruleset into the running kernel in one transaction (`nft -f -`). */
export function createNftExecutor(nft: string): FirewallExecutor {
  return {
    id: 'nft',
    async apply(script) {
      const { failed, complaint } = await runNft(nft, ['-f', '-'], script);
      if (failed) throw new PicketError({ code: 'EXECUTOR_FAILED', message: complaint });
    },
    async read() {
      const { failed, output } = await runNft(nft, ['list', 'table', 'inet', 'picket']);
      return failed ? undefined : output;
    },
  };
}

async function runNft(
  nft: string,
  args: readonly string[],
  input = '',
  timeout_ms = NFT_TIMEOUT_MS,
): Promise<{ failed: boolean; hung: boolean; output: string; complaint: string }> {
  const result = await execa(nft, args, { input, timeout: timeout_ms, reject: false });
  const complaint = result.stderr.trim() || (result.failed ? (result.shortMessage ?? 'nft failed') : '');
  return { failed: result.failed, hung: result.timedOut, output: result.stdout, complaint };
}
