// Events of the Security channel as ECS: who acted, on whom, from where, with which process and object.
import type { JsonObject } from '../../../platform/core/event.ts';
import { writeField } from '../../../platform/core/fields.ts';
import {
  applyMappings,
  type EventData,
  type Mapping,
  readAddress,
  readInteger,
  readName,
  readPort,
  say,
  writeFile,
  writeRegistry,
} from './event-data.ts';
import type { WindowsEvent } from './schema.ts';

const SUBJECT: readonly Mapping[] = [
  ['SubjectUserName', 'user.name'],
  ['SubjectDomainName', 'user.domain'],
  ['SubjectUserSid', 'user.id'],
  ['SubjectLogonId', 'winlog.logon.id'],
];

const TARGET_AS_USER: readonly Mapping[] = [
  ['TargetUserName', 'user.name'],
  ['TargetDomainName', 'user.domain'],
  ['TargetUserSid', 'user.id'],
  ['TargetSid', 'user.id'],
  ['TargetLogonId', 'winlog.logon.id'],
];

const FROM: readonly Mapping[] = [
  ['IpAddress', 'source.ip', readAddress],
  ['IpPort', 'source.port', readPort],
  ['WorkstationName', 'source.domain'],
  ['Workstation', 'source.domain'],
];

const PROCESS: readonly Mapping[] = [
  ['ProcessName', 'process.executable'],
  ['ProcessName', 'process.name', readName],
  ['ProcessId', 'process.pid', readInteger],
];

const NEW_PROCESS: readonly Mapping[] = [
  ['NewProcessName', 'process.executable'],
  ['NewProcessName', 'process.name', readName],
  ['NewProcessId', 'process.pid', readInteger],
  ['CommandLine', 'process.command_line'],
  ['ParentProcessName', 'process.parent.executable'],
  ['ParentProcessName', 'process.parent.name', readName],
  ['ProcessId', 'process.parent.pid', readInteger],
];

const FILTERING_PLATFORM: readonly Mapping[] = [
  ['SourceAddress', 'source.ip', readAddress],
  ['SourcePort', 'source.port', readPort],
  ['DestAddress', 'destination.ip', readAddress],
  ['DestPort', 'destination.port', readPort],
  ['Application', 'process.executable'],
  ['Application', 'process.name', readName],
  ['ProcessID', 'process.pid', readInteger],
  ['ProcessId', 'process.pid', readInteger],
  ['Protocol', 'network.iana_number'],
  ['Protocol', 'network.transport', (value) => TRANSPORTS[value]],
  ['Direction', 'network.direction', (value) => DIRECTIONS[value]],
];

const TRANSPORTS: Readonly<Record<string, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'ipv6-icmp' };
const DIRECTIONS: Readonly<Record<string, string>> = { '%%14592': 'inbound', '%%14593': 'outbound' };

/** Logon types (learn.microsoft.com: event 4624), in Winlogbeat's words. */
const LOGON_TYPES: Readonly<Record<string, string>> = {
  2: 'Interactive',
  3: 'Network',
  4: 'Batch',
  5: 'Service',
  7: 'Unlock',
  8: 'NetworkCleartext',
  9: 'NewCredentials',
  10: 'RemoteInteractive',
  11: 'CachedInteractive',
};

/** Events about a logon, where the user is the one who logs on, not the one who asks. */
const LOGON = new Set(['4624', '4625', '4627', '4634', '4647', '4768', '4769', '4770', '4771', '4776']);
/** Events where the second account is the object of the act. */
const ACCOUNT_CHANGE = /^47(?:2[0-9]|3[0-9]|4[0-9]|5[0-9]|6[0-7]|8[01])$|^479[89]$/;
/** … and is a group. */
const GROUP_CHANGE = /^47(?:2[789]|3[0-57]|5[4-8])$|^4799$/;

/** Writes into `fields`. */
export function mapSecurity(event: WindowsEvent, fields: JsonObject): void {
  const { data, eventId } = event;
  applyMappings(fields, data, LOGON.has(eventId) ? TARGET_AS_USER : SUBJECT);
  if (eventId === '4648') {
    applyMappings(fields, data, [
      ['TargetUserName', 'user.effective.name'],
      ['TargetDomainName', 'user.effective.domain'],
      ['TargetServerName', 'destination.domain'],
    ]);
  } else if (ACCOUNT_CHANGE.test(eventId)) mapAccountChange(eventId, data, fields);
  if (/^515[2-9]$/.test(eventId)) applyMappings(fields, data, FILTERING_PLATFORM);
  else {
    applyMappings(fields, data, FROM);
    if (eventId === '4688') mapNewProcess(data, fields);
    else applyMappings(fields, data, PROCESS);
  }
  mapLogon(data, fields);
  mapObject(data, fields);
  const service = say(data, 'ServiceName');
  if (service !== undefined) writeField(fields, 'service.name', service);
}

function mapAccountChange(eventId: string, data: EventData, fields: JsonObject): void {
  const prefix = GROUP_CHANGE.test(eventId) ? 'group' : 'user.target';
  applyMappings(fields, data, [
    ['TargetUserName', `${prefix}.name`],
    ['TargetDomainName', `${prefix}.domain`],
    ['TargetSid', `${prefix}.id`],
  ]);
  if (prefix === 'group') {
    applyMappings(fields, data, [
      ['MemberSid', 'user.target.id'],
      ['MemberName', 'user.target.name'],
    ]);
  }
}

function mapNewProcess(data: EventData, fields: JsonObject): void {
  applyMappings(fields, data, NEW_PROCESS);
  applyMappings(fields, data, [
    ['TargetUserName', 'user.effective.name'],
    ['TargetDomainName', 'user.effective.domain'],
  ]);
}

function mapLogon(data: EventData, fields: JsonObject): void {
  const type = say(data, 'LogonType');
  if (type !== undefined) writeField(fields, 'winlog.logon.type', LOGON_TYPES[type] ?? type);
  const status = say(data, 'Status');
  if (status !== undefined && status !== '0x0') writeField(fields, 'winlog.logon.failure.status', status);
  const subStatus = say(data, 'SubStatus');
  if (subStatus !== undefined && subStatus !== '0x0') {
    writeField(fields, 'winlog.logon.failure.sub_status', subStatus);
  }
}

function mapObject(data: EventData, fields: JsonObject): void {
  const name = say(data, 'ObjectName');
  const type = say(data, 'ObjectType');
  if (name !== undefined && type === 'File') writeFile(fields, 'file', name);
  else if (name !== undefined && type === 'Key') {
    const value = say(data, 'ObjectValueName');
    writeRegistry(fields, value === undefined ? name : `${name}\\${value}`, value !== undefined);
  }
  const relative = say(data, 'RelativeTargetName');
  const share = say(data, 'ShareLocalPath');
  if (relative !== undefined && share !== undefined) {
    writeFile(fields, 'file', `${share.replace(/^\\\?\?\\/, '').replace(/\\$/, '')}\\${relative}`);
  }
}
