// The alerts that stand after the last line are the same for every order of the lines, and what makes none is counted.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AlertCollector, openAlertCollector } from '../../../detect/history/collect-alerts.ts';
import { compileRules } from '../../../detect/sigma/compile-rules.ts';
import { loadRules } from '../../../detect/sigma/load-rules.ts';
import { assembleDetectorRules } from '../../../detect/worker/assemble-rules.ts';
import { compileEntityTable } from '../../../detect/worker/entity-table.ts';
import type { JsonObject } from '../../../platform/core/event.ts';

const RULES = `
title: Failed
name: failed
logsource: { product: test }
detection:
  is: { event.action: failed }
  condition: is
---
title: Many
correlation:
  type: event_count
  rules: [failed]
  group-by: [user]
  timespan: 5m
  condition: { gte: 2 }
  generate: true
---
title: Itself
name: itself
correlation: { type: event_count, rules: [itself], timespan: 5m, condition: { gte: 2 } }
---
title: Ten Years
correlation: { type: event_count, rules: [failed], timespan: 10y, condition: { gte: 2 } }
---
title: Nothing There
correlation: { type: event_count, rules: [nowhere], timespan: 5m, condition: { gte: 2 } }
---
title: Sum Of Texts
correlation: { type: value_sum, rules: [failed], group-by: [user], timespan: 5m, condition: { field: note, gte: 1 } }
`;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'picket-collect-'));
  writeFileSync(join(folder, 'rules.yml'), RULES);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function open(): { collector: AlertCollector; take: (event: JsonObject, sequence: number) => void } {
  const { rules, correlations } = loadRules({ folders: [folder] });
  const routes = { signals: {}, families: [], routes: [] };
  const { engine } = compileRules({ rules, pipelines: [], routes, raw: true });
  const assembled = assembleDetectorRules({ engine, correlations, pipelines: [] });
  const collector = openAlertCollector({
    rules: assembled.rules,
    entityTable: compileEntityTable({ keys: [], entities: [] }),
    folder,
    retention_ms: 30 * 86_400_000,
  });
  const take = (event: JsonObject, sequence: number): void =>
    collector.take(
      event,
      engine.match(event).map(({ rule }) => rule),
      sequence,
    );
  return { collector, take };
}

describe('the alerts that stand', () => {
  it('are the same for every order of the lines, alike ones and ids told twice included', () => {
    const line = fc.record({
      minute: fc.integer({ min: 0, max: 20 }),
      user: fc.constantFrom('ann', 'bob'),
      id: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
    });
    const eventOf = ({ minute, user, id }: { minute: number; user: string; id: string | undefined }) => ({
      // An id stands for one event: its time and user are those of the id.
      '@timestamp': new Date(Date.UTC(2026, 10, 26, 8, id ? id.charCodeAt(0) - 97 : minute)).toISOString(),
      user: id ? 'ann' : user,
      event: { action: 'failed', ...(id ? { id } : {}) },
    });
    const standing = (events: readonly JsonObject[]): unknown => {
      const { collector, take } = open();
      for (const [at, event] of events.entries()) take(event, at + 1);
      const alerts = collector.finish();
      collector.close();
      return alerts.map(({ id, rule, group, first, last, count }) => ({
        id,
        rule,
        group,
        first,
        last,
        count,
      }));
    };
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), fc.infiniteStream(fc.nat()), (lines, random) => {
        const events = lines.map(eventOf);
        const shuffled = events
          .map((event) => ({ event, order: random.next().value as number }))
          .sort((a, b) => a.order - b.order)
          .map(({ event }) => event);
        expect(standing(shuffled)).toEqual(standing(events));
      }),
      { numRuns: 40 },
    );
  });

  it('name the lines of their events, and keep nothing on disk', () => {
    const { collector, take } = open();
    const at = (minute: number): string => `2026-11-26T08:0${minute}:00.000Z`;
    take({ '@timestamp': at(0), user: 'ann', event: { action: 'failed', id: 'one' } }, 3);
    take({ '@timestamp': at(1), user: 'ann', event: { action: 'failed' } }, 7);
    take({ '@timestamp': at(0), user: 'ann', event: { action: 'failed', id: 'one' } }, 9);
    const many = collector.finish().find(({ rule }) => rule.name === 'Many');
    expect(many).toMatchObject({
      group: { 'picket.site.id': 'local', user: 'ann' },
      first: at(0),
      last: at(1),
      count: 2,
      events: [
        { sequence: 3, id: 'one', '@timestamp': at(0) },
        { sequence: 7, '@timestamp': at(1) },
      ],
    });
    collector.close();
    expect(readdirSync(folder)).toEqual(['rules.yml']);
  });

  it('leave out and count what has no time, no group or no number, and refuse rules that cannot be worked', () => {
    const { collector, take } = open();
    take({ user: 'ann', event: { action: 'failed' } }, 1);
    take({ '@timestamp': 'soon', user: 'ann', event: { action: 'failed' } }, 2);
    take({ '@timestamp': '2026-11-26T08:00:00Z', event: { action: 'failed' } }, 3);
    take({ '@timestamp': '2026-11-26T08:00:00Z', user: 'ann', note: 'x', event: { action: 'failed' } }, 4);
    expect(collector.left_out).toEqual({
      'time-missing': 2,
      'group-by-absent': 2,
      'value-not-a-number': 1,
    });
    expect(collector.refused.map(({ code }) => code).sort()).toEqual([
      'CORRELATION_CYCLE',
      'CORRELATION_RULE_MISSING',
      'CORRELATION_TIMESPAN',
    ]);
    collector.close();
  });
});
