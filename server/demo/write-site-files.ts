// Writes the configuration of the demo's three sites into the demo's data folder.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dump } from 'js-yaml';

/** The ports of one start: four for the centre and each edge from here on. */
export const DEFAULT_PORT = 7400;

/** How many ports, from the first on, a demo may listen on. */
export const DEMO_PORTS = 24;

/** A demo site, its configuration file and its data folder. */
export interface DemoSite {
  readonly id: string;
  readonly name: string;
  readonly jurisdiction: string;
  readonly folder: string;
  readonly configFile: string;
  /** Where the bundle from the centre lies; edges only. */
  readonly bundleFile: string | undefined;
}

const LOCAL_ONLY = { addresses: ['127.0.0.0/8'] };

/** Centre first. Files are written anew at each start, since they hold ports; data beside them stays. */
export async function writeSiteFiles(options: {
  data: string;
  port: number;
  webhook: { url: string; secret: string };
}): Promise<DemoSite[]> {
  const { data, port, webhook } = options;
  const site = (id: string, name: string, jurisdiction: string): DemoSite => ({
    id,
    name,
    jurisdiction,
    folder: join(data, id),
    configFile: join(data, id, 'site.yaml'),
    bundleFile: id === 'centre' ? undefined : join(data, id, 'bundle.txt'),
  });
  const centre = site('centre', 'Centre', 'eu-fr');
  const lyon = site('factory-lyon', 'Factory Lyon', 'eu-fr');
  const shenzhen = site('factory-shenzhen', 'Factory Shenzhen', 'cn-gd');

  const edge = (edgeSite: DemoSite, base: number, sources: object[]): object => ({
    ...common(edgeSite, 'edge', base),
    ingest: { port: base + 1 },
    parent: { bundle_file: edgeSite.bundleFile },
    sources,
    respond: { executor: { type: 'file', path: join(edgeSite.folder, 'firewall', 'picket.nft') } },
  });
  const source = (id: string, format: string, receivers: object[], parameters: object = {}): object => ({
    id,
    format,
    receivers,
    access: LOCAL_ONLY,
    parameters,
  });
  const configurations: [DemoSite, object][] = [
    [
      centre,
      {
        ...common(centre, 'centre', port),
        link: { port: port + 1 },
        notifiers: [{ id: 'chat', type: 'webhook', url: webhook.url, secret: webhook.secret }],
      },
    ],
    [
      lyon,
      edge(lyon, port + 10, [
        source('kubernetes', 'kubernetes-audit', [{ type: 'http' }], { cluster: 'factory-lyon' }),
        source('falco', 'falco', [{ type: 'http' }], { cluster: 'factory-lyon' }),
        source('trivy', 'trivy', [{ type: 'http' }]),
        source('flows', 'netflow', [{ type: 'udp-netflow', port: port + 12 }]),
        source('gateway', 'syslog', [{ type: 'udp-syslog', port: port + 13 }]),
      ]),
    ],
    [
      shenzhen,
      edge(shenzhen, port + 20, [
        source('windows', 'windows', [{ type: 'bulk' }, { type: 'http' }]),
        source('flows', 'netflow', [{ type: 'udp-netflow', port: port + 22 }]),
        source('gateway', 'syslog', [{ type: 'udp-syslog', port: port + 23 }]),
      ]),
    ],
  ];
  for (const [{ folder, configFile }, configuration] of configurations) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(configFile, `# Written by \`picket up --demo\` at each start.\n${dump(configuration)}`, {
      mode: 0o600,
    });
  }
  return [centre, lyon, shenzhen];
}

function common(site: DemoSite, tier: string, port: number): object {
  return {
    tenant: 'demo',
    site: { id: site.id, name: site.name, tier, jurisdiction: site.jurisdiction },
    data: site.folder,
    listen: { port },
    log: { level: 'info', file: join(site.folder, 'picket.log') },
  };
}
