// Writes what an investigation found as plain sentences in two languages, each with what it stands on; and one timeline.
import { entityKey } from '../../platform/core/entity.ts';
import type { Incident } from '../../platform/core/incident.ts';
import type { Answer, Bilingual, Fact, Statement } from '../../platform/core/investigation.ts';
import { LEVELS } from '../../platform/core/names.ts';
import type { Question } from './question.ts';

const LEVEL_ZH = { informational: '信息', low: '低', medium: '中', high: '高', critical: '严重' } as const;

/** First what the case is, then what was found, in the order of the questions, then what was not. */
export function writeAccount(options: {
  incident: Incident;
  answers: readonly Answer[];
  questions: readonly Question[];
}): Statement[] {
  const { incident, answers } = options;
  const questions = new Map(options.questions.map((question) => [question.id, question]));
  const statements = [describeCase(incident)];
  for (const answer of answers) {
    const question = questions.get(answer.question);
    const template =
      answer.state === 'found' ? question?.found : answer.state === 'nothing' ? question?.nothing : undefined;
    if (!template) continue;
    statements.push({
      text: fillBoth(template, answer),
      alerts: [],
      events: answer.events.map(({ id }) => id),
      search: answer.search,
    });
  }
  return statements;
}

function describeCase(incident: Incident): Statement {
  const { alerts, sites } = incident;
  const rules = new Set(alerts.map(({ rule_id }) => rule_id)).size;
  const gravest = [...alerts].sort((a, b) => LEVELS.indexOf(b.level) - LEVELS.indexOf(a.level))[0];
  const [first, last] = [minuteOf(incident.first), minuteOf(incident.last)];
  const places = sites.join(', ');
  const name = gravest?.rule_name ?? incident.title;
  return {
    text: {
      en: `From ${first} to ${last} UTC, ${count(alerts.length, 'alert')} of ${count(rules, 'rule')} at ${places}; the gravest is “${name}” (${incident.level}).`,
      zh: `${first} 至 ${last}（UTC），${places} 出现 ${alerts.length} 条告警，涉及 ${rules} 条规则；最严重的是“${name}”（${LEVEL_ZH[incident.level]}）。`,
    },
    alerts: alerts.map(({ id }) => id),
    events: [],
  };
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}

function minuteOf(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 16)}`;
}

function fillBoth({ en, zh }: Bilingual, answer: Answer): Bilingual {
  return { en: fill(en, answer, ', '), zh: fill(zh, answer, '、') };
}

function fill(template: string, answer: Answer, comma: string): string {
  const events = answer.events;
  const values: Readonly<Record<string, string>> = {
    entity: answer.entity?.value ?? '',
    count: answer.exact ? String(answer.count) : `≤ ${answer.count}`,
    values: answer.values.map(({ value, count: times }) => `${value} (${times})`).join(comma),
    first: events[0] ? minuteOf(events[0].timestamp) : '',
    last: events.at(-1) ? minuteOf((events.at(-1) as { timestamp: string }).timestamp) : '',
  };
  return template.replaceAll(
    /\{(entity|count|values|first|last)\}/g,
    (_, name: string) => values[name] ?? '',
  );
}

/** The case's alerts and the events that were found, each once, oldest first; at most `limit`, the latest left out. */
export function orderFacts(options: {
  incident: Incident;
  answers: readonly Answer[];
  limit: number;
}): Fact[] {
  const facts = new Map<string, Fact>();
  for (const alert of options.incident.alerts)
    facts.set(`alert ${alert.id}`, {
      at: alert.first,
      kind: 'alert',
      site: alert.site,
      text: alert.rule_name,
      ref: alert.id,
    });
  for (const { question, events } of options.answers)
    for (const event of events) {
      const key = `event ${event.id}`;
      if (facts.has(key)) continue;
      facts.set(key, {
        at: event.timestamp,
        kind: 'event',
        site: event.site,
        text: event.summary,
        ref: event.id,
        question,
      });
    }
  return [...facts.values()]
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at) || (a.ref < b.ref ? -1 : 1))
    .slice(0, options.limit);
}

/** Entities to ask about: those that hold the case together first, then as the case lists them. */
export function entitiesOf(
  incident: Incident,
  types: Question['about'],
  limit: number,
): Incident['entities'] {
  const joined = new Map<string, number>();
  for (const { entity } of incident.joins)
    if (entity) joined.set(entityKey(entity), (joined.get(entityKey(entity)) ?? 0) + 1);
  const fitting = new Map(
    incident.entities.filter(({ type }) => types.includes(type)).map((entity) => [entityKey(entity), entity]),
  );
  return [...fitting]
    .sort(([a], [b]) => (joined.get(b) ?? 0) - (joined.get(a) ?? 0))
    .slice(0, limit)
    .map(([, entity]) => entity);
}
