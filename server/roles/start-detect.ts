// The role `detect`: events into alerts by the rules in force, and alerts into incidents.
import { join } from 'node:path';
import { startIncidentBuilder } from '../../detect/incidents/start-incident-builder.ts';
import { startDetector } from '../../detect/worker/start-detector.ts';
import type { Endings } from '../endings.ts';
import type { OpenSite } from '../open-site.ts';
import type { RuleDesk } from '../rules/open-rule-desk.ts';

export async function startDetectRole(site: OpenSite, desk: RuleDesk, endings: Endings): Promise<void> {
  const { bus, records, config, clock, counters, logger } = site;
  const detector = startDetector({
    bus,
    folder: join(site.folder, 'detect'),
    rules: desk.detectorRules(),
    entityTable: desk.entityTable,
    site: { tenant: config.tenant, ...config.site },
    mode: config.parent ? 'site' : 'centre',
    // On Kafka other processes may detect beside this one.
    steps: config.bus.engine === 'kafka' ? 'two' : 'one',
    clock,
    counters,
    logger,
  });
  endings.add('detector', () => detector.stop());
  desk.attach(detector);
  const incidents = await site.alone('incidents', () =>
    startIncidentBuilder({ bus, records, clock, counters, logger }),
  );
  endings.add('incidents', () => incidents.stop());
}
