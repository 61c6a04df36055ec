// Opens the embedded stores of a stopped site under their locks, those that the new configuration puts elsewhere.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CarriedDetection, carryDetection } from '../../detect/worker/carry-detection.ts';
import type { Bus } from '../../platform/bus/bus.ts';
import { type CommittedOffset, holdsBus, openBus, readCommitted } from '../../platform/bus/open-bus.ts';
import type { Clock } from '../../platform/core/clock.ts';
import { PicketError } from '../../platform/core/errors.ts';
import { holdsIndex, type SegmentWalk, walkSegments } from '../../platform/index/open-index.ts';
import { openRecords } from '../../platform/records/open-records.ts';
import type { RecordStore } from '../../platform/records/record-store.ts';
import { ADDRESS_FILE } from '../commands/api-client.ts';
import type { SiteConfig } from '../site-config.ts';

/** What moves; undefined where it stays as it is, or where there is nothing. */
export interface OldStores {
  readonly records: RecordStore | undefined;
  readonly events: SegmentWalk | undefined;
  readonly bus: Bus | undefined;
  readonly committed: readonly CommittedOffset[];
  readonly detection: CarriedDetection | undefined;
  close(): Promise<void>;
}

/**
 * @throws PicketError MIGRATE_RUNNING, MIGRATE_NOTHING, MIGRATE_TOGETHER, RECORDS_LOCKED, BUS_LOCKED,
 * INDEX_FOLDER_IN_USE and what else the stores say when they are opened
 */
export async function openOldStores(options: {
  data: string;
  config: SiteConfig;
  clock: Clock;
}): Promise<OldStores> {
  const { data, config, clock } = options;
  for (const folder of new Set([data, config.data])) refuseRunning(folder);
  const folders = { records: join(data, 'records'), events: join(data, 'index'), bus: join(data, 'bus') };
  const there = {
    records: existsSync(join(folders.records, 'records.sqlite')),
    events: holdsIndex(folders.events),
    bus: holdsBus(folders.bus),
  };
  const moves = {
    records: there.records && config.records.engine === 'elasticsearch',
    events: there.events && config.index.engine === 'elasticsearch',
    bus: there.bus && config.bus.engine === 'kafka',
  };
  if (!moves.records && !moves.events && !moves.bus)
    throw new PicketError({
      code: 'MIGRATE_NOTHING',
      message:
        there.records || there.events || there.bus
          ? 'the configuration leaves every store of this folder embedded: set `bus`, `index` or `records` to Kafka or Elasticsearch'
          : `there is no embedded store in ${data}: name the data folder of the old site with --from`,
      place: { file: data },
    });
  if (moves.bus && config.parent && !moves.records)
    throw new PicketError({
      code: 'MIGRATE_TOGETHER',
      message:
        'a site with a parent moves its bus and its records in one run: the records say what was sent from the bus',
    });
  const opened: (() => Promise<unknown> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const end of opened.splice(0).reverse()) await end();
  };
  try {
    // Read before the bus is opened, which takes its lock.
    const committed = moves.bus ? readCommitted(folders.bus) : [];
    const bus = moves.bus
      ? await openBus({ engine: 'embedded', folder: folders.bus, clock, keep_all: true })
      : undefined;
    if (bus) opened.push(() => bus.close());
    const records = moves.records
      ? await openRecords({ engine: 'embedded', folder: folders.records, clock })
      : undefined;
    if (records) opened.push(() => records.close());
    const events = moves.events ? walkSegments({ folder: folders.events }) : undefined;
    if (events) opened.push(() => events.close());
    const detection = moves.bus ? carryDetection(join(data, 'detect')) : undefined;
    if (detection) opened.push(() => detection.close());
    return { records, events, bus, committed, detection, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A site says in its folder which process it is. @throws PicketError MIGRATE_RUNNING */
function refuseRunning(data: string): void {
  const file = join(data, ADDRESS_FILE);
  let pid: number;
  try {
    pid = (JSON.parse(readFileSync(file, 'utf8')) as { pid: number }).pid;
    process.kill(pid, 0);
  } catch {
    // No such file, or no such process.
    return;
  }
  throw new PicketError({
    code: 'MIGRATE_RUNNING',
    message: `process ${pid} runs a site on ${data}: stop it first (if it is another program, remove ${file})`,
    place: { file: data },
  });
}
