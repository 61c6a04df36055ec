// Opens the bus that a configuration asks for: the one place that knows the engines.
import type { Clock } from '../core/clock.ts';
import type { Bus } from './bus.ts';
import type { EmbeddedBusLimits } from './embedded/limits.ts';
import { openEmbeddedBus } from './embedded/open-embedded-bus.ts';
import type { DroppedSegment } from './embedded/partition-log.ts';

export interface BusSettings {
  readonly engine: 'embedded';
  /** Absolute folder that this process alone will own. */
  readonly folder: string;
  readonly clock: Clock;
  readonly limits?: Partial<EmbeddedBusLimits>;
  /** Hears of every segment that retention drops. */
  readonly onDrop?: (dropped: DroppedSegment) => void;
}

/** @throws PicketError BUS_LOCKED, BUS_FOLDER, BUS_SCHEMA, BUS_STORAGE */
export async function openBus(settings: BusSettings): Promise<Bus> {
  // `engine` has one value until Kafka joins it here.
  const { engine: _engine, ...options } = settings;
  return openEmbeddedBus(options);
}
