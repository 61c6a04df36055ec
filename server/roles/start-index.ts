// The role `index`: events from the bus into the index, retention, and the residency ledger.
import { startIndexWriter } from '../../platform/index/write-events.ts';
import { startLedgerKeeper } from '../../platform/residency/ledger-keeper.ts';
import type { Endings } from '../endings.ts';
import type { OpenSite } from '../open-site.ts';
import { startRetention } from '../start-retention.ts';

export async function startIndexRole(site: OpenSite, endings: Endings): Promise<void> {
  const { bus, index, records, config, clock, counters, logger } = site;
  const writer = startIndexWriter({ bus, index, counters, logger });
  endings.add('index writer', () => writer.stop());
  const ledger = startLedgerKeeper({ bus, records, logger });
  endings.add('ledger', () => ledger.stop());
  const retention = await site.alone('retention', () =>
    startRetention({ index, rules: config.retention, clock, counters, logger }),
  );
  endings.add('retention', () => retention.stop());
}
