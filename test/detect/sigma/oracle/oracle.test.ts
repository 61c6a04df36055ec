import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compileRules } from '../../../../detect/sigma/compile-rules.ts';
import { flattenRaw } from '../../../../detect/sigma/flatten-raw.ts';
import type { SigmaRule } from '../../../../detect/sigma/rule.ts';
import { requireReal } from '../../../services/require-real.ts';
import { chooseBySeed, makeNearEvent } from '../near-events.ts';
import {
  HAS_CORPORA,
  loadSigmaHq,
  readVectors,
  readWindowsEvents,
  SIGMAHQ_FOLDERS,
} from '../read-corpora.ts';
import { type AskedEvent, askSqlite } from './ask-sqlite.ts';
import { CLASSES, explainDifference } from './explain-difference.ts';

const NEAR_EVENTS_A_RULE = 20;

const PAGE = join(import.meta.dirname, '../../../../docs/sigma.md');

const say = (count: number): string => count.toLocaleString('en');

/** Rules are asked about every event, whatever their logsource. */
const NO_ROUTES = { signals: {}, families: [], routes: [] };

describe.runIf(HAS_CORPORA)("Picket and pySigma's SQLite backend", () => {
  it('find the same events with SigmaHQ, but for differences that are explained and counted', {
    timeout: 900_000,
  }, async (context) => {
    requireReal(context, 'pysigma');
    const loaded = loadSigmaHq();
    const { engine, refused } = compileRules({ rules: loaded, pipelines: [], routes: NO_ROUTES, raw: true });
    const events = gatherEvents(loaded.map(({ rule }) => rule));
    const answers = await askSqlite({ events, folders: SIGMAHQ_FOLDERS, signal: context.signal });

    const byPicket = new Map<string, Set<number>>(loaded.map(({ rule }) => [rule.id, new Set()]));
    events.forEach(({ event, rule }, at) => {
      for (const index of engine.matchIndices(event)) {
        const id = engine.rules[index]?.info.id ?? '';
        if (rule === undefined || rule === id) byPicket.get(id)?.add(at);
      }
    });

    const rules = new Map(loaded.map(({ rule }) => [rule.id, rule]));
    const recorded = events.filter(({ rule }) => rule === undefined).length;
    const found = { rules: 0, matched: 0, recorded: 0, near: 0 };
    const counts = new Map(CLASSES.map(({ name }) => [name, 0]));
    const unexplained: string[] = [];
    const withoutQuery: string[] = [];
    for (const answer of answers) {
      if ('error' in answer) {
        withoutQuery.push(answer.file);
        continue;
      }
      found.rules++;
      const picket = byPicket.get(answer.id) ?? new Set();
      const sqlite = new Set(answer.events);
      if (picket.size > 0) found.matched++;
      for (const at of new Set([...picket, ...sqlite])) {
        if (picket.has(at) && sqlite.has(at)) {
          if (at < recorded) found.recorded++;
          else found.near++;
          continue;
        }
        const { event } = events[at] as AskedEvent;
        const rule = rules.get(answer.id) as SigmaRule;
        const explained = explainDifference({ rule, event, bySqlite: sqlite.has(at) });
        if (explained) counts.set(explained.name, (counts.get(explained.name) ?? 0) + 1);
        if (!explained || at < recorded)
          unexplained.push(
            `${answer.id}: only ${picket.has(at) ? 'Picket' : 'SQLite'}: ${JSON.stringify(event)}`,
          );
      }
    }

    expect(unexplained).toEqual([]);
    // What one cannot make a query of, the other refuses too: placeholders that wait for their values.
    expect(withoutQuery.toSorted()).toEqual(refused.map(({ place }) => place.file ?? '').toSorted());
    const shown = [
      '| | |',
      '|---|---|',
      `| rules asked of both (${withoutQuery.length} of ${say(answers.length)} wait for placeholders in both) | ${say(found.rules)} |`,
      `| recorded events (Security-Datasets, and the regression vectors), asked of every rule | ${say(recorded)} |`,
      `| matches on them that both find | ${say(found.recorded)} |`,
      '| matches on them that only one finds | 0 |',
      `| events made to match one rule nearly (${NEAR_EVENTS_A_RULE} a rule) | ${say(events.length - recorded)} |`,
      `| matches on them that both find | ${say(found.near)} |`,
      `| rules that matched at least once | ${say(found.matched)} |`,
      '',
      '| differ in | matches | who is right |',
      '|---|---|---|',
      ...CLASSES.map(({ name, right }) => `| ${name} | ${counts.get(name)} | ${right} |`),
    ].join('\n');
    expect(readFileSync(PAGE, 'utf8')).toContain(shown);
  });
});

/** The recorded events first, then for each rule those made of it. */
function gatherEvents(rules: readonly SigmaRule[]): AskedEvent[] {
  const choose = chooseBySeed(9);
  return [
    ...readWindowsEvents().map((event) => ({ event })),
    ...readVectors().flatMap(({ events }) => events.map((event) => ({ event: flattenRaw(event) }))),
    ...rules.flatMap((rule) =>
      Array.from({ length: NEAR_EVENTS_A_RULE }, () => ({
        event: makeNearEvent(rule, choose, 'flat'),
        rule: rule.id,
      })),
    ),
  ];
}
