// The packs on a site's disk: fetched into a folder of their own, pinned by content, verified whenever they are read.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { detectLicence, LICENCE_FILE, type Licence } from '../../detect/packs/licence.ts';
import {
  hashPack,
  type LoadedRules,
  loadRules,
  type RuleGates,
  readRuleFiles,
} from '../../detect/sigma/load-rules.ts';
import type { Problem } from '../../detect/sigma/problem.ts';
import { describeError, PicketError } from '../../platform/core/errors.ts';
import type { RuleFolder } from '../load-detection.ts';
import { collectFolder } from './collect-folder.ts';
import { collectGit, type GitLimits } from './collect-git.ts';
import { collectZip } from './collect-zip.ts';
import { PackFiles, type PackLimits } from './pack-files.ts';
import type { PackSource } from './pack-source.ts';
import { type Pin, readPins, writePins } from './pin.ts';

/** A pack that was fetched and is not in force. */
export interface StagedPack {
  readonly folder: string;
  readonly hash: string;
  readonly files: number;
  readonly skipped: number;
  readonly commit: string | undefined;
  readonly loaded: LoadedRules;
  readonly licence: Licence;
}

export interface PackStore {
  pins(): readonly Pin[];
  /** Folders of packs whose content is what was pinned, and why the others are not read. */
  folders(): { folders: RuleFolder[]; refused: Problem[] };
  folderOf(pin: Pick<Pin, 'name' | 'hash'>): string;
  /** @throws PicketError PACK_* ; PACK_EMPTY for one without a rule that can be read */
  fetch(
    source: PackSource,
    options: { gates: RuleGates | undefined; signal: AbortSignal },
  ): Promise<StagedPack>;
  discard(staged: StagedPack): Promise<void>;
  /** Puts a staged pack in the place of the one of the same name. */
  keep(staged: StagedPack, pin: Omit<Pin, 'hash' | 'commit' | 'files' | 'skipped' | 'licence'>): Promise<Pin>;
  /** @throws PicketError PACK_NOT_FOUND */
  forget(name: string): void;
  /** Removes the folders that no pin names; called once nothing reads them any more. */
  sweep(): void;
}

/** @throws PicketError PACK_PINS */
export function openPackStore(options: {
  /** Made when missing. */
  folder: string;
  /** False where another process changes the packs, and this one follows it: it removes nothing. Default true. */
  owns?: boolean;
  limits?: PackLimits;
  gitLimits?: GitLimits;
}): PackStore {
  const { folder, owns = true } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  let pins = readPins(folder);
  const folderOf = (pin: Pick<Pin, 'name' | 'hash'>): string => placeOf(folder, pin);
  const sweep = (): void => {
    const wanted = new Set(pins.map(folderOf));
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !wanted.has(path)) rmSync(path, { recursive: true, force: true });
    }
  };
  if (owns) sweep();
  return {
    pins: () => pins,
    folderOf,
    folders() {
      if (!owns) pins = readPins(folder);
      return verifyPacks(folder, pins);
    },
    async fetch(source, { gates, signal }) {
      const into = new PackFiles({ paths: source.paths, limits: options.limits });
      const staging = await mkdtemp(join(folder, '.staged-'));
      try {
        const commit = await collect({ source, into, folder, signal, gitLimits: options.gitLimits });
        for (const { name, bytes } of into.files) {
          const file = join(staging, name);
          await mkdir(dirname(file), { recursive: true });
          await writeFile(file, bytes, { mode: 0o600, flag: 'wx' });
        }
        const loaded = loadRules({ folders: [staging], ...(gates ? { gates } : {}) });
        const all = [...loaded.rules, ...loaded.correlations, ...loaded.gated].map(({ rule }) => rule);
        const [pack] = loaded.packs;
        if (!pack || all.length === 0) {
          const [problem] = loaded.refused;
          throw new PicketError({
            code: 'PACK_EMPTY',
            message: `there is no rule in it${problem ? ` that can be read: ${problem.message}` : ''}`,
          });
        }
        const texts = into.files
          .filter(({ name }) => LICENCE_FILE.test(name.split('/').at(-1) ?? ''))
          .map(({ name, bytes }) => ({ name, text: bytes.toString('utf8') }));
        return {
          folder: staging,
          hash: pack.hash,
          files: pack.files,
          skipped: into.skipped,
          commit,
          loaded,
          licence: detectLicence({ files: texts, rules: all }),
        };
      } catch (error) {
        await rm(staging, { recursive: true, force: true });
        throw error;
      }
    },
    discard: ({ folder: staging }) => rm(staging, { recursive: true, force: true }),
    async keep(staged, given) {
      const { hash, commit, files, skipped, licence } = staged;
      const pin: Pin = {
        ...given,
        hash,
        files,
        skipped,
        licence: { ...licence, rules: { ...licence.rules } },
        ...(commit === undefined ? {} : { commit }),
      };
      const place = folderOf(pin);
      await rm(place, { recursive: true, force: true });
      await rename(staged.folder, place);
      const others = pins.filter(({ name }) => name !== pin.name);
      writePins(folder, [...others, pin]);
      pins = [...others, pin];
      return pin;
    },
    forget(name) {
      const left = pins.filter((pin) => pin.name !== name);
      if (left.length === pins.length)
        throw new PicketError({ code: 'PACK_NOT_FOUND', message: `no pack ${name}` });
      writePins(folder, left);
      pins = left;
    },
    sweep,
  };
}

async function collect(options: {
  source: PackSource;
  into: PackFiles;
  folder: string;
  signal: AbortSignal;
  gitLimits: GitLimits | undefined;
}): Promise<string | undefined> {
  const { source, into, folder, signal, gitLimits: limits } = options;
  const { address, ref } = source;
  switch (source.type) {
    case 'git':
      return collectGit({ address, ref, folder, into, signal, limits });
    case 'zip':
      await collectZip({ file: address, into, signal });
      return undefined;
    case 'folder':
      await collectFolder({ folder: address, into, signal });
      return undefined;
  }
}

/** The packs under a folder, touching nothing. @throws PicketError PACK_PINS */
export function readPacks(folder: string): { folders: RuleFolder[]; refused: Problem[] } {
  return verifyPacks(folder, readPins(folder));
}

function verifyPacks(folder: string, pins: readonly Pin[]): { folders: RuleFolder[]; refused: Problem[] } {
  const folders: RuleFolder[] = [];
  const refused: Problem[] = [];
  for (const pin of pins) {
    const place = placeOf(folder, pin);
    const problem = verifyPack(pin, place);
    if (problem) refused.push(problem);
    else folders.push({ folder: place, name: pin.name });
  }
  return { folders, refused };
}

function placeOf(folder: string, { name, hash }: Pick<Pin, 'name' | 'hash'>): string {
  return join(folder, `${name}-${hash.slice(0, 16)}`);
}

/** What is wrong with a pack on disk; undefined when it is what was pinned. */
function verifyPack(pin: Pin, folder: string): Problem | undefined {
  const again = `take it again: \`picket rules update ${pin.name} --apply\`, or remove it`;
  try {
    const hash = hashPack(readRuleFiles(folder));
    if (hash === pin.hash) return undefined;
    return {
      code: 'PACK_CHANGED',
      message: `the pack ${pin.name} is not what was pinned: its hash is ${hash}, pinned is ${pin.hash}; ${again}`,
      place: { file: folder },
    };
  } catch (error) {
    return {
      code: 'PACK_UNREADABLE',
      message: `the pack ${pin.name} cannot be read: ${describeError(error)}; ${again}`,
      place: { file: folder },
    };
  }
}
