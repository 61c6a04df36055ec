import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../../platform/core/config.ts';
import { checkSite } from '../../server/commands/check.ts';
import { readSiteConfig } from '../../server/read-site-config.ts';
import type { SiteConfig } from '../../server/site-config.ts';
import { makeFolder } from './start-picket.ts';

const { folder, remove } = makeFolder();
afterAll(remove);

const SMALLEST = `tenant: acme
site: { id: lyon, tier: edge, jurisdiction: eu-fr }
data: data
listen: { port: 7400 }
`;

function write(text: string): string {
  const file = join(folder, 'site.yaml');
  writeFileSync(file, text);
  return file;
}

const read = (text: string, environment: Record<string, string> = {}): SiteConfig =>
  readSiteConfig({ file: write(text), environment });

/** `path: code` of each problem. */
function problemsOf(text: string, environment: Record<string, string> = {}): string[] {
  try {
    read(text, environment);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ code, place }) => `${place.path}: ${code}`);
  }
  return [];
}

describe('the configuration of a site', () => {
  test('needs little: everything else has a default, and nothing listens but on loopback', () => {
    const config = read(SMALLEST);
    expect(config).toMatchObject({
      data: join(folder, 'data'),
      listen: { host: '127.0.0.1', port: 7400 },
      sources: [],
      notifiers: [],
      retention: [],
      content: { rules: ['rules/sigma', 'rules/correlation'], residency: 'rules/residency' },
      log: { level: 'info' },
    });
    expect(config.link).toBeUndefined();
    expect(config.respond).toBeUndefined();
  });

  test('tells every problem at once, each with its key path and line', () => {
    const text = `tenant: Not A Slug
site: { id: lyon, tier: hub, jurisdiction: eu-fr }
listen: { port: 70000 }
colour: red
log: { level: loud, fil: x }
`;
    expect(problemsOf(text).sort()).toEqual([
      'colour: CONFIG_UNKNOWN_KEY',
      'data: CONFIG_VALUE',
      'listen.port: CONFIG_VALUE',
      'log.fil: CONFIG_UNKNOWN_KEY',
      'log.level: CONFIG_VALUE',
      'site.tier: CONFIG_VALUE',
      'tenant: CONFIG_VALUE',
    ]);
    expect(() => read(text)).toThrow(/site\.yaml:4(?::\d+)? \(colour\): unknown key `colour`/);
  });

  test.each([
    ['a source twice', 'sources: [{ id: a, format: falco }, { id: a, format: trivy }]', 'sources.1.id'],
    ['a format that is none', 'sources: [{ id: a, format: constructor }]', 'sources.0.format'],
    [
      'a network source open to all',
      'ingest: { port: 1 }\nsources: [{ id: a, format: falco, receivers: [{ type: http }] }]',
      'sources.0.access',
    ],
    [
      'an http receiver without a listener',
      'sources: [{ id: a, format: falco, receivers: [{ type: http }], access: { addresses: [127.0.0.1] } }]',
      'sources.0.receivers',
    ],
    ['children of an edge site', 'link: { port: 1 }', 'link'],
    ['a port twice', 'ingest: { port: 7400 }', 'ingest.port'],
    [
      'a port twice among receivers',
      'sources: [{ id: a, format: syslog, access: { addresses: [127.0.0.1] }, receivers: [{ type: udp-syslog, port: 7400 }, { type: tcp-syslog, port: 514 }, { type: tcp-syslog, port: 514 }] }]',
      'sources.0.receivers.2.port',
    ],
    [
      'a client certificate that nobody asks for',
      'ingest: { port: 1 }\nsources: [{ id: a, format: falco, receivers: [{ type: http }], access: { client_certificate: { common_name: a } } }]',
      'sources.0.access.client_certificate',
    ],
    [
      'a webhook with a weak secret',
      'notifiers: [{ id: a, type: webhook, url: "https://x", secret: abc }]',
      'notifiers.0.secret',
    ],
    [
      'a protected network that is none',
      'respond: { executor: { type: nft }, protected_networks: [10.0.0.0/99] }',
      'respond.protected_networks.0',
    ],
    ['an executor that is none', 'respond: { executor: { type: shell } }', 'respond.executor.type'],
    ['a retention of no days', 'retention: [{ days: 0 }]', 'retention.0.days'],
  ])('refuses %s', (_, more, path) => {
    expect(problemsOf(`${SMALLEST}${more}\n`).map((problem) => problem.split(': ')[0])).toContain(path);
  });

  test('a centre has no parent', () => {
    const text = SMALLEST.replace('tier: edge', 'tier: centre');
    expect(problemsOf(`${text}parent: { bundle: x }\n`)).toEqual(['parent: CONFIG_VALUE']);
  });

  test('the environment overrides keys, and a broken override is told', () => {
    expect(read(SMALLEST, { PICKET_CONFIG__listen__port: '7500' }).listen.port).toBe(7500);
    expect(read(SMALLEST, { PICKET_CONFIG__log__level: 'debug' }).log.level).toBe('debug');
    expect(problemsOf(SMALLEST, { PICKET_CONFIG__listen__port: 'many' })).toEqual([
      'listen.port: CONFIG_VALUE',
    ]);
    expect(problemsOf(SMALLEST, { PICKET_CONFIG____proto____x: '1' })).toEqual([
      expect.stringContaining('CONFIG_ENVIRONMENT'),
    ]);
  });

  test('secrets come from environment and files, and a missing one is a problem with its place', () => {
    const secret = `whsec_${Buffer.alloc(32).toString('base64')}`;
    writeFileSync(join(folder, 'secret'), `${secret}\n`);
    const chat = (reference: string): string =>
      `${SMALLEST}notifiers: [{ id: chat, type: webhook, url: "https://chat.example", secret: ${reference} }]\n`;
    expect(read(chat('{ $env: CHAT }'), { CHAT: secret }).notifiers[0]?.secret).toBe(secret);
    expect(read(chat(`{ $file: ${join(folder, 'secret')} }`)).notifiers[0]?.secret).toBe(secret);
    expect(problemsOf(chat('{ $env: CHAT }'))).toContain('notifiers.0.secret: CONFIG_SECRET');
    expect(problemsOf(chat(`{ $file: ${join(folder, 'none')} }`))).toContain(
      'notifiers.0.secret: CONFIG_SECRET',
    );
  });

  test('every path starts at the folder of the file, whatever folder the program is started in', () => {
    writeFileSync(join(folder, 'token'), 'sixteen characters or more\n');
    const tls = '{ certificate_file: a.crt, key_file: a.key }';
    const config = read(`${SMALLEST.replace('7400', `7400, tls: ${tls}`)}ingest: { port: 7401, tls: ${tls} }
log: { file: picket.log }
parent: { bundle_file: bundle.txt }
respond: { executor: { type: file, path: firewall/picket.nft } }
sources:
  - id: gateway
    format: syslog
    access: { addresses: [10.0.0.1] }
    receivers: [{ type: file, paths: ['logs/*.log'] }, { type: tls-syslog, port: 6514, tls: ${tls} }]
  - { id: runtime, format: falco, access: { token: { $file: token } } }
`);
    const certificate_file = join(folder, 'a.crt');
    expect(config).toMatchObject({
      listen: { tls: { certificate_file } },
      ingest: { tls: { certificate_file, key_file: join(folder, 'a.key') } },
      log: { file: join(folder, 'picket.log') },
      parent: { bundle_file: join(folder, 'bundle.txt') },
      respond: { executor: { path: join(folder, 'firewall', 'picket.nft') } },
      sources: [
        { receivers: [{ paths: [join(folder, 'logs', '*.log')] }, { tls: { certificate_file } }] },
        { access: { token: 'sixteen characters or more' } },
      ],
    });
  });

  const bomb = ['a: &a [x, x]', 'b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]'];
  for (const [at, name] of ['c', 'd', 'e', 'f', 'g', 'h'].entries()) {
    const inner = String.fromCharCode('b'.charCodeAt(0) + at);
    bomb.push(`${name}: &${name} [${Array.from({ length: 9 }, () => `*${inner}`).join(', ')}]`);
  }

  test.each(['', '- a list', 'tenant: [', 'a: &a [*a]', bomb.join('\n'), '\u0000', 'tenant: a\ntenant: b'])(
    'the text %j is refused with a code, not with a throw of another kind',
    (text) => {
      expect(problemsOf(text).length).toBeGreaterThan(0);
    },
  );
});

