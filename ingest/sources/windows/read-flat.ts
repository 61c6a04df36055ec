// Reads flat JSON, where System and EventData share one level: NXLog's im_msvistalog, exports that name it alike, Azure's SecurityEvent.
import { asInteger, asText } from '../../read-value.ts';
import { auditOutcome, channelName, dataText, eventTime, guidText, levelName } from './read-values.ts';
import type { ReadWindowsEvent } from './schema.ts';

/** Members that are System's or the shipper's (docs.nxlog.co: im_msvistalog fields); the rest is EventData. */
const SYSTEM = new Set([
  '@timestamp',
  '@version',
  'ActivityID',
  'Category',
  'Channel',
  'Computer',
  'ERROR_EVT_UNRESOLVED',
  'EventID',
  'EventSourceName',
  'EventReceivedTime',
  'EventTime',
  'EventTypeOrignal',
  'ExecutionProcessID',
  'ExecutionThreadID',
  'Hostname',
  'Keywords',
  'Level',
  'MG',
  'ManagementGroupName',
  'Message',
  'Opcode',
  'OpcodeValue',
  'ProviderGuid',
  'RecordNumber',
  'RelatedActivityID',
  'Severity',
  'SeverityValue',
  'SourceModuleName',
  'SourceModuleType',
  'SourceName',
  'SourceSystem',
  'Task',
  'TenantId',
  'ThreadID',
  'TimeCreated',
  'TimeGenerated',
  'Version',
  '_ResourceId',
  'host',
  'port',
  'tags',
]);

/** Values of NXLog's own EventType; any other is the EventData member of that name (Sysmon's SetValue). */
const NXLOG_TYPES = new Set([
  'AUDIT_SUCCESS',
  'AUDIT_FAILURE',
  'INFO',
  'WARNING',
  'ERROR',
  'CRITICAL',
  'VERBOSE',
  'DEBUG',
]);

/** NXLog resolves the writing account into these; without AccountType they are EventData (7045 has an AccountName). */
const ACCOUNT = new Set(['AccountName', 'AccountType', 'Domain', 'UserID']);

export const readFlat: ReadWindowsEvent = (value, zone) => {
  const channel = channelName(value['Channel']);
  const eventId = asInteger(value['EventID']);
  if (channel === undefined || eventId === undefined) return undefined;
  const data: Record<string, string> = {};
  // Azure's SecurityEvent has an AccountType too, but of the account that acted.
  const accounted = value['AccountType'] !== undefined && value['TimeGenerated'] === undefined;
  // NXLog before version 5 called the writing process so; EventData spells its own `ProcessId`.
  const fromNxlog = value['SourceModuleType'] === 'im_msvistalog';
  for (const key in value) {
    if (SYSTEM.has(key) || (accounted && ACCOUNT.has(key)) || (fromNxlog && key === 'ProcessID')) continue;
    const member = value[key];
    if (key === 'EventType' && NXLOG_TYPES.has(member as string)) continue;
    const text = dataText(member);
    if (text !== undefined) data[key] = text;
  }
  const opcode = asText(value['Opcode']);
  return {
    channel,
    eventId: String(eventId),
    provider: asText(value['SourceName'] ?? value['EventSourceName']),
    providerGuid: guidText(value['ProviderGuid']),
    computer: asText(value['Hostname']) ?? asText(value['Computer']),
    recordId: asText(value['RecordNumber']),
    level: levelName(value['Level'] ?? value['Severity']),
    task: asText(value['Category']) ?? asText(value['Task']),
    opcode: opcode ?? asText(value['OpcodeValue']),
    outcome: auditOutcome(value['EventType'], value['Keywords']),
    processId: asInteger(value['ExecutionProcessID'] ?? (fromNxlog ? value['ProcessID'] : undefined)),
    threadId: asInteger(value['ExecutionThreadID'] ?? value['ThreadID']),
    activityId: guidText(value['ActivityID']),
    user: accounted
      ? {
          identifier: asText(value['UserID']),
          name: asText(value['AccountName']),
          domain: asText(value['Domain']),
          type: asText(value['AccountType']),
        }
      : undefined,
    message: asText(value['Message']),
    timestamp: eventTime({
      utcTime: value['UtcTime'],
      candidates: [
        value['TimeCreated'],
        value['TimeGenerated'],
        value['EventTime'],
        value['@timestamp'],
        value['EventReceivedTime'],
      ],
      zone,
    }),
    data,
  };
};
