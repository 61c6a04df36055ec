/** Every rule of rules/sigma holds on its own records, lints clean and says what an analyst needs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lintRules } from '../../detect/sigma/lint/lint-rules.ts';
import { loadPipelines } from '../../detect/sigma/load-pipelines.ts';
import { loadRules } from '../../detect/sigma/load-rules.ts';
import type { SigmaRule } from '../../detect/sigma/rule.ts';
import { testRules } from '../../detect/sigma/test-rules.ts';
import { parseKql } from '../../platform/core/kql/parse-kql.ts';
import { LEVELS } from '../../platform/core/names.ts';
import { SITE_EVENTS } from '../../platform/core/site-events.ts';
import { createLineNormaliser } from '../../server/commands/normalise-line.ts';
import { describeRules } from '../../server/describe-rules.ts';

const RULES = join(import.meta.dirname, '..', '..', 'rules');
const SIGMA = join(RULES, 'sigma');
const UUID4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const { rules: loaded } = loadRules({ folders: [SIGMA] });
const rules = loaded.map(({ rule }) => rule);

/** ATT&CK's tactics for enterprises, as Sigma writes them. */
const TACTICS = new Set(
  'reconnaissance resource-development initial-access execution persistence privilege-escalation stealth defense-impairment credential-access discovery lateral-movement collection command-and-control exfiltration impact'.split(
    ' ',
  ),
);

const words = (text: string): number => text.split(/\s+/).filter((word) => word !== '').length;

function recordsOf({ place }: SigmaRule, kind: 'match' | 'nomatch'): string[] {
  const file = (place.file ?? '').replace(/\.yml$/, `.${kind}.ndjson`);
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}

/** The search that a guide offers: KQL in backticks after the word Search. */
function searchOf(guide: string): string | undefined {
  return /Search `([^`]+)`/.exec(guide)?.[1];
}

function isKql(query: string): boolean {
  try {
    parseKql(query);
    return true;
  } catch {
    return false;
  }
}

/** Everything that must hold of one rule, by name. */
function judge(rule: SigmaRule): Record<string, boolean> {
  const { picket, tags, references, falsepositives } = rule;
  const { guide = '' } = picket;
  const techniques = tags.filter((tag) => /^attack\.[ts]\d{4}(?:\.\d{3})?$/.test(tag));
  const tactics = tags.filter((tag) => /^attack\.[a-z-]+$/.test(tag)).map((tag) => tag.slice(7));
  const search = searchOf(guide);
  return {
    'an id of its own': UUID4.test(rule.id),
    'the licence': rule.license === 'Apache-2.0',
    'author and date': rule.author === 'Picket' && /^\d{4}-\d{2}-\d{2}$/.test(rule.date ?? ''),
    'a level': LEVELS.includes(rule.level),
    'a description of a sentence': words(rule.description ?? '') >= 7,
    'a reference': references.length > 0 && references.every((url) => url.startsWith('https://')),
    'a technique': techniques.length > 0,
    'a tactic that ATT&CK has': tactics.length > 0 && tactics.every((tactic) => TACTICS.has(tactic)),
    'false positives that say when': falsepositives.length > 0 && words(falsepositives.join(' ')) >= 4,
    'fields that name its alert': picket.entity_fields.length > 0,
    'a guide of three sentences and 40 words':
      words(guide) >= 40 && (guide.match(/[.!?](?:\s|$)/g) ?? []).length >= 3,
    'a search that can be pasted': search !== undefined && isKql(search),
    'what to contain': /Contain: \S+(?: \S+){3,}/.test(guide),
    'a format of its records': picket.test_source !== undefined,
    'records that match and that do not':
      recordsOf(rule, 'match').length > 0 && recordsOf(rule, 'nomatch').length > 0,
    'no record on both sides': recordsOf(rule, 'match').every(
      (record) => !recordsOf(rule, 'nomatch').includes(record),
    ),
  };
}

describe('the rules of our own', () => {
  test('each matches its real records and lets the others pass', () => {
    const { pipelines, routes } = loadPipelines(join(RULES, 'pipelines'));
    if (!routes) throw new Error('no logsource routes');
    const normalisers = new Map<string, ReturnType<typeof createLineNormaliser>>();
    const { results, refused } = testRules({
      folders: [SIGMA],
      pipelines,
      routes,
      normalise: (format, record) => {
        const known = normalisers.get(format) ?? createLineNormaliser(format);
        normalisers.set(format, known);
        return known(record);
      },
    });
    expect(refused).toEqual([]);
    expect(results.flatMap(({ failures }) => failures)).toEqual([]);
    expect(results.length).toBe(rules.length);
  });

  test('there are a hundred and more, in every area that nobody else has well covered', () => {
    expect(rules.length).toBeGreaterThanOrEqual(110);
    const of = (area: string): number =>
      rules.filter(({ place }) => place.file?.includes(`/sigma/${area}/`)).length;
    expect(of('kubernetes')).toBeGreaterThanOrEqual(50);
    expect(of('runtime') + of('tetragon')).toBeGreaterThanOrEqual(25);
    expect(of('site')).toBeGreaterThanOrEqual(15);
    expect(of('image')).toBeGreaterThanOrEqual(15);
    expect(of('flow')).toBeGreaterThanOrEqual(15);
  });

  test('lint finds nothing', () => {
    const found = lintRules({ folders: [SIGMA, join(RULES, 'correlation')] });
    expect(found.filter(({ severity }) => severity !== 'info')).toEqual([]);
  });

  test('each has all that an analyst and an auditor look for', () => {
    const wanting = rules.flatMap((rule) =>
      Object.entries(judge(rule)).flatMap(([name, held]) => (held ? [] : [`${rule.title}: ${name}`])),
    );
    expect(wanting).toEqual([]);
  });

  test('no two have the same title or the same guide', () => {
    const titles = rules.map(({ title }) => title);
    expect(new Set(titles).size).toBe(titles.length);
    const guides = rules.map(({ picket }) => picket.guide);
    expect(new Set(guides).size).toBe(guides.length);
  });

  test('every kind of site event has a rule, but for those that only tell what else was going on', () => {
    const context = ['lease-ended', 'link-request-refused', 'parent-unreachable'];
    const texts = rules
      .filter(({ logsource }) => logsource.product === 'picket')
      .map(({ place }) => readFileSync(place.file ?? '', 'utf8').split('\npicket:')[0]);
    const silent = Object.keys(SITE_EVENTS).filter((action) => !texts.some((text) => text?.includes(action)));
    expect(silent.sort()).toEqual(context);
  });

  test('docs/rules-content.md is what the rules say today', () => {
    const page = readFileSync(join(RULES, '..', 'docs', 'rules-content.md'), 'utf8');
    expect(page).toBe(describeRules());
  });
});
