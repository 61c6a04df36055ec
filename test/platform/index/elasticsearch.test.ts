// The index on a real Elasticsearch: its contract, what random documents and questions give, and its own promises.
import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../platform/core/clock.ts';
import { openElasticsearchIndex } from '../../../platform/index/elasticsearch/index.ts';
import type { EventIndex } from '../../../platform/index/event-index.ts';
import { type Elasticsearch, startElasticsearch } from '../../services/elasticsearch.ts';
import { isRealRun, requireReal } from '../../services/require-real.ts';
import { describeIndexContract } from './contract.ts';
import { answersOf, arbitraryExpression, arbitraryFields, matchedAnswers } from './random-questions.ts';
import { minute, sampleDocument } from './sample-events.ts';

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
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(arbitraryFields, { minLength: 1, maxLength: 12 }),
        fc.array(arbitraryExpression, { minLength: 5, maxLength: 10 }),
        async (bodies, questions) => {
          const tenant = `t${round++}`;
          const documents = bodies.map((fields, n) =>
            sampleDocument(`d${n}`, { tenant, timestamp: minute(n), fields }),
          );
          await index.write(documents);
          await refresh();
          expect(await answersOf(index, tenant, questions)).toEqual(matchedAnswers(documents, questions));
        },
      ),
      { numRuns: Number(process.env['PICKET_PROPERTY_RUNS'] ?? 40), endOnFailure: true },
    );
    await index.close();
  });
});
