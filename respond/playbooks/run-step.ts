// Works one step of a run to its next resting point: done, failed, or waiting for a person.
import { createHash } from 'node:crypto';
import type { Clock } from '../../platform/core/clock.ts';
import { PicketError } from '../../platform/core/errors.ts';
import type { PlaybookRun, RunStep } from '../../platform/core/playbook-run.ts';
import type { PostureEntry } from '../../platform/core/posture.ts';
import { findAction } from '../actions/registry.ts';
import type { Command, WorkflowStep } from './schema.ts';

/** What steps may do to the world; each call is safe to repeat with the same key. */
export interface StepEffects {
  /** Hands a message to every notifier; `key` makes it one message however often it is called. */
  notify(message: { key: string; text: string; run: PlaybookRun }): Promise<void>;
  /** Orders one leased change at a site; the entry in force, which is the first when it was ordered before. */
  orderChange(site: string, entry: PostureEntry): Promise<PostureEntry>;
}

/** A change as a run ordered it, kept in the step's output so that it can be told after its lease is over. */
export type OrderedChange = PostureEntry & { site: string };

/** How long a manual step waits for a decision when the playbook does not say. */
const DEFAULT_APPROVAL_MS = 24 * 3_600_000;

/** A CACAO variable reference, `__name__:value` (CACAO 2.0, section 10.18). */
const VARIABLE = /(__[a-z][a-z0-9_]*?__):value/g;

/** Puts a run's variables into a text. @throws PicketError PLAYBOOK_VARIABLE for one that is not set */
export function fillVariables(text: string, variables: Readonly<Record<string, unknown>>): string {
  return text.replace(VARIABLE, (_, name: string) => {
    const value = variables[name];
    if (value === undefined)
      throw new PicketError({ code: 'PLAYBOOK_VARIABLE', message: `variable ${name} is not set` });
    if (Array.isArray(value)) return value.join(', ');
    return typeof value === 'string' ? value : JSON.stringify(value);
  });
}

/** Id of a change: the same for the same step of the same run at the same site. */
export function changeId(run: string, step: string, site: string): string {
  return `change-${createHash('sha256').update(`${run}\n${step}\n${site}`).digest('hex').slice(0, 20)}`;
}

export type StepOutcome =
  | { readonly state: 'succeeded'; readonly output?: Record<string, unknown> }
  | { readonly state: 'waiting'; readonly approval: NonNullable<PlaybookRun['approval']> };

/**
 * Does what a step says. The caller has stored the step as `running` before, and stores the outcome after:
 * a kill in between does it again, which the effects' keys make harmless.
 * @throws PicketError when the step failed
 */
export async function runStep(options: {
  run: PlaybookRun;
  step: RunStep;
  definition: WorkflowStep;
  /** The step that a manual one guards: shown to the person who decides. */
  guarded: Command | undefined;
  effects: StepEffects;
  clock: Clock;
}): Promise<StepOutcome> {
  const { run, step, definition, effects, clock } = options;
  if (definition.type !== 'action') return { state: 'succeeded' };
  const [command] = definition.commands as [Command];
  switch (command.type) {
    case 'x-picket-notify':
      await effects.notify({
        key: `${run.id}:${step.id}`,
        text: fillVariables(command.command, run.variables),
        run,
      });
      return { state: 'succeeded' };
    case 'manual':
      return {
        state: 'waiting',
        approval: askFor({ ...options, command, timeout: definition.timeout ?? DEFAULT_APPROVAL_MS }),
      };
    case 'x-picket-posture': {
      const now = clock.now();
      const sites = run.variables['__sites__'] as string[];
      const changes: OrderedChange[] = [];
      for (const site of sites) {
        const entry: PostureEntry = {
          id: changeId(run.id, step.id, site),
          action: command.command,
          parameters: fillParameters(command, run.variables),
          owner: { run: run.id, ...(run.incident === undefined ? {} : { incident: run.incident }) },
          reason: `${run.playbook.name}: ${definition.name}`,
          not_before: new Date(now).toISOString(),
          lease_end: new Date(now + command.lease_ms).toISOString(),
        };
        changes.push({ ...(await effects.orderChange(site, entry)), site });
      }
      return { state: 'succeeded', output: { changes } };
    }
  }
}

function fillParameters(
  command: Extract<Command, { type: 'x-picket-posture' }>,
  variables: Record<string, unknown>,
): Record<string, unknown> {
  const filled = Object.fromEntries(
    Object.entries(command.parameters).map(([name, value]) => [
      name,
      typeof value === 'string' ? fillVariables(value, variables) : value,
    ]),
  );
  const checked = findAction(command.command)?.parameters.safeParse(filled);
  if (!checked?.success) {
    const reason = checked?.error.issues
      .map(({ path, message }) => `${path.join('.')}: ${message}`)
      .join('; ');
    throw new PicketError({ code: 'ACTION_PARAMETERS', message: reason ?? `no action ${command.command}` });
  }
  return checked.data;
}

function askFor(options: {
  run: PlaybookRun;
  step: RunStep;
  command: { command: string };
  guarded: Command | undefined;
  timeout: number;
  clock: Clock;
}): NonNullable<PlaybookRun['approval']> {
  const { run, step, command, guarded, timeout, clock } = options;
  const change =
    guarded?.type === 'x-picket-posture'
      ? {
          action: guarded.command,
          parameters: fillParameters(guarded, run.variables),
          sites: run.variables['__sites__'],
          lease_ms: guarded.lease_ms,
        }
      : {};
  const now = clock.now();
  return {
    step: step.id,
    question: fillVariables(command.command, run.variables),
    change,
    requested: new Date(now).toISOString(),
    expires: new Date(now + timeout).toISOString(),
  };
}
