// An incident is asked about over a real index: the right answers, sentences that stand on stored events, faults that stop nothing.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_BOUNDS, investigate, planQuestions } from '../../../detect/investigate/investigate.ts';
import { loadQuestions } from '../../../detect/investigate/load-questions.ts';
import { bindQuery, Question } from '../../../detect/investigate/question.ts';
import { startInvestigator } from '../../../detect/investigate/start-investigator.ts';
import { loadEntityTable } from '../../../detect/worker/entity-table.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import type { PicketEvent } from '../../../platform/core/event.ts';
import { compileExpression } from '../../../platform/core/expression/compile.ts';
import type { Incident } from '../../../platform/core/incident.ts';
import type { Investigation } from '../../../platform/core/investigation.ts';
import { parseKql } from '../../../platform/core/kql/parse-kql.ts';
import { silentLogger } from '../../../platform/core/log.ts';

import type { EventIndex } from '../../../platform/index/event-index.ts';
import { openIndex } from '../../../platform/index/open-index.ts';
import { openEmbeddedRecords } from '../../../platform/records/embedded/open-embedded-records.ts';
import type { RecordStore } from '../../../platform/records/record-store.ts';
import { createLineNormaliser } from '../../../server/commands/normalise-line.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const QUESTIONS = join(ROOT, 'rules', 'investigation');
const { questions, refused } = loadQuestions(QUESTIONS);

let folder = '';
let index: EventIndex;
let records: RecordStore;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'picket-investigate-'));
  index = await openIndex({ engine: 'embedded', folder: join(folder, 'index') });
  records = await openEmbeddedRecords({ folder: join(folder, 'records'), clock: systemClock });
});
afterEach(async () => {
  await index.close();
  await records.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The recorded attack of the demo: a shell from a Java program in a pod, and what it did (demo/recordings). */
async function storeAttack(): Promise<PicketEvent[]> {
  const normalise = createLineNormaliser('falco');
  const lines = readFileSync(join(ROOT, 'demo', 'recordings', 'falco.ndjson'), 'utf8').split('\n');
  const events = lines
    .filter((line) => line !== '')
    .flatMap((line) => normalise(Buffer.from(line)) as unknown as PicketEvent[]);
  await index.write(
    events.map((event) => ({
      id: event.event.id,
      tenant: event.picket.tenant,
      dataset: event.event.dataset,
      jurisdiction: event.picket.jurisdiction,
      timestamp: event['@timestamp'],
      time: event.picket.time,
      body: Buffer.from(JSON.stringify(event)),
    })),
  );
  return events;
}

function caseOf(events: readonly PicketEvent[]): Incident {
  const table = loadEntityTable(join(ROOT, 'rules', 'entities', 'entity-fields.yaml'));
  const times = events.map((event) => event['@timestamp']).sort();
  const at = new Date().toISOString();
  const [first, last] = [times[0] ?? at, times.at(-1) ?? at];
  return {
    schema: 1,
    id: 'case',
    tenant: 'local',
    title: 'A shell',
    level: 'critical',
    status: 'open',
    sites: ['local'],
    jurisdictions: ['zz'],
    alerts: [
      {
        id: 'alert-1',
        rule_id: 'r',
        rule_name: 'Shell Started By A Server Program In A Container',
        level: 'critical',
        site: 'local',
        jurisdiction: 'zz',
        first,
        last,
        count: Math.max(1, events.length),
      },
    ],
    joins: [],
    entities: events.flatMap((event) => table.entitiesOf(event)),
    threat: [{ tactic: 'execution', technique: 'T1059' }],
    first,
    last,
    created: at,
    updated: at,
    notes: [],
    quiet: false,
  };
}

describe('the questions of our own', () => {
  it('load without a refusal, a dozen and more, each in both languages', () => {
    expect(refused).toEqual([]);
    expect(questions.length).toBeGreaterThanOrEqual(12);
    for (const { title, found } of questions) {
      expect(found.en).toMatch(/[.]$/);
      expect(found.zh).toMatch(/[。]$/);
      expect(title.zh).toMatch(/\p{Script=Han}/u);
    }
  });

  it('that are wrong are refused with their place, and the others go on', () => {
    const own = join(folder, 'questions');
    mkdirSync(own);
    const good = readFileSync(join(QUESTIONS, '01-programs-on-host.yml'), 'utf8');
    const write = (name: string, text: string): void => writeFileSync(join(own, name), text);
    write('a.yml', good);
    write('b.yml', good);
    write('c.yml', good.replace('id: programs-on-host', 'id: c').replace('before: 30m', 'before: soon'));
    write(
      'd.yml',
      good.replace('id: programs-on-host', 'id: d').replace('{entity} and', '{entity} and ((( and'),
    );
    write('e.yml', good.replace('id: programs-on-host', 'id: e').replace('host.name: {entity} and ', ''));
    write('f.yml', '{ not: [yaml');
    const found = loadQuestions(own);
    expect(found.questions.map(({ id }) => id)).toEqual(['programs-on-host']);
    expect(found.refused.map(({ code, place }) => [code, place?.file?.slice(-5), place?.line])).toEqual([
      ['QUESTION_INVALID', 'b.yml', 1],
      ['QUESTION_INVALID', 'c.yml', expect.any(Number)],
      ['QUESTION_INVALID', 'd.yml', expect.any(Number)],
      ['QUESTION_INVALID', 'e.yml', expect.any(Number)],
      ['YAML_INVALID', 'f.yml', expect.any(Number)],
    ]);
    expect(loadQuestions(join(folder, 'nowhere')).refused).toHaveLength(1);
  });

  it('ask the same whatever a value holds: quotes, backslashes, stars, brackets, words of KQL', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }), (value) => {
        const tricky = `${value}" or * or "\\`;
        const query = bindQuery('user.name: {entity} and a: "x:{1}:{2}"', tricky);
        const matches = compileExpression(parseKql(query));
        const cut = tricky.indexOf('/');
        const [one, two] = cut < 0 ? [tricky, tricky] : [tricky.slice(0, cut), tricky.slice(cut + 1)];
        expect(matches({ user: { name: tricky }, a: `x:${one}:${two}` })).toBe(true);
        expect(matches({ user: { name: 'somebody else' }, a: `x:${one}:${two}` })).toBe(false);
      }),
    );
  });
});

