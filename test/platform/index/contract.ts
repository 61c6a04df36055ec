// The contract suite of the event index: every engine faces it unchanged.
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { type Expression, equals } from '../../../platform/core/expression/expression.ts';
import { parseKql } from '../../../platform/core/kql/parse-kql.ts';
import type { EventIndex, IndexDocument } from '../../../platform/index/event-index.ts';
import { minute, sampleDocument } from './sample-events.ts';

export interface IndexUnderTest {
  readonly index: EventIndex;
  /** Makes what was written findable (a refresh); nothing where writes are found at once. */
  readonly settle?: () => Promise<void>;
  /** Closes and opens again over the same data; left out where that says nothing. */
  readonly reopen?: () => Promise<EventIndex>;
  readonly stop: () => Promise<void>;
}

/** Holds an engine to platform/index/event-index.ts. Each `open` gives an empty index. */
export function describeIndexContract(name: string, open: () => Promise<IndexUnderTest>): void {
  describe(`${name} keeps the index contract`, () => {
    let under: IndexUnderTest | undefined;
    let index: EventIndex;
    // Before the first test that runs: where all are skipped there is nothing to open.
    beforeEach(async () => {
      if (under) return;
      under = await open();
      index = under.index;
    });
    afterAll(() => under?.stop());
    const settle = async (): Promise<void> => under?.settle?.();
    const write = async (documents: readonly IndexDocument[]) => {
      const outcomes = await index.write(documents);
      await settle();
      return outcomes.map((outcome) => outcome.result);
    };
    const idsOf = async (request: Partial<Parameters<EventIndex['search']>[0]> & { tenant: string }) =>
      (await index.search({ limit: 1000, ...request })).hits.map((hit) => hit.event.id);

    it('tells created from duplicate, also inside one write, and keeps one', async () => {
      const document = sampleDocument('same', { tenant: 'once' });
      expect(await write([document, document])).toEqual(['created', 'duplicate']);
      expect(await write([document])).toEqual(['duplicate']);
      expect(await idsOf({ tenant: 'once' })).toEqual(['same']);
    });

    it('keeps one id of two tenants apart', async () => {
      await write([
        sampleDocument('shared', { tenant: 'left' }),
        sampleDocument('shared', { tenant: 'right' }),
      ]);
      expect(await index.count({ tenant: 'left' })).toEqual({ count: 1, exact: true });
      expect(await index.count({ tenant: 'right' })).toEqual({ count: 1, exact: true });
      expect(await index.get({ tenant: 'nobody', id: 'shared' })).toBeUndefined();
    });

    it('rejects what it cannot keep with a code and keeps the rest of the batch', async () => {
      const good = sampleDocument('good', { tenant: 'mixed' });
      const outcomes = await index.write([
        { ...good, id: 'torn', body: Buffer.from('{"a":') },
        { ...good, id: 'list', body: Buffer.from('[1]') },
        { ...good, id: 'bytes', body: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]) },
        { ...good, id: 'route', dataset: '../../etc' },
        { ...good, id: 'clock', timestamp: 'yesterday' },
        good,
      ]);
      await settle();
      expect(outcomes.map(({ result }) => result)).toEqual([
        'rejected',
        'rejected',
        'rejected',
        'rejected',
        'rejected',
        'created',
      ]);
      for (const outcome of outcomes.slice(0, 5)) {
        expect(outcome).toMatchObject({
          code: expect.stringMatching(/^INDEX_/),
          message: expect.any(String),
        });
      }
      expect(await idsOf({ tenant: 'mixed' })).toEqual(['good']);
    });

    it('gives back the event as it was written', async () => {
      const fields = { message: 'naïve 电源 \u0000 end', labels: { deep: [[1, null], { a: false }] } };
      await write([sampleDocument('whole', { tenant: 'whole', fields })]);
      expect(await index.get({ tenant: 'whole', id: 'whole' })).toMatchObject(fields);
      expect((await index.search({ tenant: 'whole', limit: 1 })).hits[0]).toMatchObject(fields);
    });

    it('orders by time and then id, newest or oldest first, and pages without gap or repeat', async () => {
      const documents = Array.from({ length: 700 }, (_, n) =>
        sampleDocument(`p${String((n * 37) % 700).padStart(4, '0')}`, {
          tenant: 'pages',
          timestamp: minute(Math.floor(((n * 37) % 700) / 3)),
          dataset: n % 2 === 0 ? 'windows.security' : 'netflow.flow',
        }),
      );
      await write(documents);
      const wanted = documents.map((document) => document.id).sort();
      for (const sort of ['newest', 'oldest'] as const) {
        const seen: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await index.search({
            tenant: 'pages',
            sort,
            limit: 97,
            ...(cursor === undefined ? {} : { cursor }),
          });
          seen.push(...page.hits.map((hit) => hit.event.id));
          cursor = page.cursor;
        } while (cursor !== undefined);
        expect(seen).toEqual(sort === 'oldest' ? wanted : [...wanted].reverse());
      }
    });

    it('keeps pages stable while newer and older events are appended', async () => {
      const at = (id: string, minutes: number) =>
        sampleDocument(id, { tenant: 'moving', timestamp: minute(minutes) });
      await write([at('a', 1), at('b', 2), at('c', 3), at('d', 4)]);
      const first = await index.search({ tenant: 'moving', limit: 2 });
      expect(first.hits.map((hit) => hit.event.id)).toEqual(['d', 'c']);
      await write([at('newer', 9), at('between', 2.5)]);
      const second = await index.search({ tenant: 'moving', limit: 10, cursor: first.cursor as string });
      expect(second.hits.map((hit) => hit.event.id)).toEqual(['between', 'b', 'a']);
      expect(second.cursor).toBeUndefined();
    });

    it('refuses a cursor that is none and limits out of bounds', async () => {
      const refused = async (request: { limit: number; cursor?: string }) =>
        index.search({ tenant: 'pages', ...request }).then(
          () => 'answered',
          (error: unknown) => (error as { code: string }).code,
        );
      expect(await refused({ limit: 1, cursor: 'bm9uZQ' })).toBe('INDEX_CURSOR_INVALID');
      expect(await refused({ limit: 0 })).toBe('INDEX_LIMIT');
      expect(await refused({ limit: 10_001 })).toBe('INDEX_LIMIT');
    });

    it('narrows by time (from inclusive, to exclusive), jurisdiction and dataset', async () => {
      await write([
        sampleDocument('n1', { tenant: 'scope', timestamp: minute(0) }),
        sampleDocument('n2', { tenant: 'scope', timestamp: minute(5), jurisdiction: 'cn-gd' }),
        sampleDocument('n3', { tenant: 'scope', timestamp: minute(10), dataset: 'kubernetes.audit' }),
      ]);
      const time = (minutes: number) => Date.parse(minute(minutes));
      expect(await idsOf({ tenant: 'scope', from: time(5) })).toEqual(['n3', 'n2']);
      expect(await idsOf({ tenant: 'scope', to: time(5) })).toEqual(['n1']);
      expect(await idsOf({ tenant: 'scope', jurisdictions: ['cn-gd'] })).toEqual(['n2']);
      expect(await idsOf({ tenant: 'scope', datasets: ['kubernetes.audit', 'none.such'] })).toEqual(['n3']);
    });

    it('finds by address, network, text, number, wildcard and absence', async () => {
      const document = (id: string, fields: Record<string, unknown>) =>
        sampleDocument(id, { tenant: 'find', fields });
      await write([
        document('f1', {
          source: { ip: '10.1.2.3' },
          message: 'Process Create: powershell.exe by CORP\\alice',
        }),
        document('f2', {
          source: { ip: ['192.168.1.9', '2001:db8::1'] },
          http: { response: { status_code: 403 } },
        }),
        document('f3', { process: { command_line: 'cmd.exe /c whoami' }, user: { name: 'Alice' } }),
      ]);
      const find = async (kql: string) =>
        (await idsOf({ tenant: 'find', where: parseKql(kql) })).sort().join(' ');
      expect(await find('source.ip: 10.1.2.3')).toBe('f1');
      expect(await find('source.ip: "192.168.0.0/16"')).toBe('f2');
      expect(await find('source.ip: "2001:0db8:0::1"')).toBe('f2');
      expect(await find('"powershell.exe by"')).toBe('f1');
      expect(await find('"by powershell.exe"')).toBe('');
      expect(await find('alice')).toBe('f1 f3');
      expect(await find('user.name: alice')).toBe('f3');
      expect(await find('http.response.status_code >= 400')).toBe('f2');
      expect(await find('process.command_line: *WHOAMI*')).toBe('f3');
      expect(await find('not user.name: *')).toBe('f1 f2');
      expect(await find('user.name: alice or source.ip: *')).toBe('f1 f2 f3');
    });

    it('counts, makes a histogram and top values, and says whether they are exact', async () => {
      await write(
        Array.from({ length: 600 }, (_, n) =>
          sampleDocument(`t${n}`, {
            tenant: 'sums',
            timestamp: minute(n),
            fields: { user: { name: `user${n % 7}` }, labels: { tag: [`tag${n % 3}`, 'all'] } },
          }),
        ),
      );
      const where: Expression = equals('user.name', 'USER1');
      expect(await index.count({ tenant: 'sums' })).toEqual({ count: 600, exact: true });
      const some = await index.count({ tenant: 'sums', where });
      expect(some.exact ? some.count : 86).toBe(86);
      const hours = await index.histogram({ tenant: 'sums', interval_ms: 3_600_000 });
      expect(hours.buckets).toEqual(
        Array.from({ length: 10 }, (_, hour) => ({ start: Date.parse(minute(hour * 60)), count: 60 })),
      );
      const top = await index.topValues({ tenant: 'sums', field: 'user.name', limit: 3 });
      expect(top.values).toEqual([
        { value: 'user0', count: 86 },
        { value: 'user1', count: 86 },
        { value: 'user2', count: 86 },
      ]);
      const tags = await index.topValues({ tenant: 'sums', field: 'labels.tag', limit: 2 });
      expect(tags.values).toEqual([
        { value: 'all', count: 600 },
        { value: 'tag0', count: 200 },
      ]);
    });

    it('keeps undated events findable in a segment of their own', async () => {
      await write([
        sampleDocument('future', {
          tenant: 'undated',
          time: 'future',
          timestamp: '2076-01-01T00:00:00.000Z',
        }),
        sampleDocument('ok', { tenant: 'undated' }),
      ]);
      expect(await idsOf({ tenant: 'undated' })).toEqual(['future', 'ok']);
      const periods = (await index.segments())
        .filter(({ tenant }) => tenant === 'undated')
        .map((s) => s.period);
      expect(periods.sort()).toEqual(['2026-w47', 'undated']);
    });

    it('drops whole segments of one jurisdiction and leaves the others', async () => {
      await write([
        sampleDocument('stay', { tenant: 'drop', jurisdiction: 'eu-fr' }),
        sampleDocument('go', { tenant: 'drop', jurisdiction: 'cn-gd' }),
      ]);
      const name = 'picket-drop-windows.security-cn-gd-2026-w47';
      expect((await index.segments()).find((segment) => segment.name === name)).toMatchObject({
        tenant: 'drop',
        dataset: 'windows.security',
        jurisdiction: 'cn-gd',
        period: '2026-w47',
        events: 1,
      });
      expect(await index.dropSegments([name, 'picket-none-such-eu-fr-undated'])).toBe(1);
      await settle();
      expect(await idsOf({ tenant: 'drop' })).toEqual(['stay']);
      expect(await write([sampleDocument('go', { tenant: 'drop', jurisdiction: 'cn-gd' })])).toEqual([
        'created',
      ]);
    });

    it('rejects with the reason of a signal that is aborted', async () => {
      const reason = new Error('the analyst went away');
      await expect(
        index.search({ tenant: 'pages', limit: 10, signal: AbortSignal.abort(reason) }),
      ).rejects.toBe(reason);
    });

    it('refuses an expression that cannot be read', async () => {
      const where: Expression = { op: 'leaf', field: 'a', test: { kind: 'cidr', value: 'not a network' } };
      await expect(index.search({ tenant: 'pages', limit: 1, where })).rejects.toMatchObject({
        code: 'EXPRESSION_INVALID',
      });
    });

    it('has everything again after it was closed and opened', async () => {
      if (!under?.reopen) return;
      const before = await index.count({ tenant: 'pages' });
      index = await under.reopen();
      expect(await index.count({ tenant: 'pages' })).toEqual(before);
      expect(
        await write([
          sampleDocument('p0001', { tenant: 'pages', timestamp: minute(0), dataset: 'netflow.flow' }),
        ]),
      ).toEqual(['duplicate']);
    });
  });
}
