// The examples of docs/correlation.md say what picket says.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openAlertCollector } from '../../../detect/history/collect-alerts.ts';
import { compileRules } from '../../../detect/sigma/compile-rules.ts';
import { loadRules } from '../../../detect/sigma/load-rules.ts';
import { assembleDetectorRules } from '../../../detect/worker/assemble-rules.ts';
import { compileEntityTable } from '../../../detect/worker/entity-table.ts';
import type { JsonObject } from '../../../platform/core/event.ts';

const PAGE = join(import.meta.dirname, '..', '..', '..', 'docs', 'correlation.md');
const PLAIN = {
  failed_logon: 'failed',
  logon: 'logon',
  transfer: 'transfer',
  started: 'started',
  finished: 'finished',
  changed: 'changed',
  call: 'call',
};

/** A heading, its rule, its events, and what it says of them. */
const EXAMPLES = [
  ...readFileSync(PAGE, 'utf8').matchAll(
    /^### (?<title>[^\n]+)\n(?:(?!^### )[^])*?```yaml\n(?<rules>[^]*?)```\n\n```json\n(?<events>[^]*?)```\n\n```text\n(?<alerts>[^]*?)```/gm,
  ),
].map(({ groups }) => groups as { title: string; rules: string; events: string; alerts: string });

function evaluate(text: string, events: readonly JsonObject[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'picket-documented-'));
  try {
    const plain = Object.entries(PLAIN).map(
      ([name, event]) =>
        `title: ${name}\nname: ${name}\nlogsource: { product: test }\ndetection:\n  is: { event: ${event} }\n  condition: is\n`,
    );
    const correlations = text.split('---\n').map((one, at) => `title: Example ${at + 1}\nlevel: low\n${one}`);
    writeFileSync(join(folder, 'rules.yml'), [...plain, ...correlations].join('---\n'));
    const loaded = loadRules({ folders: [folder] });
    const { engine, refused } = compileRules({
      rules: loaded.rules,
      pipelines: [],
      routes: { signals: {}, families: [], routes: [] },
      raw: true,
    });
    const assembled = assembleDetectorRules({ engine, correlations: loaded.correlations, pipelines: [] });
    const collector = openAlertCollector({
      rules: assembled.rules,
      entityTable: compileEntityTable({ keys: [], entities: [] }),
      folder,
      retention_ms: 30 * 86_400_000,
    });
    expect([...loaded.refused, ...refused, ...assembled.refused, ...collector.refused]).toEqual([]);
    for (const [at, event] of events.entries())
      collector.take(
        event,
        engine.match(event).map(({ rule }) => rule),
        at + 1,
      );
    const alerts = collector
      .finish()
      .filter(({ rule }) => rule.name.startsWith('Example'))
      .map(({ group, first, last, count, events: shown }) => {
        const { 'picket.site.id': _site, ...key } = group;
        const lines = shown.map(({ sequence }) => sequence).join(', ');
        const short = (time: string): string => time.replace('.000Z', 'Z');
        return `${Object.entries(key)
          .map((entry) => entry.join('='))
          .join(
            ' ',
          )}: ${count} ${count === 1 ? 'event' : 'events'}, ${short(first)} to ${short(last)}, lines ${lines}`;
      });
    collector.close();
    return alerts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('docs/correlation.md', () => {
  it('has an example for every type', () => {
    expect(EXAMPLES.map(({ title }) => title)).toEqual([
      'event_count',
      'value_count',
      'value_sum',
      'value_avg',
      'value_percentile',
      'value_median',
      'temporal',
      'temporal with a condition',
      'temporal_ordered',
      'first_seen',
      'absence',
      'beacon',
      'many accounts guessed',
    ]);
  });

  it.each(EXAMPLES)('says of $title what comes out', ({ rules, events, alerts }) => {
    const parsed = events
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as JsonObject);
    const found = evaluate(rules, parsed);
    expect(found.length).toBeGreaterThan(0);
    expect(`${found.join('\n')}\n`).toBe(alerts);
    // Backwards the lines have other numbers, and nothing else changes.
    const withoutLines = (lines: readonly string[]): string[] =>
      lines.map((line) => line.replace(/, lines.*/, ''));
    expect(withoutLines(evaluate(rules, [...parsed].reverse()))).toEqual(withoutLines(found));
  });
});
