// A decision about a waiting run, written into its record: whichever process works runs goes on from there.
import type { Clock } from '../../platform/core/clock.ts';
import { PicketError } from '../../platform/core/errors.ts';
import type { PlaybookRun, RunStep } from '../../platform/core/playbook-run.ts';
import type { RecordStore } from '../../platform/records/record-store.ts';
import { changeRun } from './change-run.ts';
import { setStep } from './work-run.ts';

/** One that comes after the approval's time counts as expired. @throws PicketError RUN_NOT_FOUND, RUN_NOT_WAITING */
export function decideRun(options: {
  records: RecordStore;
  clock: Clock;
  run: string;
  decision: 'approved' | 'rejected' | 'expired';
  actor: string;
  reason?: string | undefined;
}): Promise<PlaybookRun> {
  const { records, clock, decision, actor, reason } = options;
  const decide = (current: PlaybookRun): PlaybookRun => {
    const { approval } = current;
    if (current.state !== 'waiting' || !approval) {
      throw new PicketError({
        code: 'RUN_NOT_WAITING',
        message: `run ${current.id} waits for no decision: it is ${current.state}`,
      });
    }
    const late = decision !== 'expired' && Date.parse(approval.expires) <= clock.now();
    const verdict = late ? 'expired' : decision;
    const now = new Date(clock.now()).toISOString();
    const decided = { ...approval, decision: verdict, decided: now, actor, ...(reason ? { reason } : {}) };
    const step = current.steps.find(({ id }) => id === approval.step) as RunStep;
    if (verdict === 'approved') {
      return {
        ...setStep(current, { ...step, state: 'succeeded', ended: now, output: { actor } }),
        state: 'running',
        approval: decided,
      };
    }
    const state = verdict === 'expired' ? 'timed-out' : 'failed';
    return {
      ...setStep(current, { ...step, state, ended: now }),
      state: 'rejected',
      ended: now,
      approval: decided,
    };
  };
  return changeRun({ records, clock, id: options.run, edit: decide });
}
