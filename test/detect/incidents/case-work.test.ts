// Tasks, evidence, verdicts and milestones of a case, what they say of how long it took, and the table of its risk.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Act,
  addEvidence,
  addTask,
  changeIncident,
  changeTask,
} from '../../../detect/incidents/change-incident.ts';
import { measureCases, timesOf } from '../../../detect/incidents/measure-cases.ts';
import { mergeDecisions } from '../../../detect/incidents/merge-decisions.ts';
import { scoreRisk } from '../../../detect/incidents/score-risk.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import type { Incident } from '../../../platform/core/incident.ts';
import { openEmbeddedRecords } from '../../../platform/records/embedded/open-embedded-records.ts';
import type { RecordStore } from '../../../platform/records/record-store.ts';

const MINUTE = 60_000;
const CREATED = Date.UTC(2026, 10, 26, 8);
let now = CREATED;
let folder = '';
let records: RecordStore;
let act: Act;

const incident: Incident = {
  schema: 1,
  id: 'case',
  tenant: 'acme',
  title: 'A shell',
  level: 'high',
  status: 'open',
  sites: ['lyon'],
  jurisdictions: ['eu-fr'],
  alerts: [
    {
      id: 'a',
      rule_id: 'r',
      rule_name: 'A shell',
      level: 'high',
      site: 'lyon',
      jurisdiction: 'eu-fr',
      first: new Date(CREATED - 5 * MINUTE).toISOString(),
      last: new Date(CREATED).toISOString(),
      count: 1,
    },
  ],
  joins: [],
  entities: [{ type: 'image', scope: 'global', value: 'sha256:1' }],
  threat: [{ tactic: 'execution', technique: 'T1059' }],
  first: new Date(CREATED - 5 * MINUTE).toISOString(),
  last: new Date(CREATED).toISOString(),
  created: new Date(CREATED).toISOString(),
  updated: new Date(CREATED).toISOString(),
  notes: [],
  quiet: false,
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'picket-case-'));
  now = CREATED;
  const clock = { ...systemClock, now: () => now };
  records = await openEmbeddedRecords({ folder, clock });
  await records.create('incidents', incident.id, incident);
  act = { records, clock, id: incident.id, actor: 'user:li' };
});
afterEach(async () => {
  await records.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('what people do to a case', () => {
  it('is kept with who and when: tasks, evidence, a verdict with its reason', async () => {
    const [task] = (await addTask({ ...act, task: { title: 'Ask the line', assignee: 'wang' } })).tasks ?? [];
    now += MINUTE;
    await changeTask({ ...act, task: task?.id ?? '', change: { state: 'done' } });
    await addEvidence({
      ...act,
      evidence: { kind: 'file', ref: 'a'.repeat(64), note: 'the dropped program' },
    });
    const done = await changeIncident({
      ...act,
      change: { verdict: 'false-positive', reason: 'a test of the vendor', status: 'closed' },
    });
    expect(done.tasks).toMatchObject([
      { title: 'Ask the line', state: 'done', assignee: 'wang', actor: 'user:li' },
    ]);
    expect(done.tasks?.[0]?.done).toBe(new Date(CREATED + MINUTE).toISOString());
    expect(done.evidence).toMatchObject([{ kind: 'file', ref: 'a'.repeat(64), actor: 'user:li' }]);
    expect(done).toMatchObject({ verdict: 'false-positive', verdict_reason: 'a test of the vendor' });
    expect(done.notes.map(({ kind }) => kind)).toEqual(['task', 'task', 'evidence', 'verdict', 'status']);
    await expect(changeTask({ ...act, task: 'none', change: { state: 'done' } })).rejects.toMatchObject({
      code: 'TASK_NOT_FOUND',
    });
  });

  it('gives the times it took, of the first time each was reached', async () => {
    now = CREATED + 10 * MINUTE;
    await changeIncident({ ...act, change: { status: 'acknowledged' } });
    now = CREATED + 30 * MINUTE;
    await changeIncident({ ...act, change: { status: 'contained' } });
    now = CREATED + 60 * MINUTE;
    await changeIncident({ ...act, change: { status: 'closed', verdict: 'true-positive' } });
    await changeIncident({ ...act, change: { status: 'open' } });
    now = CREATED + 90 * MINUTE;
    const end = await changeIncident({ ...act, change: { status: 'closed' } });
    expect(timesOf(end)).toEqual({
      detect_ms: 5 * MINUTE,
      acknowledge_ms: 10 * MINUTE,
      contain_ms: 30 * MINUTE,
      close_ms: 60 * MINUTE,
    });
    // A case that is closed at once was seen; a quiet one says nothing of anybody's pace.
    const atOnce = { ...incident, milestones: { closed: new Date(CREATED + 20 * MINUTE).toISOString() } };
    expect(measureCases([end, atOnce, incident, { ...end, quiet: true }])).toEqual({
      detect: { count: 3, p50_ms: 5 * MINUTE, p90_ms: 5 * MINUTE },
      acknowledge: { count: 2, p50_ms: 10 * MINUTE, p90_ms: 20 * MINUTE },
      contain: { count: 1, p50_ms: 30 * MINUTE, p90_ms: 30 * MINUTE },
      close: { count: 2, p50_ms: 20 * MINUTE, p90_ms: 60 * MINUTE },
    });
    expect(measureCases([]).close).toEqual({ count: 0 });
  });

  it('is carried over whole when cases become one, each task and evidence once', async () => {
    const one = await addTask({ ...act, task: { title: 'Look' } });
    const other: Incident = {
      ...incident,
      id: 'other',
      evidence: [
        { id: 'e', kind: 'link', ref: 'https://x.example', note: '', actor: 'user:wu', at: incident.first },
      ],
      milestones: { acknowledged: incident.created },
    };
    const merged = mergeDecisions([one, other]);
    expect(merged).toMatchObject({
      tasks: [{ title: 'Look' }],
      evidence: [{ id: 'e' }],
      milestones: { acknowledged: incident.created },
    });
    expect(mergeDecisions([{ ...one, ...merged }, other])).toEqual(merged);
  });
});

describe('the risk of a case', () => {
  it('is a table whose points add up, each part with its reason', () => {
    const risk = scoreRisk({
      incident,
      weaknesses: [{ rule: { name: 'Critical flaw', level: 'critical' } as never }],
      criticality: { value: 'critical', asset: 'plc-7' },
    });
    expect(risk.parts).toEqual([
      {
        part: 'severity',
        value: 0.75,
        weight: 35,
        points: 26.3,
        reason: { code: 'severity', values: { level: 'high', rule: 'A shell' } },
      },
      {
        part: 'criticality',
        value: 1,
        weight: 20,
        points: 20,
        reason: { code: 'criticality', values: { criticality: 'critical', asset: 'plc-7' } },
      },
      {
        part: 'weakness',
        value: 1,
        weight: 15,
        points: 15,
        reason: { code: 'weakness', values: { rule: 'Critical flaw', count: 1 } },
      },
      {
        part: 'progress',
        value: 0.25,
        weight: 20,
        points: 5,
        reason: { code: 'progress', values: { tactic: 'execution', tactics: 1 } },
      },
      {
        part: 'rarity',
        value: 0.5,
        weight: 10,
        points: 5,
        reason: { code: 'rarity-single', values: {} },
      },
    ]);
    expect(risk.score).toBe(71);
    const least = scoreRisk({
      incident: { ...incident, level: 'informational', threat: [] },
      weaknesses: [],
      criticality: { value: 'low', asset: 'x' },
    });
    expect(least.score).toBe(10);
  });
});
