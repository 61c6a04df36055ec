// Layers hold to the Navigator's format 4.5, and count what they should.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { buildLayer, type CoveredRule } from '../../../detect/coverage/navigator-layer.ts';
import { loadRules } from '../../../detect/sigma/load-rules.ts';

const Metadata = z.array(
  z.union([
    z.strictObject({ name: z.string(), value: z.string() }),
    z.strictObject({ divider: z.boolean() }),
  ]),
);
/** The format as its specification says it (mitre-attack/attack-navigator, layers/spec/v4.5/layerformat.md). */
const Layer = z
  .strictObject({
    name: z.string(),
    versions: z.strictObject({
      attack: z.string().optional(),
      navigator: z.string().regex(/^(?:4\.(?:9|\d\d)|[5-9])\./),
      layer: z.literal('4.5'),
    }),
    domain: z.enum(['enterprise-attack', 'mobile-attack', 'ics-attack']),
    description: z.string().optional(),
    filters: z.strictObject({ platforms: z.array(z.string()) }).optional(),
    sorting: z.number().int().min(0).max(3).optional(),
    layout: z
      .strictObject({
        layout: z.enum(['side', 'flat', 'mini']).optional(),
        showID: z.boolean().optional(),
        showName: z.boolean().optional(),
        showAggregateScores: z.boolean().optional(),
        countUnscored: z.boolean().optional(),
        aggregateFunction: z.enum(['average', 'min', 'max', 'sum']).optional(),
        expandedSubtechniques: z.enum(['none', 'all', 'annotated']).optional(),
      })
      .optional(),
    hideDisabled: z.boolean().optional(),
    techniques: z.array(
      z.strictObject({
        techniqueID: z.string().regex(/^T\d{4}(?:\.\d{3})?$/),
        tactic: z.string().optional(),
        comment: z.string().optional(),
        enabled: z.boolean().optional(),
        score: z.number().optional(),
        color: z.string().optional(),
        metadata: Metadata.optional(),
        links: z.array(z.strictObject({ label: z.string(), url: z.url() })).optional(),
        showSubtechniques: z.boolean().optional(),
      }),
    ),
    gradient: z
      .strictObject({
        colors: z.array(z.string().regex(/^#[0-9a-f]{6}$/i)).min(2),
        minValue: z.number(),
        maxValue: z.number(),
      })
      .refine(({ minValue, maxValue }) => maxValue > minValue),
    legendItems: z.array(z.strictObject({ label: z.string(), color: z.string() })).optional(),
    metadata: Metadata.optional(),
  })
  .refine(
    ({ techniques }) => new Set(techniques.map(({ techniqueID }) => techniqueID)).size === techniques.length,
  );

const rule = (id: string, tags: string[], fed = true): CoveredRule => ({
  id,
  name: `Rule ${id}`,
  level: 'high',
  tags: tags.map((tag) => `attack.${tag}`),
  fed,
});
const layerOf = (rules: CoveredRule[], domain: 'enterprise-attack' | 'ics-attack' = 'enterprise-attack') =>
  buildLayer({ rules, name: 'n', description: 'd', domain });

describe('a layer', () => {
  test('holds to the format, with rules, without any, and for ICS', () => {
    const rules = [rule('a', ['execution', 't1059', 't1059.001']), rule('b', ['t0846'])];
    for (const layer of [layerOf(rules), layerOf([]), layerOf(rules, 'ics-attack')])
      expect(Layer.safeParse(layer).error).toBeUndefined();
    expect(layerOf(rules, 'ics-attack').techniques.map(({ techniqueID }) => techniqueID)).toEqual(['T0846']);
  });

  test('counts each fed rule once a technique, and shows what only unfed rules see with 0', () => {
    const { techniques, gradient } = layerOf([
      rule('a', ['t1059.001', 'T1059.001', 'execution']),
      rule('b', ['t1059.001', 't1105']),
      rule('c', ['t1059.001'], false),
      rule('d', ['t1003'], false),
      rule('e', ['g0001', 's0002', 'ta0002']),
    ]);
    expect(techniques.map(({ techniqueID, score }) => [techniqueID, score])).toEqual([
      ['T1003', 0],
      ['T1059.001', 2],
      ['T1105', 1],
    ]);
    expect(techniques[1]?.comment).toBe('Rule a\nRule b\nRule c (not fed)');
    expect(techniques[1]?.metadata).toEqual([
      { name: 'high', value: '2' },
      { name: 'not fed', value: '1' },
    ]);
    expect(gradient.maxValue).toBe(2);
  });

  test('of our own rules holds to the format and names every technique of their tags', () => {
    const root = join(import.meta.dirname, '../../../rules');
    const { rules, correlations } = loadRules({ folders: [join(root, 'sigma'), join(root, 'correlation')] });
    const all = [...rules, ...correlations].map(({ rule: { id, title, level, tags } }) => ({
      id,
      name: title,
      level,
      tags,
      fed: true,
    }));
    const layer = layerOf(all);
    expect(Layer.safeParse(layer).error).toBeUndefined();
    const named = new Set(
      all.flatMap(({ tags }) =>
        tags.flatMap((tag) => /^attack\.(t[1-9]\d{3}(?:\.\d{3})?)$/i.exec(tag)?.[1]?.toUpperCase() ?? []),
      ),
    );
    expect(layer.techniques.map(({ techniqueID }) => techniqueID)).toEqual([...named].sort());
  });
});
