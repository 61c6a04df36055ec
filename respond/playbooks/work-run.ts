// Works one run from where it rests to where it rests next, each step stored before and after its effect.
import type { Clock } from '../../platform/core/clock.ts';
import { describeError, errorCode } from '../../platform/core/errors.ts';
import type { Logger } from '../../platform/core/log.ts';
import type { PlaybookRun, RunStep } from '../../platform/core/playbook-run.ts';
import type { RecordStore } from '../../platform/records/record-store.ts';
import { changeRun } from './change-run.ts';
import type { LoadedPlaybook } from './load-playbooks.ts';
import { runStep, type StepEffects } from './run-step.ts';
import type { Command } from './schema.ts';

export interface RunWorker {
  /** Works a run until it waits, ends, or is found resting. Never two at once for one run. */
  advance(id: string): Promise<void>;
  /** Changes a stored run; `edit` returning undefined leaves it. @throws PicketError RUN_NOT_FOUND and what `edit` throws */
  change(id: string, edit: (run: PlaybookRun) => PlaybookRun | undefined): Promise<PlaybookRun>;
}

export function createRunWorker(options: {
  records: RecordStore;
  playbooks: readonly LoadedPlaybook[];
  effects: StepEffects;
  clock: Clock;
  logger: Logger;
}): RunWorker {
  const { records, playbooks, effects, clock, logger } = options;
  const iso = (): string => new Date(clock.now()).toISOString();

  async function advance(id: string): Promise<void> {
    for (;;) {
      const record = await records.get<PlaybookRun>('runs', id);
      if (!record || record.value.state !== 'running') return;
      const run = record.value;
      const loaded = playbooks.find(({ playbook }) => playbook.id === run.playbook.id);
      if (!loaded || loaded.version !== run.playbook.version) {
        await finish(id, 'failed', {
          code: 'PLAYBOOK_CHANGED',
          message: 'the playbook was changed or removed while it ran',
        });
        return;
      }
      const stepId = nextStep(loaded, run);
      if (stepId === undefined) {
        await finish(id, run.steps.some(({ state }) => state === 'failed') ? 'failed' : 'succeeded');
        return;
      }
      const definition = loaded.playbook.workflow[stepId];
      if (!definition) return;
      const step: RunStep = {
        id: stepId,
        name: definition.name ?? definition.type,
        type: definition.type,
        state: 'running',
        started: iso(),
      };
      await change(id, (current) => setStep(current, step));
      try {
        const outcome = await runStep({
          run,
          step,
          definition,
          guarded: guardedCommand(loaded, stepId),
          effects,
          clock,
        });
        if (outcome.state === 'waiting') {
          await change(id, (current) => ({
            ...setStep(current, { ...step, state: 'waiting' }),
            state: 'waiting',
            approval: outcome.approval,
          }));
          return;
        }
        const { output } = outcome;
        await change(id, (current) =>
          setStep(current, { ...step, state: 'succeeded', ended: iso(), ...(output ? { output } : {}) }),
        );
      } catch (error) {
        const failure = { code: errorCode(error), message: describeError(error) };
        await change(id, (current) =>
          setStep(current, { ...step, state: 'failed', ended: iso(), error: failure }),
        );
      }
    }
  }

  async function finish(
    id: string,
    state: PlaybookRun['state'],
    error?: { code: string; message: string },
  ): Promise<void> {
    await change(id, (run) => ({
      ...run,
      state,
      ended: iso(),
      ...(error ? { error } : {}),
    }));
    logger.info({ run: id, state }, 'playbook ended');
  }

  const change: RunWorker['change'] = (id, edit) => changeRun({ records, clock, id, edit });

  return { advance, change };
}

/** The step to work next: the first when nothing ran, the one that was cut short, else where the last one leads. */
function nextStep({ playbook }: LoadedPlaybook, run: PlaybookRun): string | undefined {
  const last = run.steps.at(-1);
  if (!last) return playbook.workflow_start;
  if (last.state === 'running') return last.id;
  const definition = playbook.workflow[last.id];
  if (!definition || definition.type === 'end') return undefined;
  if (definition.type === 'start') return definition.on_completion;
  if (definition.on_completion !== undefined)
    return last.state === 'succeeded' ? definition.on_completion : undefined;
  return last.state === 'succeeded' ? definition.on_success : definition.on_failure;
}

/** The run with a step put in or replaced; when it began is kept. */
export function setStep(run: PlaybookRun, step: RunStep): PlaybookRun {
  const steps = run.steps.some(({ id }) => id === step.id)
    ? run.steps.map((held) =>
        held.id === step.id ? ({ ...step, started: held.started ?? step.started } as RunStep) : held,
      )
    : [...run.steps, step];
  return { ...run, steps };
}

/** The command that follows a step on success: what an approval is about. */
function guardedCommand({ playbook }: LoadedPlaybook, stepId: string): Command | undefined {
  const definition = playbook.workflow[stepId];
  if (definition?.type !== 'action') return undefined;
  const next = playbook.workflow[definition.on_success ?? definition.on_completion ?? ''];
  return next?.type === 'action' ? next.commands[0] : undefined;
}
