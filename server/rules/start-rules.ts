// Starts everything about rules at a site: packs, exceptions, counts, what is in force, backtests.
import { join } from 'node:path';
import { loadEntityTable } from '../../detect/worker/entity-table.ts';
import type { Clock } from '../../platform/core/clock.ts';
import type { Logger } from '../../platform/core/log.ts';
import type { EventIndex } from '../../platform/index/event-index.ts';
import type { RecordStore } from '../../platform/records/record-store.ts';
import { openPackDesk, type PackDesk } from '../packs/open-pack-desk.ts';
import { openPackStore } from '../packs/open-pack-store.ts';
import type { SiteConfig } from '../site-config.ts';
import { type BacktestDesk, openBacktestDesk } from './backtest-rules.ts';
import { keepTallies } from './keep-tallies.ts';
import { exceptionFolder, openExceptions } from './open-exceptions.ts';
import { gatesOf, openRuleDesk, type RuleDesk } from './open-rule-desk.ts';
import { shareReloads } from './share-reloads.ts';

export interface SiteRules {
  readonly desk: RuleDesk;
  readonly backtests: BacktestDesk;
  readonly packs: PackDesk;
  /** Stores the last counts; after the detector has ended. */
  close(): Promise<void>;
}

/** @throws PicketError LOGSOURCES_MISSING, PACK_PINS, and what the entity table says */
export async function startRules(options: {
  config: SiteConfig;
  configFile: string;
  content: (path: string) => string;
  /** Folder of this process's own files. */
  folder: string;
  /** Undefined where one process is the whole site; else its name. */
  process: string | undefined;
  /** Packs are changed, and counts shown, where the API is served. */
  servesApi: boolean;
  records: RecordStore;
  index: EventIndex;
  clock: Clock;
  logger: Logger;
}): Promise<SiteRules> {
  const { config, configFile, content, records, index, clock, logger, process, servesApi } = options;
  const entityTable = loadEntityTable(content(config.content.entity_fields));
  const store = openPackStore({ folder: join(config.data, 'packs'), owns: servesApi });
  const tallies = await keepTallies({ records, process, sums: servesApi && process !== undefined, logger });
  const exceptions = await openExceptions({
    folder: exceptionFolder(config, configFile),
    records,
    tallies,
    clock,
    logger,
  });
  let unshare = (): void => undefined;
  const close = async (): Promise<void> => {
    unshare();
    await exceptions.close();
    await tallies.close();
  };
  try {
    const workFolder = join(options.folder, 'backtests');
    const shared = { entityTable, exceptions, tallies, clock, logger, workFolder };
    const sharing = shareReloads({
      desk: openRuleDesk({ config, content, packs: store, ...shared }),
      records,
      logger,
    });
    const { desk } = sharing;
    unshare = () => sharing.stop();
    const backtests = openBacktestDesk({ desk, index, tenant: config.tenant, clock });
    const packs = openPackDesk({ store, desk, backtests, records, gates: gatesOf(config), clock });
    return { desk, backtests, packs, close };
  } catch (error) {
    await close();
    throw error;
  }
}