describe('an investigation', () => {
  it('names what ran where, each sentence standing on events that the index holds', async () => {
    const events = await storeAttack();
    const found = await investigate({
      index,
      records,
      clock: systemClock,
      questions,
      incident: caseOf(events),
      actor: 'picket',
    });
    const text = found.account.map((one) => one.text.en).join('\n');
    expect(text).toContain('Shell Started By A Server Program In A Container');
    expect(text).toMatch(/In pod line-3\/hmi-gateway-7d9c5b8f6d-x2k4q these programs were noticed: .*\bsh\b/);
    expect(text).not.toMatch(/[{}]/);
    expect(found.account.every(({ text: both }) => /\p{Script=Han}/u.test(both.zh))).toBe(true);
    for (const { events: ids, search } of found.account.slice(1)) {
      for (const id of ids) expect(await index.get({ tenant: 'local', id })).toBeDefined();
      expect(() => parseKql(search?.query ?? '(')).not.toThrow();
    }
    expect(found.account[0]?.alerts).toEqual(['alert-1']);
    const times = found.timeline.map(({ at }) => Date.parse(at));
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(found.timeline.some(({ kind }) => kind === 'event')).toBe(true);
    expect((await records.get<Investigation>('investigations', 'case'))?.value).toEqual(found);
    expect(await index.count({ tenant: 'local' })).toMatchObject({ count: events.length });
  });

  it('goes on when a question fails, says so, and says how many its bounds left out', async () => {
    const incident = caseOf(await storeAttack());
    let calls = 0;
    const faulty: Pick<EventIndex, 'search' | 'topValues' | 'count'> = {
      search: (request) => index.search(request),
      topValues: (request) => index.topValues(request),
      count: (scope) => (calls++ === 0 ? Promise.reject(new Error('the disk is gone')) : index.count(scope)),
    };
    const base = { records, clock: systemClock, questions, incident, actor: 'picket' };
    const found = await investigate({ ...base, index: faulty });
    expect(found.answers[0]).toMatchObject({ state: 'failed', error: { message: 'the disk is gone' } });
    expect(found.answers.filter(({ state }) => state === 'failed')).toHaveLength(1);
    expect(found.account.length).toBeGreaterThan(1);
    const { asked, left_out } = planQuestions(incident, questions, { ...DEFAULT_BOUNDS, questions: 2 });
    expect(asked).toHaveLength(2);
    expect(left_out).toBe(planQuestions(incident, questions, DEFAULT_BOUNDS).asked.length - 2);
  });

  it('asks only where the tactics and entities of the case fit', () => {
    const question = Question.parse({
      id: 'q',
      title: { en: 'Q', zh: '问' },
      about: ['address'],
      tactics: ['exfiltration'],
      before: '1h',
      after: '1h',
      where: 'source.ip: {entity}',
      found: { en: 'x.', zh: '好。' },
    });
    const incident: Incident = {
      ...caseOf([]),
      entities: [{ type: 'address', scope: 'global', value: '203.0.113.9' }],
      threat: [{ tactic: 'execution' }],
    };
    expect(planQuestions(incident, [question], DEFAULT_BOUNDS).asked).toEqual([]);
    const other = { ...incident, threat: [{ tactic: 'exfiltration' }] };
    expect(planQuestions(other, [question], DEFAULT_BOUNDS).asked).toHaveLength(1);
  });
});

describe('the investigator', () => {
  it('asks about a new case by itself, once, again when it has grown, and goes on after a restart', async () => {
    const incident = caseOf(await storeAttack());
    const start = () =>
      startInvestigator({
        index,
        records,
        clock: systemClock,
        questions,
        logger: silentLogger,
        settle_ms: 20,
      });
    const stored = async (): Promise<Investigation | undefined> =>
      (await records.get<Investigation>('investigations', incident.id))?.value;
    const until = async (what: string, holds: (found: Investigation) => boolean): Promise<Investigation> => {
      const ends = systemClock.monotonic() + 20_000;
      for (;;) {
        const found = await stored();
        if (found && holds(found)) return found;
        if (systemClock.monotonic() > ends) throw new Error(`not in time: ${what}`);
        await systemClock.sleep(20);
      }
    };
    let investigator = await start();
    const created = await records.create('incidents', incident.id, incident);
    const first = await until('an account', () => true);
    // A new owner is no reason to ask again.
    const owned = await records.update('incidents', { ...created, value: { ...incident, owner: 'li' } });
    await systemClock.sleep(200);
    expect((await stored())?.started).toBe(first.started);
    await investigator.stop();
    const grown = incident.alerts.flatMap((alert) => [alert, { ...alert, id: 'alert-2' }]);
    await records.update('incidents', { ...owned, value: { ...incident, alerts: grown } });
    investigator = await start();
    await until('a new account', ({ fingerprint }) => fingerprint !== first.fingerprint);
    const asked = await investigate({
      index,
      records,
      clock: systemClock,
      questions,
      incident,
      actor: 'user:li',
      signal: new AbortController().signal,
    });
    expect(asked.actor).toBe('user:li');
    await investigator.stop();
  });
});
