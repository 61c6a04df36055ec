// The KQL that the page writes is what the server reads.
import { assert, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseKql } from '../../platform/core/kql/parse-kql.ts';
import { kqlAnd, kqlOneOf, kqlTerm } from '../../ui/src/api/kql.ts';
import { whereOf } from '../../ui/src/features/alerts/where-of.ts';

describe('filters that the page writes', () => {
  test('any value can be asked for, whatever quotes and backslashes it has', () => {
    assert(
      property(string({ minLength: 1, unit: 'binary' }), (value) => {
        expect(() => parseKql(kqlTerm('user.name', value))).not.toThrow();
      }),
    );
    expect(kqlTerm('user.name', 'THESHIRE\\"p"')).toBe('user.name: "THESHIRE\\\\\\"p\\""');
  });

  test('parts are joined without changing what each asks', () => {
    const where = kqlAnd(['a: 1 or b: 2', undefined, '', kqlOneOf('rule.level', ['high', 'critical'])]);
    expect(where).toBe('(a: 1 or b: 2) and (rule.level: ("high" or "critical"))');
    expect(() => parseKql(where)).not.toThrow();
  });

  test('withdrawn alerts are left out unless the query speaks of them', () => {
    expect(whereOf({})).toBe('state: current');
    expect(whereOf({ where: 'state: withdrawn' })).toBe('state: withdrawn');
  });
});
