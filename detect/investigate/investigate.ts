// Investigates one incident: asks its plan of questions over the index side by side, and keeps what comes out as a record.
import { contentHash } from '../../platform/core/canonical-json.ts';
import type { Clock } from '../../platform/core/clock.ts';
import type { Entity } from '../../platform/core/entity.ts';
import type { Incident } from '../../platform/core/incident.ts';
import type { Answer, Investigation } from '../../platform/core/investigation.ts';
import { SCHEMA_VERSION } from '../../platform/core/schema-version.ts';
import { workBeside } from '../../platform/core/work-beside.ts';
import type { EventIndex } from '../../platform/index/event-index.ts';
import { type RecordStore, upsertRecord } from '../../platform/records/record-store.ts';
import { answerQuestion } from './answer-question.ts';
import type { Question } from './question.ts';
import { entitiesOf, orderFacts, writeAccount } from './write-account.ts';

export interface InvestigationBounds {
  /** Questions in all, and entities that one is asked about. */
  readonly questions: number;
  readonly entities: number;
  /** Questions asked side by side. */
  readonly parallel: number;
  readonly timeout_ms: number;
}

export const DEFAULT_BOUNDS: InvestigationBounds = {
  questions: 60,
  entities: 2,
  parallel: 3,
  timeout_ms: 60_000,
};

/** Of facts in a timeline. */
const MOST_FACTS = 500;

export interface Investigating {
  readonly index: Pick<EventIndex, 'search' | 'count' | 'topValues'>;
  readonly records: RecordStore;
  readonly clock: Clock;
  readonly questions: readonly Question[];
  readonly bounds?: InvestigationBounds;
}

/** What an investigation is made for: other alerts or other questions ask for another. */
export function fingerprintOf(incident: Incident, questions: readonly Question[]): string {
  const alerts = incident.alerts.map(({ id, count }) => [id, Math.ceil(Math.log2(count + 1))]);
  return contentHash([alerts, questions.map((question) => contentHash(question))]).slice(0, 32);
}

/** Which questions are asked about which entities, in the order of the questions. */
export function planQuestions(
  incident: Incident,
  questions: readonly Question[],
  bounds: InvestigationBounds,
): { asked: { question: Question; entity: Entity }[]; left_out: number } {
  const tactics = new Set(incident.threat.flatMap(({ tactic }) => tactic ?? []));
  const all = questions
    .filter((question) => question.tactics?.some((tactic) => tactics.has(tactic)) ?? true)
    .flatMap((question) =>
      entitiesOf(incident, question.about, bounds.entities).map((entity) => ({ question, entity })),
    );
  return { asked: all.slice(0, bounds.questions), left_out: Math.max(0, all.length - bounds.questions) };
}

/** Asks, writes and stores. A question that fails stands with its fault; the rest goes on. */
export async function investigate(
  options: Investigating & { incident: Incident; actor: string; signal?: AbortSignal },
): Promise<Investigation> {
  const { incident, questions, clock, records, bounds = DEFAULT_BOUNDS } = options;
  const began = clock.monotonic();
  const started = new Date(clock.now()).toISOString();
  const { asked, left_out } = planQuestions(incident, questions, bounds);
  const ended = AbortSignal.timeout(bounds.timeout_ms);
  const signal = options.signal ? AbortSignal.any([options.signal, ended]) : ended;
  const answers: Answer[] = [];
  await workBeside({
    items: asked,
    width: bounds.parallel,
    work: async ({ question, entity }, at) => {
      answers[at] = await answerQuestion({
        index: options.index,
        tenant: incident.tenant,
        question,
        entity,
        first: Date.parse(incident.first),
        last: Date.parse(incident.last),
        signal,
        monotonic: () => clock.monotonic(),
      });
    },
  });
  const investigation: Investigation = {
    schema: SCHEMA_VERSION,
    incident: incident.id,
    fingerprint: fingerprintOf(incident, questions),
    actor: options.actor,
    started,
    took_ms: Math.round(clock.monotonic() - began),
    answers,
    account: writeAccount({ incident, answers, questions }),
    timeline: orderFacts({ incident, answers, limit: MOST_FACTS }),
    left_out,
  };
  await upsertRecord<Investigation>({
    store: records,
    collection: 'investigations',
    id: incident.id,
    change: () => investigation,
  });
  return investigation;
}
