import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expandDottedKeys } from '../../../../ingest/sources/ecs/expand-keys.ts';
import { createTestNormaliser, eventsOf, RECEIVED, rawRecord } from '../../normalise-text.ts';

describe('ECS passed through', () => {
  test('dotted and nested keys end in one document', () => {
    const [event] = eventsOf('ecs', {
      '@timestamp': '2026-11-20T01:02:03.004Z',
      'host.name': 'a',
      host: { ip: ['10.0.0.1'] },
      'event.id': 'x1',
      event: { dataset: 'plc.audit' },
    });
    expect(event).toMatchObject({
      '@timestamp': '2026-11-20T01:02:03.004Z',
      host: { name: 'a', ip: ['10.0.0.1'] },
      event: { dataset: 'plc.audit', module: 'plc' },
      picket: { class: 'application-log', time: 'ok' },
    });
  });

  test('a stranger sets no picket field, whichever way it is written', () => {
    const normaliser = createTestNormaliser('ecs');
    for (const content of [
      { picket: { site: { id: 'evil' } } },
      { 'picket.site.id': 'evil' },
      { 'picket.site': { id: 'evil' } },
    ]) {
      normaliser.normaliser.normalise(rawRecord(JSON.stringify(content)));
      const [event] = eventsOf('ecs', content);
      expect(event?.picket.site.id).toBe('lyon');
    }
    expect(normaliser.counted.get('picket-fields-dropped')).toBe(3);
  });

  test('the sender’s event.id decides the identity, else the bytes do', () => {
    const id = (content: object): string | undefined => eventsOf('ecs', content)[0]?.event.id;
    expect(id({ event: { id: 'x' }, a: 1 })).toBe(id({ 'event.id': 'x', a: 2 }));
    expect(id({ a: 1 })).not.toBe(id({ a: 2 }));
  });

  test('a dataset that is none falls to the parameter, whose class holds', () => {
    const [event] = eventsOf(
      'ecs',
      { event: { dataset: '../../etc' } },
      { parameters: { class: 'operational', dataset: 'line.log' } },
    );
    expect(event).toMatchObject({ event: { dataset: 'line.log' }, picket: { class: 'operational' } });
  });

  test('a clock fifty years ahead is kept and said to be in the future, none is said to be missing', () => {
    expect(eventsOf('ecs', { '@timestamp': '2076-01-01T00:00:00Z' })[0]?.picket.time).toBe('future');
    expect(eventsOf('ecs', { '@timestamp': 'soon' })[0]).toMatchObject({
      '@timestamp': new Date(RECEIVED).toISOString(),
      picket: { time: 'missing' },
    });
    expect(eventsOf('ecs', { '@timestamp': 1795468034610 })[0]?.picket.time).toBe('ok');
  });

  test('wrong types of what Picket itself reads are left out', () => {
    expect(eventsOf('ecs', { event: 'x', '@timestamp': {} })[0]?.event.kind).toBe('event');
    expect(eventsOf('ecs', { event: { kind: 5, module: [] } })[0]?.event).toMatchObject({
      kind: 'event',
      module: 'ecs',
    });
  });
});

describe('expanding keys', () => {
  test('a text and an object at one path are both kept', () => {
    expect(expandDottedKeys({ a: 'x', 'a.b': 1 })).toEqual({ a: 'x', 'a.b': 1 });
    expect(expandDottedKeys({ 'a..b': 1, 'a.': 2 })).toEqual({ 'a..b': 1, 'a.': 2 });
  });

  test('no leaf is lost and no prototype is touched, for any document', () => {
    const leaves = (node: unknown): unknown[] =>
      node !== null && typeof node === 'object' ? Object.values(node).flatMap(leaves) : [node];
    const key = fc.oneof(
      fc.constantFrom('a', 'a.b', 'a.b.c', 'constructor', 'constructor.prototype.x', '__proto__.x', 'b'),
      fc.string(),
    );
    const tree = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        fc.integer(),
        fc.dictionary(key, tie('node'), { noNullPrototype: true }),
      ),
    })).node;
    fc.assert(
      fc.property(fc.dictionary(key, tree, { noNullPrototype: true }), (document) => {
        const before = leaves(document).map(String).sort();
        const after = leaves(expandDottedKeys(document)).map(String);
        for (const leaf of before) expect(after).toContain(leaf);
        expect(({} as { x?: unknown }).x).toBeUndefined();
      }),
    );
  });
});
