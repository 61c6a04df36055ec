// Which rules an event can match, by what it says of its origin; remembered under a bound.
import type { LogsourceRouter } from '../logsource-routes.ts';
import type { Logsource } from '../rule.ts';
import { type CompiledRule, makeRuleGroup, type RuleGroup } from './rule-group.ts';

/** Keys remembered of what events say of their origin; a hostile stream cannot make more. */
const MAX_ROUTES = 4_096;

/** @returns the group of an event's rules */
export function groupRules(options: {
  router: LogsourceRouter;
  /** One a rule, in the order of `compiled`. */
  logsources: readonly Logsource[];
  compiled: readonly CompiledRule[];
}): (event: object) => RuleGroup {
  const { router, compiled } = options;
  const distinct: Logsource[] = [];
  const ids = new Map<string, number>();
  const logsourceOf = options.logsources.map((logsource) => {
    const key = JSON.stringify([logsource.product, logsource.category, logsource.service]);
    let id = ids.get(key);
    if (id === undefined) {
      id = distinct.push(logsource) - 1;
      ids.set(key, id);
    }
    return id;
  });
  let byKey = new Map<string, RuleGroup>();
  const bySelection = new Map<string, RuleGroup>();
  return (event) => {
    const key = router.keyOf(event);
    const known = byKey.get(key);
    if (known) return known;
    const selected = router.select(key, distinct);
    const selection = selected.map((yes) => (yes ? '1' : '0')).join('');
    let group = bySelection.get(selection);
    if (!group) {
      const rules = compiled.filter(({ index }) => selected[logsourceOf[index] as number]);
      group = makeRuleGroup(rules, compiled.length);
      bySelection.set(selection, group);
    }
    if (byKey.size >= MAX_ROUTES) byKey = new Map();
    byKey.set(key, group);
    return group;
  };
}
