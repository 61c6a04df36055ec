// Counters by stage and reason.
import { describe, expect, it } from 'vitest';
import { Counters } from '../../../platform/core/counters.ts';

describe('Counters', () => {
  it('sum by stage and reason, over sources or for one', () => {
    const counters = new Counters();
    counters.add('index', 'created', { source: 'a', by: 2 });
    counters.add('index', 'created', { source: 'b' });
    counters.add('index', 'created');
    expect(counters.total('index', 'created')).toBe(4);
    expect(counters.total('index', 'created', 'a')).toBe(2);
    expect(counters.total('receive', 'created')).toBe(0);
  });
  it('restore what a snapshot said, and are not changed through it', () => {
    const counters = new Counters();
    counters.add('bus', 'x', { source: 's', by: 3 });
    const snapshot = counters.snapshot();
    const other = new Counters();
    other.restore(snapshot);
    other.add('bus', 'x', { source: 's' });
    expect(other.total('bus', 'x')).toBe(4);
    expect(counters.total('bus', 'x')).toBe(3);
    expect(snapshot).toEqual([{ stage: 'bus', reason: 'x', source: 's', count: 3 }]);
  });
});
