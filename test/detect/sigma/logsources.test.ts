import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { feedLogsources } from '../../../detect/coverage/fed-logsources.ts';
import { describeLogsources } from '../../../detect/sigma/describe-logsources.ts';
import { loadRules } from '../../../detect/sigma/load-rules.ts';
import { LogsourceRouter } from '../../../detect/sigma/logsource-routes.ts';
import type { Logsource } from '../../../detect/sigma/rule.ts';
import { readProjectFile } from '../../house/list-files.ts';
import { ourPipelines } from './compile-text.ts';

const CORPUS = join(import.meta.dirname, '../../../../shared/corpora/sigmahq');
const { routes } = ourPipelines();

it('docs/logsources.md is what the routes say today', () => {
  expect(readProjectFile('docs/logsources.md')).toBe(describeLogsources(routes));
});

it.skipIf(!existsSync(CORPUS))('every logsource of SigmaHQ has a route', () => {
  const router = new LogsourceRouter({ routes, raw: false });
  const logsources = new Map(
    loadRules({ folders: [CORPUS] }).rules.map(({ rule: { logsource } }) => {
      const { product, category, service } = logsource;
      return [JSON.stringify({ product, category, service }), logsource];
    }),
  );
  expect(logsources.size).toBeGreaterThan(100);
  expect([...logsources].filter(([, logsource]) => !router.isRouted(logsource)).map(([key]) => key)).toEqual(
    [],
  );
});

describe('events of Elastic’s integrations', () => {
  const feeds = (event: object, logsource: Logsource): boolean => {
    const router = new LogsourceRouter({ routes, raw: false });
    return router.select(router.keyOf(event), [logsource])[0] === true;
  };
  it.each([
    [
      'azure.signinlogs',
      { product: 'azure', service: 'signinlogs' },
      { product: 'azure', service: 'auditlogs' },
    ],
    [
      'gcp.audit',
      { product: 'gcp', service: 'gcp.audit' },
      { product: 'gcp', service: 'google_workspace.admin' },
    ],
    ['o365.audit', { product: 'm365', service: 'audit' }, { product: 'okta', service: 'okta' }],
    ['okta.system', { product: 'okta', service: 'okta' }, { product: 'aws', service: 'cloudtrail' }],
    ['github.audit', { product: 'github', service: 'audit' }, { product: 'bitbucket', service: 'audit' }],
    ['zeek.http', { category: 'proxy' }, { category: 'dns' }],
    ['zeek.dns', { product: 'zeek', service: 'dns' }, { product: 'zeek', service: 'http' }],
    ['nginx.access', { category: 'webserver' }, { service: 'apache' }],
    ['apache.access', { service: 'apache' }, { category: 'proxy' }],
    ['squid.log', { category: 'proxy' }, { category: 'webserver' }],
    ['fortinet_fortigate.log', { category: 'firewall' }, { product: 'paloalto', service: 'globalprotect' }],
    [
      'kubernetes.audit_logs',
      { product: 'kubernetes', category: 'application', service: 'audit' },
      { product: 'linux' },
    ],
  ])('%s feeds its own rules and no others', (dataset, own, other) => {
    expect(feeds({ event: { dataset } }, own)).toBe(true);
    expect(feeds({ event: { dataset } }, other)).toBe(false);
  });

  it('of a host are told apart by what they are about', () => {
    const event = {
      event: { dataset: 'endpoint.events.process', category: ['process'] },
      host: { os: { type: 'linux' } },
    };
    expect(feeds(event, { product: 'linux', category: 'process_creation' })).toBe(true);
    expect(feeds(event, { product: 'linux', category: 'file_event' })).toBe(false);
    expect(feeds(event, { product: 'macos', category: 'process_creation' })).toBe(false);
  });
});

describe('rules that nothing feeds', () => {
  const rule = (id: string, logsource: Logsource) => ({ id, title: id, logsource });
  const rules = [
    rule('windows', { product: 'windows', category: 'process_creation' }),
    rule('kubernetes', { product: 'kubernetes', service: 'audit' }),
    rule('sshd', { product: 'linux', service: 'sshd' }),
    rule('web', { category: 'webserver' }),
    rule('made up', { product: 'made_up', service: 'log' }),
  ];
  const unfed = (datasets: string[]): string[] => {
    const fed = feedLogsources({
      logsources: rules.map(({ logsource }) => logsource),
      datasets: datasets.map((dataset) => ({ dataset, from: 'here' })),
      routes,
    });
    return rules.filter((_, at) => fed[at]?.length === 0).map(({ id }) => id);
  };

  it('are named by the data sets of the sources', () => {
    expect(unfed(['syslog.auth', 'kubernetes.audit'])).toEqual(['windows', 'web', 'made up']);
    expect(unfed(['windows.sysmon', 'nginx.access'])).toEqual(['kubernetes', 'sshd', 'made up']);
    expect(unfed([])).toHaveLength(5);
    expect(unfed(['made_up.log'])).toEqual(['windows', 'kubernetes', 'sshd', 'web']);
  });
});