describe('the bus of a site', () => {
  const CENTRE = SMALLEST.replace('edge', 'centre');
  const onKafka = (more: string): string =>
    `${CENTRE}bus: { engine: kafka, brokers: ['kafka-1:9093', '[::1]:9092']${more} }\n`;

  test('is embedded unless Kafka is asked for, and Kafka needs its brokers alone', () => {
    expect(read(CENTRE).bus).toEqual({ engine: 'embedded' });
    expect(read(onKafka('')).bus).toEqual({
      engine: 'kafka',
      brokers: ['kafka-1:9093', '[::1]:9092'],
      topics: { create: true, events_partitions: 24 },
      ingress: false,
      compression: 'zstd',
      delivery_timeout_ms: 5_000,
      spool: { max_bytes: 8 * 1024 ** 3 },
    });
  });

  test('takes its secrets from the environment and its files from beside the configuration', () => {
    const sasl = 'sasl: { mechanism: scram-sha-512, username: picket, password: { $env: KAFKA_PASSWORD } }';
    const tls = 'tls: { ca_file: ca.pem, certificate_file: picket.crt, key_file: picket.key }';
    const { bus } = read(onKafka(`, ${sasl}, ${tls}`), { KAFKA_PASSWORD: 'secret' });
    expect(bus).toMatchObject({
      sasl: { password: 'secret' },
      tls: { ca_file: join(folder, 'ca.pem'), certificate_file: join(folder, 'picket.crt') },
    });
    expect(problemsOf(onKafka(`, ${sasl}`))).toContain('bus.sasl.password: CONFIG_SECRET');
  });

  test.each([
    ['brokers: [kafka]', 'bus.brokers.0: CONFIG_VALUE'],
    ['brokers: []', 'bus.brokers: CONFIG_VALUE'],
    ['brokers: [a:1], tls: { key_file: a.key }', 'bus.tls: CONFIG_VALUE'],
    [
      'brokers: [a:1], sasl: { mechanism: md5, username: a, password: b }',
      'bus.sasl.mechanism: CONFIG_VALUE',
    ],
    ['brokers: [a:1], topics: { events_partitions: 0 }', 'bus.topics.events_partitions: CONFIG_VALUE'],
    ['brokers: [a:1], spool: { max_bytes: 1 }', 'bus.spool.max_bytes: CONFIG_VALUE'],
    ['brokers: [a:1], folder: x', 'bus.folder: CONFIG_UNKNOWN_KEY'],
    ['brokers: [a:1], ingress: true', 'bus.ingress: CONFIG_VALUE'],
  ])('refuses %j at its place', (text, problem) => {
    expect(problemsOf(`${CENTRE}bus: { engine: kafka, ${text} }\n`)).toContain(problem);
  });

  test('a file of its TLS that is not there is told by picket check', async () => {
    const problems = await checkSite(write(onKafka(', tls: { ca_file: none.pem }')), {});
    expect(problems).toContainEqual(
      expect.objectContaining({ code: 'TLS_FILE', place: expect.objectContaining({ path: 'bus.tls' }) }),
    );
  });

  test('of a parent, into which a site hands its batches, is reached in the same words', () => {
    const ingress = 'ingress: { brokers: [kafka:9093], tls: { ca_file: ca.pem } }';
    const { parent } = read(`${SMALLEST}parent: { bundle_file: bundle.txt, ${ingress} }\n`);
    expect(parent).toMatchObject({
      bundle_file: join(folder, 'bundle.txt'),
      ingress: { brokers: ['kafka:9093'], tls: { ca_file: join(folder, 'ca.pem') } },
    });
  });
});

