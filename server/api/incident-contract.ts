// Shapes of what people do to incidents over the API: merging, splitting, tasks, evidence, and the figures of many.
import { z } from 'zod';
import { IncidentEvidence } from '../../platform/core/incident.ts';
import { Investigation } from '../../platform/core/investigation.ts';

const Reason = z.string().min(1).max(1_000);

export const IncidentMerge = z.strictObject({ with: z.string().min(1), reason: Reason });
export type IncidentMerge = z.infer<typeof IncidentMerge>;

/** One alert alone is detached. */
export const IncidentSplit = z.strictObject({
  alerts: z.array(z.string().min(1)).min(1).max(10_000),
  reason: Reason,
});
export type IncidentSplit = z.infer<typeof IncidentSplit>;

export const IncidentUnmerge = z.strictObject({ link: z.string().min(1), reason: Reason });
export type IncidentUnmerge = z.infer<typeof IncidentUnmerge>;

export const NewTask = z.strictObject({
  title: z.string().min(1).max(500),
  assignee: z.string().max(200).optional(),
});
export type NewTask = z.infer<typeof NewTask>;

export const TaskChange = z.strictObject({
  state: z.enum(['open', 'done']).optional(),
  assignee: z.string().max(200).optional(),
});
export type TaskChange = z.infer<typeof TaskChange>;

export const NewEvidence = z
  .strictObject({
    kind: IncidentEvidence.shape.kind,
    ref: z.string().min(1).max(2_000),
    note: z.string().max(2_000).default(''),
  })
  .refine(({ kind, ref }) => kind !== 'file' || /^[0-9a-f]{64}$/i.test(ref), {
    path: ['ref'],
    error: 'a file is named by its SHA-256, 64 hexadecimal digits',
  })
  .refine(({ kind, ref }) => kind !== 'link' || /^https?:\/\//.test(ref), {
    path: ['ref'],
    error: 'a link begins with http:// or https://',
  });
export type NewEvidence = z.infer<typeof NewEvidence>;

const SpreadView = z.object({
  count: z.number().int(),
  p50_ms: z.number().optional(),
  p90_ms: z.number().optional(),
});
export const IncidentMetrics = z.object({
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  incidents: z.number().int(),
  detect: SpreadView,
  acknowledge: SpreadView,
  contain: SpreadView,
  close: SpreadView,
});
export type IncidentMetrics = z.infer<typeof IncidentMetrics>;

/** Empty until the incident was asked about. */
export const InvestigationView = z.object({ investigation: Investigation.optional() });
export type InvestigationView = z.infer<typeof InvestigationView>;
