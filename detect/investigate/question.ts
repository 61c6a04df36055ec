// A question of rules/investigation: what is asked about which entities of a case, over which time, and how the answer is put.
import { z } from 'zod';
import { EntityType } from '../../platform/core/entity.ts';
import { Bilingual } from '../../platform/core/investigation.ts';

const SPAN_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `30m`, `6h`, `7d`; in ms. */
const Span = z
  .string()
  .regex(/^[1-9]\d*[mhd]$/, 'must be like `30m`, `6h` or `7d`')
  .transform((text) => Number(text.slice(0, -1)) * SPAN_MS[text.slice(-1) as keyof typeof SPAN_MS]);

export const Question = z.strictObject({
  /** Lower case with hyphens; unique. */
  id: z.string().regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/),
  title: Bilingual,
  /** Asked about each entity of these types that the case names. */
  about: z.array(EntityType).min(1),
  /** Only of cases whose alerts name one of these tactics (ATT&CK, as Sigma writes them). */
  tactics: z.array(z.string()).optional(),
  /** How far before the case's first event and after its last one it looks. */
  before: Span,
  after: Span,
  /** KQL; `{entity}` is put in quoted, `{1}` and `{2}` are its parts around the first `/`. */
  where: z.string().min(1),
  /** The field whose most frequent values answer; without it the events themselves do. */
  field: z.string().optional(),
  /** Fewer distinct values or (without a field) events than this are no answer. */
  at_least: z.number().int().min(1).default(1),
  /** `{entity}`, `{count}`, `{values}`, `{first}`, `{last}`. */
  found: Bilingual,
  /** Said when nothing was found; left out, the account is silent about it. */
  nothing: Bilingual.optional(),
});
export type Question = z.infer<typeof Question>;

/** A quoted text of KQL, or a placeholder outside of one. */
const PIECE = /"(?:\\.|[^"\\])*"|\{(?:entity|1|2)\}/gs;
const PLACEHOLDER = /\{(entity|1|2)\}/g;

/**
 * The query with its placeholders filled: within quotes as part of the quoted text, elsewhere as a quoted text of its
 * own, so that no value can change what is asked.
 */
export function bindQuery(where: string, value: string): string {
  const cut = value.indexOf('/');
  const parts: Readonly<Record<string, string>> = {
    entity: value,
    '1': cut < 0 ? value : value.slice(0, cut),
    '2': cut < 0 ? value : value.slice(cut + 1),
  };
  const fill = (text: string): string =>
    text.replaceAll(PLACEHOLDER, (_, name: string) =>
      (parts[name] as string).replaceAll('\\', '\\\\').replaceAll('"', '\\"'),
    );
  return where.replaceAll(PIECE, (piece) => (piece.startsWith('"') ? fill(piece) : `"${fill(piece)}"`));
}
