/** Our own pipelines over events as sources and Elastic's integrations name them (written by hand, short). */
import { describe, expect, it } from 'vitest';
import { compileText, ourPipelines, ruleText } from '../compile-text.ts';

const matches = (logsource: string, item: string, event: object): boolean => {
  const { engine, refused } = compileText({
    text: ruleText(`  sel:\n    ${item}\n  condition: sel`, `{ ${logsource} }`),
    pipelines: ourPipelines().pipelines,
    raw: false,
  });
  if (refused.length > 0) throw new Error(JSON.stringify(refused));
  return engine.match(event).length > 0;
};
const of = (dataset: string, more: object = {}): object => ({ event: { dataset }, ...more });
const windows = (channel: string, code: string, event_data: object): object => ({
  event: { dataset: 'windows.other', code },
  winlog: { channel, provider_name: 'P', event_data },
});
const SYSMON = 'Microsoft-Windows-Sysmon/Operational';

describe('our pipelines', () => {
  it.each([
    [
      'product: aws, service: cloudtrail',
      'responseElements.ConsoleLogin: Success',
      of('aws.cloudtrail', {
        aws: { cloudtrail: { flattened: { response_elements: { ConsoleLogin: 'Success' } } } },
      }),
    ],
    [
      'product: aws, service: cloudtrail',
      'eventName: CreateUser',
      { event: { dataset: 'aws.cloudtrail', action: 'CreateUser' } },
    ],
    [
      'product: azure, service: activitylogs',
      'operationName: MICROSOFT.A/WRITE',
      { event: { dataset: 'azure.activitylogs', action: 'microsoft.a/write' } },
    ],
    [
      'product: azure, service: auditlogs',
      'properties.message: Add user',
      of('azure.auditlogs', { azure: { auditlogs: { properties: { activity_display_name: 'Add user' } } } }),
    ],
    [
      'product: azure, service: signinlogs',
      'ResultType: 50057',
      of('azure.signinlogs', { azure: { signinlogs: { result_type: '50057' } } }),
    ],
    [
      'product: azure, service: riskdetection',
      'riskEventType: leakedCredentials',
      of('azure.identity_protection', {
        azure: { identity_protection: { properties: { risk_event_type: 'leakedCredentials' } } },
      }),
    ],
    [
      'product: gcp, service: gcp.audit',
      'gcp.audit.method_name: storage.buckets.delete',
      { event: { dataset: 'gcp.audit', action: 'storage.buckets.delete' } },
    ],
    [
      'product: gcp, service: google_workspace.admin',
      'eventService: admin.googleapis.com',
      { event: { dataset: 'google_workspace.admin', provider: 'admin.googleapis.com' } },
    ],
    [
      'product: m365, service: audit',
      'Operation: New-InboxRule',
      { event: { dataset: 'o365.audit', action: 'New-InboxRule' } },
    ],
    [
      'product: m365, service: audit',
      'Parameters|contains: forward',
      of('o365.audit', { o365: { audit: { Parameters: 'ForwardTo' } } }),
    ],
    [
      'product: okta, service: okta',
      'eventType: user.lock',
      of('okta.system', { okta: { event_type: 'user.lock' } }),
    ],
    [
      'product: okta, service: okta',
      'debugContext.debugData.behaviors|contains: POSITIVE',
      of('okta.system', {
        okta: { debug_context: { debug_data: { flattened: { behaviors: '{New Device=POSITIVE}' } } } },
      }),
    ],
    [
      'product: github, service: audit',
      'action: repo.destroy',
      { event: { dataset: 'github.audit', action: 'repo.destroy' } },
    ],
    [
      'product: onelogin, service: onelogin.events',
      'event_type_id: 90',
      of('onelogin.events', { onelogin: { event_type_id: 90 } }),
    ],
    [
      'product: bitbucket, service: audit',
      'auditType.action: Project deleted',
      { event: { dataset: 'atlassian_bitbucket.audit', action: 'Project deleted' } },
    ],
    [
      'product: kubernetes, service: audit',
      'verb: create',
      of('kubernetes.audit', { kubernetes: { audit: { verb: 'create' } } }),
    ],
    [
      'category: webserver',
      'cs-uri-query|contains: union',
      of('nginx.access', { url: { query: 'a=UNION' } }),
    ],
    ['category: proxy', "c-useragent: 'curl*'", of('squid.log', { user_agent: { original: 'curl/8' } })],
    [
      'category: dns',
      'query|endswith: .example',
      of('zeek.dns', { dns: { question: { name: 'a.example' } } }),
    ],
    ['category: firewall', 'dst_port: 4444', of('netflow.flow', { destination: { port: 4444 } })],
    [
      'product: zeek, service: dns',
      'qtype_name: TXT',
      of('zeek.dns', { dns: { question: { type: 'TXT' } } }),
    ],
    [
      'product: zeek, service: http',
      'client_header_names|contains: X',
      of('zeek.http', { zeek: { http: { client_header_names: 'X-A' } } }),
    ],
    [
      'product: zeek, service: smb_files',
      "name|endswith: '.exe'",
      of('zeek.smb_files', { zeek: { smb_files: { name: 'a.exe' } } }),
    ],
    [
      'product: fortigate, service: event',
      'cfgpath: system.admin',
      of('fortinet_fortigate.log', { fortinet: { firewall: { cfgpath: 'system.admin' } } }),
    ],
    [
      'product: linux, service: auditd',
      'type: EXECVE\n    a0: chmod',
      of('auditd.log', { auditd: { log: { record_type: 'EXECVE' }, data: { a0: 'chmod' } } }),
    ],
    [
      'product: linux, category: network_connection',
      "Initiated: 'true'\n    DestinationPort: 22",
      {
        event: { dataset: 'endpoint.events.network', category: ['network'] },
        host: { os: { type: 'linux' } },
        network: { direction: 'egress' },
        destination: { port: 22 },
      },
    ],
    [
      'product: macos, category: process_creation',
      "Image|endswith: '/osascript'",
      {
        event: { dataset: 'macos.es', category: ['process'] },
        process: { executable: '/usr/bin/osascript' },
      },
    ],
    [
      'category: antivirus',
      'Signature|contains: Mimikatz',
      windows('Microsoft-Windows-Windows Defender/Operational', '1116', {
        'Threat Name': 'HackTool:Win32/Mimikatz',
      }),
    ],
    [
      'product: windows, service: windefend',
      'ThreatName|contains: Mimikatz',
      windows('Microsoft-Windows-Windows Defender/Operational', '1116', {
        'Threat Name': 'HackTool:Win32/Mimikatz',
      }),
    ],
    [
      'product: windows, category: registry_set',
      "TargetObject|endswith: '\\Run\\x'",
      windows(SYSMON, '13', { TargetObject: 'HKLM\\Run\\x' }),
    ],
    [
      'product: windows, category: registry_set',
      'Details: evil.exe',
      windows('Security', '4657', { NewValue: 'evil.exe' }),
    ],
    [
      'product: windows, category: file_access',
      "FileName|endswith: '\\Login Data'",
      windows('Security', '4663', { ObjectName: 'C:\\Login Data' }),
    ],
    [
      'product: windows, category: dns_query',
      'QueryName: a.example',
      windows(SYSMON, '22', { QueryName: 'a.example' }),
    ],
    [
      'product: windows, service: system',
      'Provider_Name: P\n    param1: x',
      windows('System', '7036', { param1: 'x' }),
    ],
  ])('%s %s', (logsource, item, event) => {
    expect(matches(logsource, item, event)).toBe(true);
    // The same item asks for something of another name in an event that says nothing of it.
    expect(matches(logsource, item, { event: { dataset: 'nothing.known' } })).toBe(false);
  });

  it('say which way a connection of an agent goes', () => {
    const event = {
      event: { dataset: 'endpoint.events.network', category: ['network'] },
      host: { os: { type: 'linux' } },
      network: { direction: 'ingress' },
    };
    expect(matches('product: linux, category: network_connection', "Initiated: 'true'", event)).toBe(false);
    expect(matches('product: linux, category: network_connection', "Initiated: 'false'", event)).toBe(true);
  });
});
