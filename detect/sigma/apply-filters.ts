// Narrows rules by Sigma filters, wherever their files stand; what a filter names and nobody knows is said.
import type { Problem } from './problem.ts';
import type { Condition, DetectionNode, Logsource, SigmaFilter, SigmaRule } from './rule.ts';

export interface FilteredRules {
  /** The given rules in their order; those that a filter is for are new objects with its condition joined. */
  readonly rules: SigmaRule[];
  /** Per filter, in the order given: the ids of the rules that it narrowed. */
  readonly applied: readonly { readonly filter: SigmaFilter; readonly rules: readonly string[] }[];
  /** SIGMA_FILTER_UNKNOWN_RULE, SIGMA_FILTER_LOGSOURCE, SIGMA_FILTER_NO_RULE, SIGMA_FILTER_EXPIRED, with their places. */
  readonly problems: Problem[];
}

/**
 * Joins each filter's condition to the conditions of the rules that it names by id or name (or of `any` rule)
 * and whose logsource it covers. Filters join in the order given; the same filter is joined once. Pipelines
 * come later and map a filter's fields as they map the rule's own. Never throws.
 */
export function applyFilters(options: {
  rules: readonly SigmaRule[];
  filters: readonly SigmaFilter[];
  /** Ids and names of rules that exist but are not among `rules` (gated ones): naming them is no fault. */
  known?: ReadonlySet<string>;
  /** Judges `expires`: without it no filter is expired. */
  now?: Date;
}): FilteredRules {
  const rules = [...options.rules];
  const problems: Problem[] = [];
  const applied: { filter: SigmaFilter; rules: string[] }[] = [];
  const indexes = indexRules(rules);
  const known = new Set([...(options.known ?? [])].map((reference) => reference.toLowerCase()));
  for (const filter of options.filters) {
    const about = { id: filter.id, title: filter.title };
    const say = (code: string, message: string, place = filter.place): void => {
      problems.push({ code, message, place, rule: about });
    };
    const narrowed: string[] = [];
    applied.push({ filter, rules: narrowed });
    if (isExpired(filter, options.now)) {
      say('SIGMA_FILTER_EXPIRED', `the filter is expired since ${filter.expires}: it narrows nothing`);
      continue;
    }
    const narrow = (at: number): void => {
      const rule = rules[at] as SigmaRule;
      if (rule.filters?.some(({ id }) => id === filter.id)) return;
      rules[at] = joinFilter(rule, filter);
      narrowed.push(rule.id);
    };
    if (filter.rules === 'any') {
      rules.forEach((rule, at) => {
        if (covers(filter.logsource, rule.logsource)) narrow(at);
      });
      if (narrowed.length === 0) say('SIGMA_FILTER_NO_RULE', 'no rule has the logsource of the filter');
      continue;
    }
    for (const { reference, place } of filter.rules) {
      const named = indexes.get(reference.toLowerCase()) ?? [];
      if (named.length === 0 && !known.has(reference.toLowerCase()))
        say('SIGMA_FILTER_UNKNOWN_RULE', `no rule has the id or name \`${reference}\``, place);
      for (const at of named) {
        if (covers(filter.logsource, (rules[at] as SigmaRule).logsource)) narrow(at);
        else
          say(
            'SIGMA_FILTER_LOGSOURCE',
            `the filter's logsource does not cover that of \`${reference}\``,
            place,
          );
      }
    }
  }
  return { rules, applied, problems };
}

/** True when the filter's `expires` has come. */
export function isExpired(filter: SigmaFilter, now: Date | undefined): boolean {
  return filter.expires !== undefined && now !== undefined && now.getTime() >= Date.parse(filter.expires);
}

/** True when every part that the filter's logsource says is the rule's. */
export function covers(filter: Logsource, rule: Logsource): boolean {
  return (['category', 'product', 'service'] as const).every(
    (key) => filter[key] === undefined || filter[key] === rule[key],
  );
}

/** Places in the list by id and by name, in lower case as UUIDs are compared. */
function indexRules(rules: readonly SigmaRule[]): Map<string, number[]> {
  const indexes = new Map<string, number[]>();
  rules.forEach(({ id, name }, at) => {
    for (const reference of new Set([id, name])) {
      if (reference === undefined) continue;
      const key = reference.toLowerCase();
      indexes.set(key, [...(indexes.get(key) ?? []), at]);
    }
  });
  return indexes;
}

function joinFilter(rule: SigmaRule, filter: SigmaFilter): SigmaRule {
  const selections = new Map<string, DetectionNode>(rule.selections);
  const names = new Map<string, string>();
  for (const [name, node] of filter.selections) {
    // People read these names where a match is explained; no rule can write one, since they hold blanks.
    const plain = `filter ${filter.title}: ${name}`;
    const own = selections.has(plain) ? `${plain} (${filter.id})` : plain;
    selections.set(own, node);
    names.set(name, own);
  }
  const joined = renameSelections(filter.condition, names);
  return {
    ...rule,
    selections,
    conditions: rule.conditions.map((condition): Condition => ({ op: 'and', of: [condition, joined] })),
    filters: [...(rule.filters ?? []), { id: filter.id, title: filter.title }],
  };
}

function renameSelections(condition: Condition, names: ReadonlyMap<string, string>): Condition {
  switch (condition.op) {
    case 'selection':
      return { op: 'selection', name: names.get(condition.name) ?? condition.name };
    case 'not':
      return { op: 'not', of: renameSelections(condition.of, names) };
    default:
      return { ...condition, of: condition.of.map((part) => renameSelections(part, names)) };
  }
}
