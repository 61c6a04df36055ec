// Loads rule files from folders: every fault named with its place, every rule with the hash of itself and of its folder.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { describeError, PicketError } from '../../platform/core/errors.ts';
import { LEVELS, type Level } from '../../platform/core/names.ts';
import { applyFilters } from './apply-filters.ts';
import type { LoadedRule } from './compile-rules.ts';
import { parseRuleFile } from './parse-file.ts';
import type { Problem } from './problem.ts';
import type { CorrelationRule, RuleHeader, SigmaFilter, SigmaRule, Status } from './rule.ts';

/** Which rules are let in; what is left out is counted, never lost in silence. */
export interface RuleGates {
  /** The lowest level. */
  readonly level?: Level;
  readonly statuses?: readonly Status[];
  /** A rule needs one of these tags. */
  readonly tags?: readonly string[];
}

export interface RulePack {
  readonly folder: string;
  /** SHA-256 over the relative names and contents of its rule files, hex. */
  readonly hash: string;
  readonly files: number;
}

export interface LoadedRules {
  readonly rules: LoadedRule[];
  readonly correlations: LoadedRule<CorrelationRule>[];
  /** Filters of all folders; they are already applied to `rules`. */
  readonly filters: LoadedFilter[];
  readonly refused: Problem[];
  readonly packs: RulePack[];
  /** Rules that the gates left out. */
  readonly gated: LoadedRule<SigmaRule | CorrelationRule>[];
}

/** A filter with its pack and the ids of the rules it narrowed. */
export interface LoadedFilter {
  readonly filter: SigmaFilter;
  readonly pack: string;
  readonly rules: readonly string[];
}

/**
 * Reads every `.yml` and `.yaml` file under the folders (tests beside rules, `*.tests.yaml`, left out), in the
 * order of their names, and applies the filters among them to all rules. An id that a rule before already has
 * is refused (SIGMA_ID_TAKEN). `now` judges when a filter is expired. Never throws.
 */
export function loadRules(options: {
  folders: readonly string[];
  gates?: RuleGates;
  now?: Date;
}): LoadedRules {
  const loaded: LoadedRules = {
    rules: [],
    correlations: [],
    filters: [],
    refused: [],
    packs: [],
    gated: [],
  };
  const ids = new Map<string, Pick<RuleHeader, 'title' | 'place' | 'version'>>();
  const filters: Omit<LoadedFilter, 'rules'>[] = [];
  const known = new Set<string>();
  for (const folder of options.folders) {
    let files: RuleFile[] = [];
    try {
      files = readRuleFiles(folder);
    } catch (error) {
      loaded.refused.push({
        code: 'RULES_UNREADABLE',
        message: describeError(error),
        place: { file: folder },
      });
    }
    const pack = hashPack(files);
    loaded.packs.push({ folder, hash: pack, files: files.length });
    for (const { text, file } of files) {
      const parsed = parseRuleFile({ text, file });
      loaded.refused.push(...parsed.refused);
      for (const rule of [...parsed.rules, ...parsed.correlations, ...parsed.filters]) {
        const taken = ids.get(rule.id);
        if (taken) {
          // The same folder given twice, or one inside another, is no fault.
          if (taken.version === rule.version) continue;
          loaded.refused.push({
            code: 'SIGMA_ID_TAKEN',
            message: `id ${rule.id} is already that of \`${taken.title}\` (${taken.place.file ?? ''})`,
            place: rule.place,
            rule: { id: rule.id, title: rule.title },
          });
          continue;
        }
        ids.set(rule.id, rule);
        if (rule.kind === 'filter') {
          filters.push({ filter: rule, pack });
          continue;
        }
        if (rule.kind === 'rule') for (const name of [rule.id, rule.name]) if (name) known.add(name);
        if (!passes(rule, options.gates)) loaded.gated.push({ rule, pack });
        else if (rule.kind === 'rule') loaded.rules.push({ rule, pack });
        else loaded.correlations.push({ rule, pack });
      }
    }
  }
  applyLoadedFilters({ loaded, filters, known, now: options.now });
  return loaded;
}

function applyLoadedFilters(options: {
  loaded: LoadedRules;
  filters: readonly Omit<LoadedFilter, 'rules'>[];
  known: ReadonlySet<string>;
  now: Date | undefined;
}): void {
  const { loaded, filters, known, now } = options;
  const filtered = applyFilters({
    rules: loaded.rules.map(({ rule }) => rule),
    filters: filters.map(({ filter }) => filter),
    known,
    ...(now === undefined ? {} : { now }),
  });
  filtered.rules.forEach((rule, at) => {
    const { pack } = loaded.rules[at] as LoadedRule;
    loaded.rules[at] = { rule, pack };
  });
  filters.forEach((own, at) => loaded.filters.push({ ...own, rules: filtered.applied[at]?.rules ?? [] }));
  loaded.refused.push(...filtered.problems);
}

/** A rule file as it is read; `name` is relative to its folder, with `/`. */
export interface RuleFile {
  readonly name: string;
  readonly text: string;
  readonly file: string;
}

/** Every rule file of a folder with its text. @throws PicketError RULES_UNREADABLE, and what reading says */
export function readRuleFiles(folder: string): RuleFile[] {
  return listRuleFiles(folder).map((file) => ({
    name: relative(folder, file).split(sep).join('/'),
    text: readFileSync(file, 'utf8'),
    file,
  }));
}

/** Rule files of a folder, or the file itself, by name. @throws PicketError RULES_UNREADABLE */
export function listRuleFiles(folder: string): string[] {
  try {
    if (statSync(folder).isFile()) return [folder];
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.ya?ml$/i.test(name) && !/\.tests\.ya?ml$/i.test(name))
      .sort()
      .map((name) => join(folder, name))
      .filter((file) => statSync(file).isFile());
  } catch (error) {
    throw new PicketError({
      code: 'RULES_UNREADABLE',
      message: describeError(error),
      place: { file: folder },
      cause: error,
    });
  }
}

/** The hash that pins a folder of rules: over the names and contents of its rule files, hex. */
export function hashPack(files: readonly Pick<RuleFile, 'name' | 'text'>[]): string {
  const hash = createHash('sha256');
  for (const { name, text } of files) hash.update(`${name}\0${Buffer.byteLength(text)}\0${text}\0`);
  return hash.digest('hex');
}

function passes(rule: SigmaRule | CorrelationRule, gates: RuleGates | undefined): boolean {
  if (!gates) return true;
  if (gates.level && LEVELS.indexOf(rule.level) < LEVELS.indexOf(gates.level)) return false;
  if (gates.statuses && (!rule.status || !gates.statuses.includes(rule.status))) return false;
  return !gates.tags || gates.tags.some((tag) => rule.tags.includes(tag));
}
