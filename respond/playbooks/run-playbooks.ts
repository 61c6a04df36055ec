// Starts playbooks for incidents as they come, and works runs on: those unfinished at the start, and those that people decided.
import type { Bus } from '../../platform/bus/bus.ts';
import type { Clock } from '../../platform/core/clock.ts';
import { equals } from '../../platform/core/expression/expression.ts';
import { Incident } from '../../platform/core/incident.ts';
import type { Logger } from '../../platform/core/log.ts';
import type { PlaybookRun } from '../../platform/core/playbook-run.ts';
import { TOPICS } from '../../platform/core/topics.ts';
import type { RecordStore } from '../../platform/records/record-store.ts';
import { decideRun } from './decide-run.ts';
import type { LoadedPlaybook } from './load-playbooks.ts';
import { questionRuns } from './question-runs.ts';
import type { StepEffects } from './run-step.ts';
import { runsOfCase, triggerPlaybooks } from './trigger-playbooks.ts';
import { createRunWorker } from './work-run.ts';

/** The consumer group that starts playbooks. */
export const PLAYBOOK_GROUP = 'playbooks';

export interface PlaybookRunner {
  /** Finishes the steps in hand; what is not done is resumed at the next start. */
  stop(): Promise<void>;
}

/** How often waiting runs are looked at for an approval that expired. */
const EXPIRY_CHECK_MS = 10_000;

const LOOK_AGAIN_MS = 500;

/** Consumes incidents, starts what is triggered once an incident, and resumes unfinished runs. */
export async function startPlaybookRunner(options: {
  bus: Bus;
  records: RecordStore;
  playbooks: readonly LoadedPlaybook[];
  effects: StepEffects;
  clock: Clock;
  logger: Logger;
}): Promise<PlaybookRunner> {
  const { bus, records, playbooks, effects, clock, logger } = options;
  const worker = createRunWorker({ records, playbooks, effects, clock, logger });
  const iso = (): string => new Date(clock.now()).toISOString();
  /** Runs in hand in this process, so that a run is worked by one loop at a time. */
  const inHand = new Map<string, Promise<void>>();
  /** Runs that wait for their turn behind the loop in hand. */
  const queued = new Set<string>();

  async function startFor(incident: Incident): Promise<void> {
    const now = clock.now();
    for (const run of await triggerPlaybooks({ records, playbooks, incident, now })) {
      logger.info({ run: run.id, playbook: run.playbook.name, incident: incident.id }, 'playbook started');
      work(run.id);
    }
  }

  /** A case that was merged into another asks no second time what the other asks already. */
  async function withdrawDoubled(incident: Incident): Promise<void> {
    const into = incident.merged_into as string;
    const runs = await runsOfCase({ records, incident: into });
    for (const run of runs.filter(({ incident: id, state }) => id === incident.id && state === 'waiting')) {
      const other = runs.some(({ incident: id, playbook }) => id === into && playbook.id === run.playbook.id);
      if (!other) continue;
      await worker.change(run.id, (current) => {
        if (current.state !== 'waiting') return undefined;
        return {
          ...current,
          state: 'cancelled',
          ended: iso(),
          questioned: `its incident was merged into ${into}`,
        };
      });
    }
  }

  /** Works a run in the background until it rests; told of it meanwhile, once more after that. */
  function work(id: string): void {
    if (queued.has(id)) return;
    queued.add(id);
    const next = (inHand.get(id) ?? Promise.resolve())
      .then(() => {
        queued.delete(id);
        return worker.advance(id);
      })
      .catch((error: unknown) =>
        logger.error({ err: error, run: id }, 'run stopped by an error; it resumes at the next start'),
      )
      .finally(() => {
        if (inHand.get(id) === next) inHand.delete(id);
      });
    inHand.set(id, next);
  }

  async function expireApprovals(): Promise<void> {
    const { records: waiting } = await records.query<PlaybookRun>('runs', {
      where: equals('state', 'waiting'),
      limit: 1_000,
    });
    for (const { value } of waiting) {
      if (value.approval && Date.parse(value.approval.expires) <= clock.now()) {
        await decideRun({ records, clock, run: value.id, decision: 'expired', actor: 'picket' });
      }
    }
  }

  /** Cases to look at again, gathered for a moment: a busy case changes many times a second. */
  const again = new Set<string>();
  let lookTimer: NodeJS.Timeout | undefined;
  let looking: Promise<void> = Promise.resolve();
  function lookAgain(id: string): void {
    again.add(id);
    lookTimer ??= setTimeout(() => {
      lookTimer = undefined;
      const ids = [...again];
      again.clear();
      looking = lookAt(ids).catch((error: unknown) =>
        logger.error({ err: error }, 'incidents not looked at again'),
      );
    }, LOOK_AGAIN_MS);
  }
  async function lookAt(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const incident = (await records.get<Incident>('incidents', id))?.value;
      if (incident?.merged_into !== undefined) await withdrawDoubled(incident);
      else if (incident?.announced) {
        await questionRuns({ records, incident, playbooks, worker, effects });
        await startFor(incident);
      }
    }
  }

  const { records: unfinished } = await records.query<PlaybookRun>('runs', {
    where: equals('state', 'running'),
    limit: 10_000,
  });
  for (const { id } of unfinished) work(id);

  const timer = setInterval(() => {
    expireApprovals().catch((error: unknown) => logger.error({ err: error }, 'approvals not checked'));
  }, EXPIRY_CHECK_MS);
  timer.unref();

  const consumer = bus.consume({
    group: PLAYBOOK_GROUP,
    topics: [TOPICS.incidents],
    handle: async ({ records: batch }) => {
      for (const message of batch) {
        const incident = parseIncident(message.value);
        if (incident) await startFor(incident);
        else
          await bus.deadLetter(message, {
            stage: 'notify',
            code: 'INCIDENT_INVALID',
            message: 'not an incident that this version reads',
          });
      }
    },
    onError: (error) => logger.error({ err: error }, 'incident not worked; it comes again'),
  });

  // An announced case may get its target (a public address, say) by a later alert, which is announced to no one.
  const stopWatching = records.watch(({ collection, id }) => {
    if (collection === 'incidents') lookAgain(id);
    // Decided, here or by a process that serves the API.
    if (collection === 'runs') work(id);
  });

  return {
    stop: async () => {
      stopWatching();
      clearInterval(timer);
      clearTimeout(lookTimer);
      await consumer.stop();
      await looking;
      await Promise.all(inHand.values());
    },
  };
}

function parseIncident(bytes: Uint8Array): Incident | undefined {
  try {
    return Incident.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return undefined;
  }
}
