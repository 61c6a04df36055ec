// A playbook run: the durable record of one execution, step by step, stored before each effect.
import { z } from 'zod';
import { Slug } from './names.ts';
import { SchemaVersion } from './schema-version.ts';

export const StepState = z.enum([
  'pending',
  'running',
  'waiting',
  'succeeded',
  'failed',
  'skipped',
  'timed-out',
]);
export type StepState = z.infer<typeof StepState>;

export const RunStep = z.object({
  /** CACAO workflow step id. */
  id: z.string(),
  name: z.string(),
  /** CACAO step type: start, end, action, playbook-action, if-condition, parallel… */
  type: z.string(),
  state: StepState,
  started: z.iso.datetime().optional(),
  ended: z.iso.datetime().optional(),
  input: z.record(z.string(), z.unknown()).optional(),
  output: z.record(z.string(), z.unknown()).optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
});
export type RunStep = z.infer<typeof RunStep>;

/** A question that a run waits for. */
export const Approval = z.object({
  step: z.string(),
  question: z.string(),
  /** What will change, in fields a person can read. */
  change: z.record(z.string(), z.unknown()),
  requested: z.iso.datetime(),
  expires: z.iso.datetime(),
  decision: z.enum(['approved', 'rejected', 'expired']).optional(),
  decided: z.iso.datetime().optional(),
  actor: z.string().optional(),
  reason: z.string().optional(),
});
export type Approval = z.infer<typeof Approval>;

export const PlaybookRun = z.object({
  schema: SchemaVersion,
  id: z.string(),
  tenant: Slug,
  playbook: z.object({ id: z.string(), name: z.string(), version: z.string() }),
  incident: z.string().optional(),
  state: z.enum(['running', 'waiting', 'succeeded', 'failed', 'cancelled', 'rejected']),
  /** Set when the incident's ground was withdrawn: nothing is undone, the lease is not renewed. */
  questioned: z.string().optional(),
  variables: z.record(z.string(), z.unknown()),
  steps: z.array(RunStep),
  approval: Approval.optional(),
  /** Why the run failed as a whole; a step's own error stands with the step. */
  error: z.object({ code: z.string(), message: z.string() }).optional(),
  started: z.iso.datetime(),
  updated: z.iso.datetime(),
  ended: z.iso.datetime().optional(),
  actor: z.string(),
});
export type PlaybookRun = z.infer<typeof PlaybookRun>;
