// The rules that a request means: those in force, some of them, or a draft that the client sent.

import type { SigmaEngine } from '../../detect/sigma/engine/engine.ts';
import type { LoadedRules } from '../../detect/sigma/load-rules.ts';
import { parseRuleFile } from '../../detect/sigma/parse-file.ts';
import type { DetectorRules } from '../../detect/worker/route-matches.ts';
import { PicketError } from '../../platform/core/errors.ts';
import { MAX_DRAFT_RULES, type RefusedRule } from '../api/rule-contract.ts';
import { compileDetection, type Detection, describeProblem } from '../load-detection.ts';

/** The pack of rules that are not installed. */
export const DRAFT_PACK = 'draft';

export interface ChosenRules {
  readonly rules: DetectorRules;
  readonly engine: SigmaEngine;
  readonly refused: readonly RefusedRule[];
}

/** Files of rules parsed between two turns of the event loop at most so long. */
const SLICE_MS = 20;

/**
 * @throws PicketError DRAFT_EMPTY, DRAFT_LIMIT, RULE_NOT_FOUND
 */
export async function chooseRules(options: {
  detection: Detection;
  drafts?: readonly { name: string; text: string }[] | undefined;
  /** Ids or names. */
  names?: readonly string[] | undefined;
}): Promise<ChosenRules> {
  const { detection, drafts, names } = options;
  if (!drafts && !names) return { rules: detection.rules, engine: detection.engine, refused: [] };
  const draft = drafts ? await parseDrafts(drafts) : undefined;
  const loaded = pickRules(draft ?? detection.loaded, names);
  const compiled = compileDetection({
    loaded,
    pipelines: detection.pipelines,
    routes: detection.routes,
  });
  const refused = [...(draft?.refused.map(describeProblem) ?? []), ...compiled.refused];
  if (loaded.rules.length + loaded.correlations.length === 0) {
    throw new PicketError({
      code: 'DRAFT_EMPTY',
      message: refused[0]
        ? `no rule can be read: ${refused[0].message}`
        : 'there is no rule in what was sent',
      ...(refused[0] ? { place: { at: refused[0].place } } : {}),
    });
  }
  return { ...compiled, refused };
}

type Picked = Pick<LoadedRules, 'rules' | 'correlations'>;

async function parseDrafts(
  files: readonly { name: string; text: string }[],
): Promise<Picked & Pick<LoadedRules, 'refused'>> {
  const draft: Picked & Pick<LoadedRules, 'refused'> = { rules: [], correlations: [], refused: [] };
  let sliceEnd = performance.now() + SLICE_MS;
  for (const { name, text } of files) {
    const parsed = parseRuleFile({ text, file: name });
    draft.refused.push(...parsed.refused);
    draft.rules.push(...parsed.rules.map((rule) => ({ rule, pack: DRAFT_PACK })));
    draft.correlations.push(...parsed.correlations.map((rule) => ({ rule, pack: DRAFT_PACK })));
    if (draft.rules.length > MAX_DRAFT_RULES)
      throw new PicketError({
        code: 'DRAFT_LIMIT',
        message: `a draft has at most ${MAX_DRAFT_RULES} rules: send fewer at a time, or install them as a pack`,
      });
    if (performance.now() > sliceEnd) {
      await new Promise(setImmediate);
      sliceEnd = performance.now() + SLICE_MS;
    }
  }
  return draft;
}

/** The named rules, with what a named correlation needs. */
function pickRules(loaded: Picked, names: readonly string[] | undefined): Picked {
  if (!names) return loaded;
  const wanted = new Set(names);
  const isNamed = ({ rule }: { rule: { id: string; name?: string } }): boolean =>
    wanted.has(rule.id) || (rule.name !== undefined && wanted.has(rule.name));
  const correlations = loaded.correlations.filter(isNamed);
  const known = [...loaded.rules, ...loaded.correlations];
  for (const name of names) {
    if (!known.some(({ rule }) => rule.id === name || rule.name === name))
      throw new PicketError({ code: 'RULE_NOT_FOUND', message: `no rule ${name} here` });
  }
  const inputs = new Set(correlations.flatMap(({ rule }) => rule.rules));
  return {
    rules: loaded.rules.filter(
      (one) =>
        isNamed(one) || inputs.has(one.rule.id) || (one.rule.name !== undefined && inputs.has(one.rule.name)),
    ),
    correlations,
  };
}
