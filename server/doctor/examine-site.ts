// Looks at everything that a site stands on, and says of each whether it is well; changes nothing.
import { systemClock } from '../../platform/core/clock.ts';
import { describeError, errorCode } from '../../platform/core/errors.ts';
import { silentLogger } from '../../platform/core/log.ts';
import { connectToSite } from '../commands/api-client.ts';
import type { SiteConfig } from '../site-config.ts';
import { type ExaminedCluster, examineElasticsearch } from './examine-elasticsearch.ts';
import { examineKafka } from './examine-kafka.ts';
import { examineCertificates, examineDisk } from './examine-machine.ts';
import { type Finding, good, problem, warning } from './finding.ts';

export async function examineSite(config: SiteConfig): Promise<Finding[]> {
  return (await Promise.all([examineProcess(config), examineGround(config)])).flat();
}

/** What it stands on, whether it runs or not. */
export async function examineGround(config: SiteConfig): Promise<Finding[]> {
  const { bus } = config;
  const parts = [
    examineDisk(config),
    Promise.resolve(examineCertificates(config, systemClock.now())),
    ...(bus.engine === 'kafka' ? [examineKafka(bus, config.site.id, silentLogger)] : []),
    ...clustersOf(config).map((cluster) => examineElasticsearch(cluster, () => systemClock.now())),
  ];
  return (await Promise.all(parts)).flat();
}

/** Each cluster, with what of this site stands there. */
function clustersOf({ elasticsearch, index, records }: SiteConfig): ExaminedCluster[] {
  const events = index.engine === 'elasticsearch';
  const others = events
    ? index.clusters.map(({ connection }) => ({ connection, events, records: undefined }))
    : [];
  const own = records.engine === 'elasticsearch' ? records.index : undefined;
  const main =
    elasticsearch && (events || own !== undefined)
      ? [{ connection: elasticsearch, events, records: own }]
      : [];
  return [...main, ...others];
}

/** The process that owns the data folder. */
async function examineProcess({ data }: SiteConfig): Promise<Finding> {
  const subject = `process of ${data}`;
  try {
    const client = await connectToSite({ data, environment: {} });
    await client.call('GET', '/readyz');
    return good(subject, `ready at ${client.url}`);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'SITE_NOT_RUNNING') return good(subject, 'not running');
    if (code === 'SITE_UNREACHABLE')
      return problem(subject, describeError(error), 'see its log (`log.file`), and whether it was killed');
    return warning(subject, 'running, but not ready', 'ask `/readyz` for the reasons; see its log');
  }
}
