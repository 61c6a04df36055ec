// The index on a real Elasticsearch: its contract, what random documents and questions give, and its own promises.
import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../platform/core/clock.ts';
import type { Expression } from '../../../platform/core/expression/expression.ts';
import { tokenise } from '../../../platform/core/text.ts';
import { openElasticsearchIndex } from '../../../platform/index/elasticsearch/index.ts';
import type { EventIndex } from '../../../platform/index/event-index.ts';
import { type Elasticsearch, startElasticsearch } from '../../services/elasticsearch.ts';
import { isRealRun, requireReal } from '../../services/require-real.ts';
import { describeIndexContract } from './contract.ts';
import { answersOf, arbitraryExpression, arbitraryFields, matchedAnswers } from './random-questions.ts';
import { minute, sampleDocument } from './sample-events.ts';

const threeUnits: Expression = {
  op: 'leaf',
  field: 'user.name',
  test: { kind: 'string', mode: 'wildcard', value: '???' },
};
const word = (value: string): Expression => ({ op: 'leaf', field: '*', test: { kind: 'text', value } });

/** Signs that stand for words and are no part of one, and Han in a compatibility form: as docs/elasticsearch.md has it. */
function isKnownToDiffer(text: string): boolean {
  return Array.from(text).some(
    (character) =>
      /[\u{f900}-\u{faff}\u{2f800}-\u{2fa1f}]/u.test(character) ||
      (!/[\p{L}\p{M}\p{Nd}\p{Alphabetic}_]/u.test(character) && tokenise(character).length > 0),
  );
}

const not = (of: Expression): Expression => ({ op: 'not', of });

describe('Elasticsearch', { timeout: 120_000 }, () => {
  let server: Elasticsearch;
  beforeAll(async () => {
    if (isRealRun()) server = await startElasticsearch();
  }, 180_000);
  beforeEach((context) => requireReal(context, 'jdk', 'elasticsearch'));
  afterAll(() => server?.stop());

  const open = (): Promise<EventIndex> =>
    openElasticsearchIndex({
      connection: { nodes: [server.url] },
      clock: systemClock,
      shape: { replicas: 0 },
    });
  const refresh = async (): Promise<void> => {
    await fetch(`${server.url}/picket-*/_refresh`, { method: 'POST' });
  };

  /** A test that is run again must not find what it wrote before. */
  let tenants = 0;

  describeIndexContract('the index on Elasticsearch', async () => {
    let index = await open();
    return {
      index,
      settle: refresh,
      async reopen() {
        await index.close();
        index = await open();
        return index;
      },
      stop: () => index.close(),
    };
  });

  it('finds for any documents and any expression exactly what the reference matcher finds', async () => {
    const index = await open();
    await fc.assert(
      fc.asyncProperty(
        fc.array(arbitraryFields, { minLength: 1, maxLength: 12 }),
        fc.array(arbitraryExpression, { minLength: 5, maxLength: 10 }),
        async (bodies, questions) => {
          fc.pre(!isKnownToDiffer(JSON.stringify(bodies)));
          const tenant = `t${tenants++}`;
          const documents = bodies.map((fields, n) =>
            sampleDocument(`d${n}`, { tenant, timestamp: minute(n), fields }),
          );
          await index.write(documents);
          await refresh();
          expect(await answersOf(index, tenant, questions)).toEqual(matchedAnswers(documents, questions));
        },
      ),
      {
        numRuns: Number(process.env['PICKET_PROPERTY_RUNS'] ?? 40),
        endOnFailure: true,
        // Two characters of Unicode, three of UTF-16's units.
        examples: [
          [
            [{ user: { name: ' \u{10000}' } }, {}],
            [not(threeUnits), threeUnits],
          ],
          // Words of other characters that stand for those of ASCII.
          [
            ['ﬁle.exe', '𝚋', 'ＰＯＷＥＲ', 'x𝚋y', 'ª', '🄱', 'K\u212A', 'ⓐ'].map((message) => ({ message })),
            ['file', 'b', 'power', 'xby', 'a', 'kk', 'fi'].map(word),
          ],
        ],
      },
    );
    await index.close();
  });
});
