import { describe, expect, it } from 'vitest';
import { buildFieldTrie } from '../../../../../detect/sigma/engine/field-trie.ts';
import { LineScanner } from '../../../../../detect/sigma/engine/scan/line-scanner.ts';

const units = [
  { field: 'A', tests: [{ kind: 'string', mode: 'contains', value: 'foo' }] },
  { field: 'a.b', tests: [{ kind: 'exists' }] },
] as const;

function openScanner(firstStamp = 0): LineScanner {
  return new LineScanner({
    fields: buildFieldTrie(units, ['Event']),
    unitCount: units.length,
    eager: Uint8Array.of(1, 0),
    signals: [],
    unsure: ['Event'],
    firstStamp,
  });
}

/** Units that one line makes true, or how the scan ended. */
function scan(scanner: LineScanner, line: string): number[] | string {
  const start = scanner.load(Buffer.from(line));
  const outcome = scanner.scan(start);
  if (outcome !== 'told') return outcome;
  const found = new Set<number>();
  for (let index = 0; index < scanner.resultCount; index++) {
    const list = scanner.resultAt(index);
    const count = (scanner.words[list] as number) + (scanner.words[list + 1] as number);
    for (let at = 0; at < count; at++) found.add(scanner.words[list + 2 + at] as number);
  }
  return [...found];
}

describe('the line scanner', () => {
  it('tells the units of each line', () => {
    const scanner = openScanner();
    expect(scan(scanner, '{"A":"xFOOx","a":{"b":0}}')).toEqual([0, 1]);
    expect(scan(scanner, '{"A":"fo"}')).toEqual([]);
    expect(scan(scanner, ' \r')).toBe('empty');
  });

  it('leaves keys with dots once, then knows where they lead', () => {
    const scanner = openScanner();
    expect(scan(scanner, '{"a.b":1}')).toBe('unsure');
    expect(scan(scanner, '{"a.b":1}')).toEqual([1]);
    expect(scan(scanner, '{"a.z":1}')).toBe('unsure');
    expect(scan(scanner, '{"a.z":1}')).toEqual([]);
  });

  it('leaves events of a shape that is read otherwise', () => {
    expect(scan(openScanner(), '{"Event":{}}')).toBe('unsure');
  });

  it('goes on when its stamps run out', () => {
    const scanner = openScanner(0x7ff00000 - 3);
    for (let round = 0; round < 20; round++) {
      expect(scan(scanner, `{"A":"foo ${round}","a":{"b":[]}}`)).toEqual([0]);
      expect(scan(scanner, `{"A":"foo ${round % 5}","a":{"b":1}}`)).toEqual([0, 1]);
    }
  });
});
