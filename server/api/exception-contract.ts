// The API's shapes for exceptions: lists, drafts from alerts, previews over history.
import { z } from 'zod';
import { MatchSampleView, RefusedRule } from './rule-contract.ts';

export const ExceptionView = z.object({
  id: z.string(),
  title: z.string(),
  author: z.string(),
  reason: z.string(),
  /** `idle`: no rule in force is what it is for. */
  state: z.enum(['active', 'expired', 'idle']),
  expires: z.string().optional(),
  /** Ids of the rules in force that it narrows. */
  rules: z.array(z.string()),
  suppressed: z.number().int(),
  last_suppressed: z.string().optional(),
  /** Where the site's configuration holds it; without one it was made through the API. */
  file: z.string().optional(),
  created: z.string().optional(),
  /** Who made it through the API. */
  actor: z.string().optional(),
});
export type ExceptionView = z.infer<typeof ExceptionView>;
export const ExceptionList = z.object({ exceptions: z.array(ExceptionView), refused: z.array(RefusedRule) });
export type ExceptionList = z.infer<typeof ExceptionList>;
export const ExceptionDetail = ExceptionView.extend({
  text: z.string(),
  by_rule: z.record(z.string(), z.number().int()),
  /** The latest matches that it hid, newest first. */
  latest: z.array(
    z.object({
      rule: z.string(),
      rule_name: z.string(),
      event: z.string(),
      timestamp: z.string(),
      site: z.string(),
      dataset: z.string(),
      summary: z.string(),
    }),
  ),
});
export type ExceptionDetail = z.infer<typeof ExceptionDetail>;

const ExceptionText = z.string().min(1).max(100_000);
/** A Sigma filter with `author` and `picket: { reason, expires }`. */
export const ExceptionBody = z.strictObject({
  text: ExceptionText,
  /** Needed for one without `expires`. */
  permanent: z.literal(true).optional(),
});

/** What an exception would have hidden of stored history. */
export const ExceptionPreviewRequest = z.strictObject({
  text: ExceptionText,
  from: z.iso.datetime(),
  to: z.iso.datetime().optional(),
  samples: z.number().int().min(0).max(100).default(5),
});
export const ExceptionPreview = z.object({
  from: z.string(),
  to: z.string(),
  complete: z.boolean(),
  /** Matches of its rules, and how many of them it hides. */
  matches: z.number().int(),
  hidden: z.number().int(),
  /** Alerts of the rules and of correlations over them, without it and with it. */
  alerts_before: z.number().int(),
  alerts_after: z.number().int(),
  rules: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      matches: z.number().int(),
      hidden: z.number().int(),
      alerts_before: z.number().int(),
      alerts_after: z.number().int(),
      samples: z.array(MatchSampleView),
    }),
  ),
});
export type ExceptionPreview = z.infer<typeof ExceptionPreview>;

/** An exception from the values of an alert. */
export const ExceptionDraftRequest = z.strictObject({
  alert: z.string().min(1).max(512),
  /** Of those in `fields` of the answer; the ones marked there when left out. */
  fields: z.array(z.string().min(1).max(500)).min(1).max(50).optional(),
  title: z.string().min(1).max(200).optional(),
  reason: z.string().min(1).max(2_000).optional(),
  expires: z.union([z.iso.date(), z.iso.datetime()]).optional(),
});
export const ExceptionDraft = z.object({
  id: z.string(),
  text: z.string(),
  /** Values of the alert that an exception can name. */
  fields: z.array(z.object({ field: z.string(), value: z.string(), chosen: z.boolean() })),
  /** The site that works the rule for this alert: where an exception has to be made. */
  site: z.string(),
  here: z.boolean(),
});
export type ExceptionDraft = z.infer<typeof ExceptionDraft>;
