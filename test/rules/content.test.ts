/** Every rule of rules/sigma holds on its own records, lints clean and says what an analyst needs. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lintRules } from '../../detect/sigma/lint/lint-rules.ts';
import { loadPipelines } from '../../detect/sigma/load-pipelines.ts';
import { loadRules } from '../../detect/sigma/load-rules.ts';
import { testRules } from '../../detect/sigma/test-rules.ts';
import { createLineNormaliser } from '../../server/commands/normalise-line.ts';

const RULES = join(import.meta.dirname, '..', '..', 'rules');
const FOLDERS = ['kubernetes', 'runtime', 'image', 'flow', 'windows'].map((name) =>
  join(RULES, 'sigma', name),
);
const UUID4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('the rules of our own', () => {
  test('each matches its real records and lets the others pass', () => {
    const { pipelines, routes } = loadPipelines(join(RULES, 'pipelines'));
    if (!routes) throw new Error('no logsource routes');
    const normalisers = new Map<string, ReturnType<typeof createLineNormaliser>>();
    const { results, refused } = testRules({
      folders: FOLDERS,
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
    expect(results.length).toBe(68);
  });

  test('lint finds nothing', () => {
    const found = lintRules({ folders: [...FOLDERS, join(RULES, 'correlation')] });
    expect(found.filter(({ severity }) => severity !== 'info')).toEqual([]);
  });

  test('each has a level, a technique, a way to be wrong, a source and a guide of three sentences or more', () => {
    const wanting = loadRules({ folders: FOLDERS }).rules.flatMap(({ rule }) => {
      const { id, title, license, tags, falsepositives, references, picket } = rule;
      const sentences = picket.guide?.match(/[.!?](?:\s|$)/g) ?? [];
      const holds = {
        id: UUID4.test(id),
        license: license === 'Apache-2.0',
        technique: tags.some((tag) => /^attack\.[ts]\d{4}/.test(tag)),
        tactic: tags.some((tag) => /^attack\.[a-z-]+$/.test(tag)),
        falsepositives: falsepositives.length > 0,
        references: references.length > 0 && references.every((url) => url.startsWith('https://')),
        guide: sentences.length >= 3,
      };
      return Object.entries(holds).flatMap(([name, held]) => (held ? [] : [`${title}: ${name}`]));
    });
    expect(wanting).toEqual([]);
  });
});