describe('Elasticsearch', () => {
  test('has its files beside the configuration, for every cluster', () => {
    const tls = 'tls: { ca_file: ca.pem, certificate_file: own.pem, key_file: own.key }';
    const other = `{ name: gd, jurisdictions: [cn-gd], connection: { nodes: [https://gd:9200], ${tls} } }`;
    const config = read(
      `${SMALLEST}elasticsearch: { nodes: [https://es:9200], ${tls} }\nindex: { engine: elasticsearch, clusters: [${other}] }\n`,
    );
    const placed = {
      ca_file: join(folder, 'ca.pem'),
      certificate_file: join(folder, 'own.pem'),
      key_file: join(folder, 'own.key'),
    };
    expect(config.elasticsearch?.tls).toEqual(placed);
    expect(config.index).toMatchObject({ clusters: [{ connection: { tls: placed } }] });
  });
});

describe('picket check', () => {
  test('finds nothing wrong with a good file and the bundled content', async () => {
    expect(await checkSite(write(SMALLEST), {})).toEqual([]);
  });

  test('judges the content that the file names as well', async () => {
    const rules = join(folder, 'rule.yml');
    writeFileSync(rules, 'title: broken\ndetection: {}\n');
    const problems = await checkSite(
      write(`${SMALLEST}content: { rules: [${folder}], playbooks: ${join(folder, 'none')} }\n`),
      {},
    );
    expect(problems.length).toBeGreaterThan(1);
    expect(JSON.stringify(problems)).toContain('rule.yml');
    for (const { code } of problems) expect(code).not.toBe('INTERNAL');
  });

  test('a jurisdiction without a residency file is a problem', async () => {
    const problems = await checkSite(write(SMALLEST.replace('eu-fr', 'us-ca')), {});
    expect(problems.length).toBeGreaterThan(0);
  });

  test('a file that is not there is a problem with its name', async () => {
    const [problem] = await checkSite(join(folder, 'none.yaml'), {});
    expect(problem).toMatchObject({ code: 'CONFIG_UNREADABLE', place: { file: join(folder, 'none.yaml') } });
  });
});
