// The Kafka bus against a real broker: the contract that the embedded bus passes, unchanged.
import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import type { Bus } from '../../../platform/bus/bus.ts';
import { openBus } from '../../../platform/bus/open-bus.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import { type Kafka, startKafka } from '../../services/kafka.ts';
import { isRealRun, requireReal } from '../../services/require-real.ts';
import { describeBusContract } from './contract.ts';

describe('against a real broker', () => {
  let kafka: Kafka | undefined;
  beforeAll(async () => {
    if (isRealRun()) kafka = await startKafka();
  });
  beforeEach((context) => requireReal(context, 'java', 'kafka'));
  afterAll(() => kafka?.stop());

  const open = (): Promise<Bus> =>
    openBus({
      engine: 'kafka',
      connection: { brokers: [kafka?.broker ?? ''], client_id: 'picket-test' },
      topics: { replication_factor: 1, create: true },
      clock: systemClock,
      logger: silentLogger,
    });

  describeBusContract('kafka', async () => {
    let bus = await open();
    return {
      bus,
      reopen: async () => {
        await bus.close();
        bus = await open();
        return bus;
      },
      dispose: () => bus.close(),
    };
  });
});
