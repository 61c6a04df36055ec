// Opens the bus that a configuration asks for: the one place that knows the engines.
import type { Clock } from '../core/clock.ts';
import type { Bus } from './bus.ts';
import type { EmbeddedBusLimits } from './embedded/limits.ts';
import { openEmbeddedBus } from './embedded/open-embedded-bus.ts';
import type { DroppedSegment } from './embedded/partition-log.ts';
import type { KafkaState } from './kafka/describe-cluster.ts';
import type { KafkaBusOptions } from './kafka/open-kafka-bus.ts';

export interface EmbeddedBusSettings {
  readonly engine: 'embedded';
  /** Absolute folder that this process alone will own. */
  readonly folder: string;
  readonly clock: Clock;
  readonly limits?: Partial<EmbeddedBusLimits>;
  /** Nothing is dropped by retention: for whoever moves all of it elsewhere. */
  readonly keep_all?: boolean;
  /** Hears of every segment that retention drops. */
  readonly onDrop?: (dropped: DroppedSegment) => void;
}

export interface KafkaBusSettings extends KafkaBusOptions {
  readonly engine: 'kafka';
}

export type BusSettings = EmbeddedBusSettings | KafkaBusSettings;

/** Its client is loaded by those that use it. */
const loadKafka = () => import('./kafka/open-kafka-bus.ts');

/**
 * @throws PicketError embedded: BUS_LOCKED, BUS_FOLDER, BUS_SCHEMA, BUS_STORAGE;
 * Kafka: BUS_UNAVAILABLE, BUS_AUTHENTICATION, BUS_FORBIDDEN, BUS_TOPIC_MISMATCH, BUS_TOPIC_MISSING
 */
export async function openBus(settings: BusSettings): Promise<Bus> {
  if (settings.engine === 'kafka') {
    const { engine: _engine, ...options } = settings;
    const { openKafkaBus } = await loadKafka();
    return openKafkaBus(options);
  }
  const { engine: _engine, ...options } = settings;
  return openEmbeddedBus(options);
}

/** The bus of somebody else, to write into: a parent's Kafka, where a site has one topic. Connects when it first produces. */
export async function openForeignBus(settings: Omit<KafkaBusOptions, 'patient'>): Promise<Bus> {
  const { openKafkaProducer } = await loadKafka();
  return openKafkaProducer(settings);
}

export type BusState = { readonly engine: 'embedded' } | ({ readonly engine: 'kafka' } & KafkaState);

/** What stands behind a bus, without opening it: of Kafka its brokers and topics. @throws PicketError BUS_UNAVAILABLE, BUS_AUTHENTICATION, BUS_FORBIDDEN */
export async function describeBus(
  settings: { engine: 'embedded' } | Pick<KafkaBusSettings, 'engine' | 'connection' | 'topics' | 'logger'>,
): Promise<BusState> {
  if (settings.engine === 'embedded') return { engine: 'embedded' };
  const { describeKafka } = await import('./kafka/describe-cluster.ts');
  return { engine: 'kafka', ...(await describeKafka(settings)) };
}

// Where the groups of an embedded bus stand, for whoever moves it elsewhere.
export { type CommittedOffset, holdsBus, readCommitted } from './embedded/read-committed.ts';
