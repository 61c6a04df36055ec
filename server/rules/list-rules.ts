// The rules of a site as people read them: with their hits and exceptions, and those that gates left out.
import type { RuleList } from '../api/rule-contract.ts';
import type { RuleDesk } from './open-rule-desk.ts';

export function listRules(desk: RuleDesk): RuleList {
  const { views, gated } = desk.detection();
  return {
    rules: views.map((rule) => {
      const hits = desk.tallies.hitsOf(rule.id);
      return {
        ...rule,
        matches: hits?.matches ?? 0,
        ...(hits ? { last_match: hits.last } : {}),
        exceptions: [...desk.exceptions.exceptionsOf(rule.id)],
      };
    }),
    gated: [...gated],
    refused: desk.refused(),
  };
}
