import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createTestNormaliser, linesOf, outcomesOf, rawRecord, readProjectFile } from '../normalise-text.ts';

const FORMATS: readonly [string, readonly string[]][] = [
  ['kubernetes-audit', linesOf('demo/recordings/kubernetes-audit.ndjson').slice(0, 20)],
  ['windows', linesOf('test/fixtures/windows/security-datasets.ndjson').slice(0, 20)],
  ['falco', linesOf('demo/recordings/falco.ndjson')],
  [
    'tetragon',
    [
      ...linesOf('test/fixtures/tetragon/events.ndjson'),
      ...linesOf('test/fixtures/tetragon/documented.ndjson'),
    ],
  ],
  ['trivy', [readProjectFile('demo/recordings/trivy/hmi-gateway.json')]],
  ['ecs', ['{"@timestamp":"2026-11-20T01:02:03Z","event.id":"a","message":"x","host":{"name":"h"}}']],
];

describe.each(FORMATS)('bad input to %s', (format, records) => {
  const first = records[0] as string;

  test('a record cut anywhere is refused, or was complete', () => {
    fc.assert(
      fc.property(fc.constantFrom(...records), fc.nat(), (record, at) => {
        const cut = record.slice(0, at % record.length);
        expect(outcomesOf(format, cut)).toEqual([expect.objectContaining({ kind: 'rejected' })]);
      }),
      { numRuns: 40 },
    );
  });

  test('any value anywhere in a real record throws nothing and gives at least one outcome', () => {
    const { normaliser } = createTestNormaliser(format);
    const odd = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom('\u0000', '__proto__', '<NA>', '-', '9'.repeat(30), ' ', '٣'),
    );
    fc.assert(
      fc.property(fc.constantFrom(...records), fc.nat(), odd, (record, at, value) => {
        const places: { node: Record<string, unknown>; key: string }[] = [];
        const root = { root: JSON.parse(record) as unknown };
        const walk = (node: unknown): void => {
          if (node === null || typeof node !== 'object') return;
          for (const key of Object.keys(node)) {
            places.push({ node: node as Record<string, unknown>, key });
            walk((node as Record<string, unknown>)[key]);
          }
        };
        walk(root);
        const place = places[at % places.length];
        if (place) place.node[place.key] = value;
        const outcomes = normaliser.normalise(rawRecord(JSON.stringify(root.root) ?? 'null'));
        expect(outcomes.length).toBeGreaterThan(0);
        for (const outcome of outcomes) {
          expect(outcome).not.toMatchObject({ code: 'ADAPTER_FAILED' });
          expect(['event', 'rejected', 'filtered']).toContain(outcome.kind);
        }
      }),
      { numRuns: 150 },
    );
  });

  test('random bytes and random JSON throw nothing', () => {
    const { normaliser } = createTestNormaliser(format);
    const any = fc.oneof(
      fc.uint8Array(),
      fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value))),
    );
    fc.assert(
      fc.property(any, (bytes) => {
        expect(normaliser.normalise(rawRecord(bytes)).length).toBeGreaterThan(0);
      }),
    );
  });

  test.each([
    [
      'invalid UTF-8',
      Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]),
      'INVALID_UTF8',
    ],
    ['deep nesting', '{"a":'.repeat(5_000) + '1' + '}'.repeat(5_000), 'JSON_TOO_DEEP'],
    ['a raw NUL', '{"a":"\u0000"}', 'JSON_INVALID'],
    ['nothing', '', 'JSON_EMPTY'],
    ['a list', '[1]', 'JSON_NOT_OBJECT'],
  ])('%s is refused', (_what, content, code) => {
    expect(outcomesOf(format, content)).toEqual([expect.objectContaining({ kind: 'rejected', code })]);
  });

  test('`__proto__` is dropped and counted, and duplicate members leave the last', () => {
    const { normaliser, counted } = createTestNormaliser(format);
    normaliser.normalise(rawRecord(first.replace('{', '{"__proto__":{"polluted":true},"x":1,"x":2,')));
    expect(counted.get('proto-member-dropped')).toBe(1);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test('a text of 10 MB in a record is no trouble to the adapter', () => {
    const outcomes = outcomesOf(format, first.replace('{', `{"large":"${'x'.repeat(10_000_000)}",`));
    expect(outcomes[0]?.kind).toBe('event');
  });
});
