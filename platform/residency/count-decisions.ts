// Sums residency decisions into one ledger entry, and sums of sums.
import type { z } from 'zod';
import { ResidencyLedgerEntry } from '../core/residency-ledger.ts';
import type { ResidencyDecision } from './compile-policy.ts';
import type { RecordKind } from './policy.ts';

/** The counts of a ledger entry while it is open. */
export const DecisionCounts = ResidencyLedgerEntry.pick({ counts: true, fields: true });
export type DecisionCounts = z.infer<typeof DecisionCounts>;

export const NO_DECISIONS: DecisionCounts = { counts: [], fields: [] };

/** The counts of one decision. `bytes`: of the document that left, or of the record that stayed. */
export function countDecision(options: {
  kind: RecordKind;
  class: string;
  dataset: string;
  decision: ResidencyDecision;
  bytes: number;
}): DecisionCounts {
  const { decision } = options;
  return {
    counts: [
      {
        kind: options.kind,
        class: options.class,
        dataset: options.dataset,
        rule: decision.rule,
        outcome: decision.outcome,
        records: 1,
        bytes: options.bytes,
      },
    ],
    fields: decision.fields.map(({ field, act, values }) => ({
      class: options.class,
      field,
      act,
      rule: decision.rule,
      values,
    })),
  };
}

/** Adds up, keeping one row for each kind, class, dataset, rule and outcome, and for each class, field, act and rule. */
export function sumDecisions(parts: readonly DecisionCounts[]): DecisionCounts {
  const counts = new Map<string, DecisionCounts['counts'][number]>();
  const fields = new Map<string, DecisionCounts['fields'][number]>();
  for (const part of parts) {
    for (const row of part.counts) {
      const key = [row.kind, row.class, row.dataset, row.rule, row.outcome].join('\u0000');
      const sum = counts.get(key);
      if (sum) {
        sum.records += row.records;
        sum.bytes += row.bytes;
      } else counts.set(key, { ...row });
    }
    for (const row of part.fields) {
      const key = [row.class, row.field, row.act, row.rule].join('\u0000');
      const sum = fields.get(key);
      if (sum) sum.values += row.values;
      else fields.set(key, { ...row });
    }
  }
  return { counts: [...counts.values()], fields: [...fields.values()] };
}
