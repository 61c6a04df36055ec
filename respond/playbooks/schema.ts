// The part of a CACAO 2.0 playbook that Picket works today, as a strict schema; what is outside is refused by name.
import { z } from 'zod';
import { Level } from '../../platform/core/names.ts';

/** Extension id under which our trigger stands in `extensions` (CACAO 2.0, section 4.13: extension definitions). */
export const TRIGGER_EXTENSION = 'extension-definition--6f2b6f0c-5f0e-4a7e-9a42-6d1f4f3d2c11';

const StepId = z
  .string()
  .regex(
    /^(?:start|end|action|if-condition|parallel|playbook-action|switch-condition|while-condition)--[0-9a-f-]{36}$/,
  );

/** CACAO `manual`: a person is asked and decides. */
const ManualCommand = z.strictObject({ type: z.literal('manual'), command: z.string() });
/** Sends a message through every configured notifier. The command-type vocabulary of CACAO is open (command-type-ov). */
const NotifyCommand = z.strictObject({ type: z.literal('x-picket-notify'), command: z.string() });
/** Orders a leased change through the posture of the step's target sites; `command` is an action id. */
const PostureCommand = z.strictObject({
  type: z.literal('x-picket-posture'),
  command: z.string(),
  parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  lease_ms: z.number().int().min(1_000),
});
export const Command = z.discriminatedUnion('type', [ManualCommand, NotifyCommand, PostureCommand]);
export type Command = z.infer<typeof Command>;

const StartStep = z.strictObject({
  type: z.literal('start'),
  name: z.string().optional(),
  on_completion: StepId,
});
const EndStep = z.strictObject({ type: z.literal('end'), name: z.string().optional() });
const ActionStep = z.strictObject({
  type: z.literal('action'),
  name: z.string(),
  description: z.string().optional(),
  commands: z.array(Command).length(1),
  agent: z.string().optional(),
  /** CACAO `timeout`, ms: how long a manual step waits. */
  timeout: z.number().int().min(1_000).optional(),
  on_completion: StepId.optional(),
  on_success: StepId.optional(),
  on_failure: StepId.optional(),
});
export const WorkflowStep = z.discriminatedUnion('type', [StartStep, EndStep, ActionStep]);
export type WorkflowStep = z.infer<typeof WorkflowStep>;

/** When a playbook starts by itself: an incident is made or rises to `level`, and holds an entity of the kind asked for. */
export const Trigger = z.strictObject({
  type: z.literal('picket-trigger'),
  on: z.literal('incident'),
  level: Level,
  /** KQL over the incident, e.g. `threat.tactic: command-and-control`. */
  where: z.string().optional(),
  requires: z.enum(['public-address']).optional(),
});
export type Trigger = z.infer<typeof Trigger>;

export const Playbook = z.strictObject({
  type: z.literal('playbook'),
  spec_version: z.literal('cacao-2.0'),
  id: z.string().regex(/^playbook--[0-9a-f-]{36}$/),
  name: z.string(),
  description: z.string().optional(),
  playbook_types: z.array(z.string()).optional(),
  created_by: z.string(),
  created: z.iso.datetime(),
  modified: z.iso.datetime(),
  revoked: z.boolean().optional(),
  labels: z.array(z.string()).optional(),
  external_references: z.array(z.looseObject({ name: z.string() })).optional(),
  workflow_start: StepId,
  workflow: z.record(StepId, WorkflowStep),
  agent_definitions: z.record(z.string(), z.looseObject({ type: z.string(), name: z.string() })).optional(),
  extension_definitions: z
    .record(z.string(), z.looseObject({ type: z.literal('extension-definition'), name: z.string() }))
    .optional(),
  extensions: z
    .strictObject({ [TRIGGER_EXTENSION]: Trigger })
    .partial()
    .optional(),
});
export type Playbook = z.infer<typeof Playbook>;
