// What a pack's next version changes: rules by id and content.
import type { LoadedRules } from '../sigma/load-rules.ts';
import type { CorrelationRule, SigmaRule } from '../sigma/rule.ts';

type Rule = SigmaRule | CorrelationRule;
type Rules = Pick<LoadedRules, 'rules' | 'correlations'>;

export interface PackChanges {
  readonly added: readonly Rule[];
  readonly changed: readonly { readonly before: Rule; readonly after: Rule }[];
  readonly gone: readonly Rule[];
  readonly unchanged: number;
}

/** A rule is the same as long as its id is; it changed when its content did, not when its file moved. */
export function comparePacks(before: Rules, after: Rules): PackChanges {
  const old = byId(before);
  const next = byId(after);
  const added: Rule[] = [];
  const changed: { before: Rule; after: Rule }[] = [];
  for (const [id, rule] of next) {
    const known = old.get(id);
    if (!known) added.push(rule);
    else if (known.version !== rule.version) changed.push({ before: known, after: rule });
  }
  return {
    added,
    changed,
    gone: [...old].filter(([id]) => !next.has(id)).map(([, rule]) => rule),
    unchanged: next.size - added.length - changed.length,
  };
}

function byId({ rules, correlations }: Rules): Map<string, Rule> {
  return new Map([...rules, ...correlations].map(({ rule }) => [rule.id, rule]));
}
