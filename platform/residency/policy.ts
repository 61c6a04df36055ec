// The residency policy of one jurisdiction: ordered rules that say which records may leave it, and with which fields.
import { z } from 'zod';
import { Expression } from '../core/expression/expression.ts';
import { Jurisdiction, ResidencyClass } from '../core/names.ts';
import { FieldAct } from '../core/residency-ledger.ts';
import { SchemaVersion } from '../core/schema-version.ts';

/** The rule name that the ledger uses when no rule spoke: the record stayed. */
export const DEFAULT_RULE = 'default';

/** What residency rules speak of: events as they were normalised, and alerts as what is derived of them. */
export const RecordKind = z.enum(['event', 'alert']);
export type RecordKind = z.infer<typeof RecordKind>;

/** A jurisdiction, `eu-*` for every subdivision of one, or `*` for any. */
export const Destination = z.union([
  z.literal('*'),
  z.string().regex(/^[a-z]{2}-\*$/, 'must look like `eu-fr`, `eu-*` or `*`'),
  Jurisdiction,
]);

/** What is done to one field; a path that leads to an object speaks of everything in it. */
export const FieldRule = z.strictObject({
  /** Dotted ECS path. */
  field: z.string().min(1),
  act: FieldAct,
  /** Which of the field's values: addresses that mean something only inside a site, those that are public, or all. */
  values: z.enum(['all', 'internal-addresses', 'public-addresses']).default('all'),
  /** Values left as they are: `*` is any run of characters; case is ignored. */
  except: z.array(z.string().min(1)).default([]),
  /**
   * `hide`: the value is hidden wherever else it stands in the record. `keep`: only this field is changed; for
   * bodies whose parts have fields of their own (an image, a namespace), which rules speak of by themselves.
   */
  copies: z.enum(['hide', 'keep']).default('hide'),
});
export type FieldRule = z.infer<typeof FieldRule>;

export const ResidencyRule = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and hyphens')
      .refine((name) => name !== DEFAULT_RULE, { message: '`default` is the name of no rule' }),
    description: z.string().min(1),
    /** Where the rule comes from: article of a law, contract, decision of a data protection officer. */
    reference: z.string().min(1),
    kinds: z.array(RecordKind).min(1),
    classes: z.array(ResidencyClass).min(1),
    destinations: z.array(Destination).min(1),
    /** Which records of these classes: KQL, or an Expression. Default: all of them. */
    where: z.union([z.string().min(1), Expression]).optional(),
    decision: z.enum(['leave', 'stay']),
    fields: z.array(FieldRule).default([]),
    /** Free text (messages, command lines, summaries): nothing else can say what stands in it. */
    free_text: z.enum(['keep', 'drop']).default('drop'),
  })
  .refine((rule) => rule.decision === 'leave' || rule.fields.length === 0, {
    message: 'a rule that says `stay` has no fields',
    path: ['fields'],
  });
export type ResidencyRule = z.infer<typeof ResidencyRule>;

/** A file under rules/residency. The first rule that speaks of a record decides; what has no rule stays. */
export const ResidencyPolicy = z
  .strictObject({
    schema: SchemaVersion,
    jurisdiction: Jurisdiction,
    title: z.string().min(1),
    description: z.string().optional(),
    /** More fields that hold free text, beside the built-in ones (free-text.ts). */
    free_text_fields: z.array(z.string().min(1)).default([]),
    rules: z.array(ResidencyRule),
  })
  .superRefine((policy, context) => {
    const seen = new Set<string>();
    for (const [at, rule] of policy.rules.entries()) {
      if (seen.has(rule.name)) {
        context.addIssue({
          code: 'custom',
          message: `two rules are named \`${rule.name}\``,
          path: ['rules', at, 'name'],
        });
      }
      seen.add(rule.name);
    }
  });
export type ResidencyPolicy = z.infer<typeof ResidencyPolicy>;

/** True when a rule's destinations cover a jurisdiction. */
export function coversDestination(destinations: readonly string[], destination: string): boolean {
  return destinations.some(
    (covered) =>
      covered === '*' ||
      covered === destination ||
      (covered.endsWith('-*') && destination.startsWith(covered.slice(0, -1))),
  );
}
