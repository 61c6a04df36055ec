// Sysmon events as ECS (process, file, dll, registry, network, dns), after Winlogbeat's sysmon module.
import type { JsonObject } from '../../../platform/core/event.ts';
import { writeField } from '../../../platform/core/fields.ts';
import { canonicalAddress } from '../../../platform/core/network.ts';
import { baseName } from '../../read-value.ts';
import {
  applyMappings,
  type EventData,
  type Mapping,
  readAddress,
  readInteger,
  readName,
  readPort,
  say,
  writeAccount,
  writeFile,
  writeHashes,
  writeRegistry,
} from './event-data.ts';
import type { WindowsEvent } from './schema.ts';

const PROCESS: readonly Mapping[] = [
  ['ProcessGuid', 'process.entity_id'],
  ['ProcessId', 'process.pid', readInteger],
  ['Image', 'process.executable'],
  ['Image', 'process.name', readName],
  ['SourceProcessGuid', 'process.entity_id'],
  ['SourceProcessGUID', 'process.entity_id'],
  ['SourceProcessId', 'process.pid', readInteger],
  ['SourceThreadId', 'process.thread.id', readInteger],
  ['SourceImage', 'process.executable'],
  ['SourceImage', 'process.name', readName],
  ['CommandLine', 'process.command_line'],
  ['CurrentDirectory', 'process.working_directory'],
  ['ParentProcessGuid', 'process.parent.entity_id'],
  ['ParentProcessId', 'process.parent.pid', readInteger],
  ['ParentImage', 'process.parent.executable'],
  ['ParentImage', 'process.parent.name', readName],
  ['ParentCommandLine', 'process.parent.command_line'],
];

const PROGRAM: readonly Mapping[] = [
  ['OriginalFileName', 'process.pe.original_file_name'],
  ['Company', 'process.pe.company'],
  ['Description', 'process.pe.description'],
  ['FileVersion', 'process.pe.file_version'],
  ['Product', 'process.pe.product'],
];

const NETWORK: readonly Mapping[] = [
  ['Protocol', 'network.transport', (value) => value.toLowerCase()],
  ['SourceIp', 'source.ip', readAddress],
  ['SourceHostname', 'source.domain'],
  ['SourcePort', 'source.port', readPort],
  ['DestinationIp', 'destination.ip', readAddress],
  ['DestinationHostname', 'destination.domain'],
  ['DestinationPort', 'destination.port', readPort],
  ['DestinationPortName', 'network.protocol'],
  ['Initiated', 'network.direction', (value) => (value.toLowerCase() === 'true' ? 'egress' : 'ingress')],
  ['SourceIsIpv6', 'network.type', (value) => (value.toLowerCase() === 'true' ? 'ipv6' : 'ipv4')],
];

const SIGNATURE: readonly Mapping[] = [
  ['Signed', 'dll.code_signature.signed', (value) => value.toLowerCase() === 'true'],
  ['Signature', 'dll.code_signature.subject_name'],
  ['SignatureStatus', 'dll.code_signature.status'],
];

/** Events whose Hashes are the process's own image. */
const HASH_OF_PROCESS = new Set(['1', '23', '24', '25', '26', '27', '28', '29']);

/** Writes into `fields`. */
export function mapSysmon(event: WindowsEvent, fields: JsonObject): void {
  const { data, eventId } = event;
  applyMappings(fields, data, PROCESS);
  if (eventId === '1') applyMappings(fields, data, PROGRAM);
  const account = say(data, 'User') ?? say(data, 'SourceUser');
  if (account !== undefined) writeAccount(fields, 'user', account);
  const rule = say(data, 'RuleName');
  if (rule !== undefined) writeField(fields, 'rule.name', rule);
  mapHashes(event, fields);
  mapFile(event, fields);
  if (eventId === '3') applyMappings(fields, data, NETWORK);
  if (eventId === '22') mapDns(data, fields);
  const target = say(data, 'TargetObject');
  if (target !== undefined) mapRegistry({ event, target, fields });
}

function mapHashes({ eventId, data }: WindowsEvent, fields: JsonObject): void {
  const hashes = say(data, 'Hashes') ?? say(data, 'Hash');
  if (hashes === undefined) return;
  if (HASH_OF_PROCESS.has(eventId)) writeHashes(fields, 'process', hashes);
  else if (eventId === '6' || eventId === '7') writeHashes(fields, 'dll', hashes);
  else writeHashes(fields, 'file', hashes);
}

function mapFile({ eventId, data }: WindowsEvent, fields: JsonObject): void {
  const loaded = say(data, 'ImageLoaded');
  if (loaded !== undefined) {
    writeFile(fields, 'file', loaded);
    writeField(fields, 'dll.path', loaded);
    writeField(fields, 'dll.name', baseName(loaded));
    applyMappings(fields, data, SIGNATURE);
  }
  const file = say(data, 'TargetFilename');
  if (file !== undefined) writeFile(fields, 'file', file);
  const pipe = say(data, 'PipeName');
  if (pipe !== undefined && (eventId === '17' || eventId === '18')) writeField(fields, 'file.name', pipe);
}

function mapDns(data: EventData, fields: JsonObject): void {
  const name = say(data, 'QueryName');
  if (name !== undefined) writeField(fields, 'dns.question.name', name);
  writeField(fields, 'network.protocol', 'dns');
  const status = say(data, 'QueryStatus');
  if (status !== undefined) writeField(fields, 'dns.response_code', status === '0' ? 'NOERROR' : status);
  // `type:  5 alias.example;::ffff:10.0.0.1;` – names with their type, addresses bare.
  const answers = (say(data, 'QueryResults') ?? '').split(';').filter((answer) => answer !== '');
  const addresses = answers.map(canonicalAddress).filter((address) => address !== undefined);
  if (addresses.length > 0) writeField(fields, 'dns.resolved_ip', [...new Set(addresses)]);
}

function mapRegistry(options: { event: WindowsEvent; target: string; fields: JsonObject }): void {
  const { event, target, fields } = options;
  // 12 speaks of keys and values alike; only 13 always names a value.
  writeRegistry(fields, target, event.eventId === '13' || event.data['EventType'] === 'DeleteValue');
  const details = say(event.data, 'Details');
  if (details === undefined) return;
  const number = /^(DWORD|QWORD) \((0x[0-9a-f-]+)\)$/i.exec(details);
  writeField(fields, 'registry.data.strings', [number?.[2] ?? details]);
  if (number?.[1]) writeField(fields, 'registry.data.type', `REG_${number[1].toUpperCase()}`);
}
