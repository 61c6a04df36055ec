// Segment names: pure, unambiguous, and true to the calendar.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PERIODS, periodBounds, periodOf, segmentName } from '../../../platform/index/segment-name.ts';

const route = {
  tenant: 'acme',
  dataset: 'kubernetes.audit',
  jurisdiction: 'cn-gd',
  judgement: 'ok',
} as const;

describe('segment names', () => {
  it('hold tenant, dataset, jurisdiction and period', () => {
    const time = Date.UTC(2026, 10, 23, 23, 59);
    expect(segmentName({ ...route, time }, 'day')).toBe('picket-acme-kubernetes.audit-cn-gd-2026-11-23');
    expect(segmentName({ ...route, time }, 'week')).toBe('picket-acme-kubernetes.audit-cn-gd-2026-w48');
    expect(segmentName({ ...route, time }, 'month')).toBe('picket-acme-kubernetes.audit-cn-gd-2026-11');
    expect(segmentName({ ...route, time, judgement: 'future' }, 'day')).toBe(
      'picket-acme-kubernetes.audit-cn-gd-undated',
    );
  });

  it('use the ISO week and its own year around new year', () => {
    expect(periodOf('week', Date.UTC(2027, 0, 1), 'ok')).toBe('2026-w53');
    expect(periodOf('week', Date.UTC(2024, 11, 30), 'ok')).toBe('2025-w01');
    expect(periodOf('week', Date.UTC(2023, 0, 1), 'ok')).toBe('2022-w52');
  });

  it('name a period whose bounds hold the time, and the neighbours not', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: Date.UTC(1970, 0, 5), max: Date.UTC(2099, 11, 31) }),
        fc.constantFrom(...PERIODS),
        (time, period) => {
          const name = periodOf(period, time, 'ok');
          const bounds = periodBounds(name) as { from: number; to: number };
          expect(bounds.from).toBeLessThanOrEqual(time);
          expect(bounds.to).toBeGreaterThan(time);
          expect(periodOf(period, bounds.from, 'ok')).toBe(name);
          expect(periodOf(period, bounds.to - 1, 'ok')).toBe(name);
          expect(periodOf(period, bounds.to, 'ok')).not.toBe(name);
        },
      ),
    );
  });

  it('refuse parts that could leave the folder or be read two ways', () => {
    const time = 0;
    const refused = [
      { ...route, time, tenant: '../x' },
      { ...route, time, tenant: 'A' },
      { ...route, time, dataset: 'a/b' },
      { ...route, time, dataset: 'dd' },
      { ...route, time, jurisdiction: 'eu_fr' },
      { ...route, time: Number.NaN },
    ];
    for (const bad of refused) {
      expect(() => segmentName(bad, 'day')).toThrow(expect.objectContaining({ code: 'INDEX_ROUTE_INVALID' }));
    }
    expect(periodBounds('2026-13-45')).toBeUndefined();
    expect(periodBounds('soon')).toBeUndefined();
  });

  it('are never shared by two routes', () => {
    const slug = fc.stringMatching(/^[a-c](-?[a-c]){0,3}$/);
    const dataset = fc
      .stringMatching(/^[a-c]{1,3}(\.[a-c]{1,2})?$/)
      .filter((name) => !/^[a-z]{2}$/.test(name));
    const jurisdiction = fc.stringMatching(/^[a-c]{2}(-[a-c]{2,3})?$/);
    const one = fc.record({ tenant: slug, dataset, jurisdiction });
    fc.assert(
      fc.property(one, one, (a, b) => {
        const name = (parts: typeof a) => segmentName({ ...parts, time: 0, judgement: 'ok' }, 'month');
        expect(name(a) === name(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
      { numRuns: 5000 },
    );
  });
});
