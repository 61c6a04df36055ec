/** An intake over a real embedded bus in a folder of the test's own, and how to read back what it took. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createIntake, type Intake } from '../../ingest/intake.ts';
import type { SiteIdentity } from '../../ingest/site-identity.ts';
import { SourceConfig, type SourceConfigInput } from '../../ingest/source-config.ts';
import { createMemoryStateStore } from '../../ingest/source-state.ts';
import type { Bus, BusRecord } from '../../platform/bus/bus.ts';
import { openBus } from '../../platform/bus/open-bus.ts';
import { systemClock } from '../../platform/core/clock.ts';
import { Counters } from '../../platform/core/counters.ts';
import type { PicketEvent } from '../../platform/core/event.ts';
import { silentLogger } from '../../platform/core/log.ts';
import { TOPICS, type TopicDefinition } from '../../platform/core/topics.ts';

export const SITE: SiteIdentity = {
  tenant: 'acme',
  id: 'lyon',
  tier: 'edge',
  jurisdiction: 'eu-fr',
  eventKey: Buffer.alloc(32, 7),
};

export interface RunningIntake {
  readonly intake: Intake;
  readonly counters: Counters;
  readonly bus: Bus;
  events(): Promise<PicketEvent[]>;
  deadLetters(): Promise<BusRecord[]>;
  close(): Promise<void>;
}

/** `wrap` may stand between the intake and the bus, to let it fail. */
export async function startIntake(
  sources: readonly SourceConfigInput[],
  wrap: (bus: Bus) => Pick<Bus, 'produce' | 'deadLetter' | 'congested'> = (bus) => bus,
): Promise<RunningIntake> {
  const folder = await mkdtemp(join(tmpdir(), 'picket-intake-'));
  const bus = await openBus({ engine: 'embedded', folder, clock: systemClock });
  await bus.ensureTopics([TOPICS.events, TOPICS.deadLetters]);
  const counters = new Counters();
  const intake = await createIntake({
    site: SITE,
    sources: sources.map((source) => SourceConfig.parse(source)),
    bus: wrap(bus),
    counters,
    clock: systemClock,
    stateStore: createMemoryStateStore(),
    logger: silentLogger,
  });
  const readAll = async (topic: TopicDefinition): Promise<BusRecord[]> => {
    const all: BusRecord[] = [];
    for (let partition = 0; partition < topic.partitions; partition++) {
      for (let offset = 0; ; ) {
        const records = await bus.read({ topic, partition, offset, max_records: 1_000 });
        const last = records.at(-1);
        if (!last) break;
        all.push(...records);
        offset = last.offset + 1;
      }
    }
    return all;
  };
  return {
    intake,
    counters,
    bus,
    events: async () =>
      (await readAll(TOPICS.events)).map(
        ({ value }) => JSON.parse(Buffer.from(value).toString('utf8')) as PicketEvent,
      ),
    deadLetters: () => readAll(TOPICS.deadLetters),
    close: async () => {
      await intake.close();
      await bus.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
