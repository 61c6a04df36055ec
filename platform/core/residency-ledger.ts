// What residency decided, counted: the ground of the residency report.
import { z } from 'zod';
import { Jurisdiction, Slug } from './names.ts';
import { SchemaVersion } from './schema-version.ts';

/** What a residency rule does to a field. */
export const FieldAct = z.enum(['drop', 'mask', 'hash']);
export type FieldAct = z.infer<typeof FieldAct>;

/** Counts over one span of processing at one site, per what (event class or derived kind), dataset, rule and outcome. */
export const ResidencyLedgerEntry = z.object({
  schema: SchemaVersion,
  /** Hash of site, first and last input position: counted once, however often it is sent. */
  id: z.string(),
  tenant: Slug,
  site: Slug,
  jurisdiction: Jurisdiction,
  destination: Jurisdiction,
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  /** Content hash of the residency file in force. */
  policy_version: z.string(),
  counts: z.array(
    z.object({
      kind: z.enum(['event', 'alert']),
      class: z.string(),
      dataset: z.string(),
      /** Name of the deciding rule; `default` when none spoke (then it stayed). */
      rule: z.string(),
      outcome: z.enum(['left', 'stayed']),
      records: z.number().int(),
      bytes: z.number().int(),
    }),
  ),
  fields: z.array(
    z.object({
      class: z.string(),
      field: z.string(),
      act: FieldAct,
      rule: z.string(),
      values: z.number().int(),
    }),
  ),
});
export type ResidencyLedgerEntry = z.infer<typeof ResidencyLedgerEntry>;
