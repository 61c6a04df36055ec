// A Windows event as ECS: what all channels share, then what Sysmon, Security and PowerShell add.
import type { JsonObject } from '../../../platform/core/event.ts';
import { writeField } from '../../../platform/core/fields.ts';
import type { EventDraft } from '../../source.ts';
import { classifyEvent, datasetOf } from './classify-event.ts';
import { mapPowerShell } from './map-powershell.ts';
import { mapSecurity } from './map-security.ts';
import { mapSysmon } from './map-sysmon.ts';
import type { WindowsEvent } from './schema.ts';

/** For renderings that leave Keywords out: ids that are only ever the one. */
const OUTCOMES: Readonly<Record<string, string>> = {
  4624: 'success',
  4625: 'failure',
  4634: 'success',
  4648: 'success',
  4672: 'success',
  4688: 'success',
  4689: 'success',
};

/**
 * The draft of one event. Its own id is computer, channel, record id and time: record ids begin anew when
 * a log is cleared.
 */
export function mapWindowsEvent(event: WindowsEvent): EventDraft {
  const dataset = datasetOf(event.channel);
  const classified = classifyEvent({ dataset, channel: event.channel, eventId: event.eventId });
  const fields: JsonObject = {
    event: definedOnly({
      kind: 'event',
      module: 'windows',
      code: event.eventId,
      provider: event.provider,
      category: classified?.category,
      type: classified?.type,
      action: classified?.action,
      outcome: dataset === 'windows.security' ? (event.outcome ?? OUTCOMES[event.eventId]) : undefined,
    }),
    winlog: definedOnly({
      channel: event.channel,
      event_id: event.eventId,
      provider_name: event.provider,
      provider_guid: event.providerGuid,
      computer_name: event.computer,
      record_id: event.recordId,
      task: event.task,
      opcode: event.opcode,
      activity_id: event.activityId,
      process: processOf(event),
      user: event.user && definedOnly({ ...event.user }),
      event_data: event.data,
    }),
  };
  if (event.computer !== undefined) {
    fields['host'] = {
      name: event.computer,
      hostname: event.computer.split('.')[0],
      os: { family: 'windows' },
    };
  }
  if (event.level !== undefined) fields['log'] = { level: event.level };
  if (event.message !== undefined) fields['message'] = event.message;
  if (dataset === 'windows.sysmon') mapSysmon(event, fields);
  else if (dataset === 'windows.security') mapSecurity(event, fields);
  else if (dataset === 'windows.powershell') mapPowerShell(event, fields);
  else if (event.eventId === '7045' && event.data['ServiceName']) {
    writeField(fields, 'service.name', event.data['ServiceName']);
  }
  writeRelated(fields);
  const { computer, recordId, timestamp } = event;
  return {
    dataset,
    timestamp,
    ...(computer === undefined || recordId === undefined || timestamp === undefined
      ? {}
      : { uniqueId: `${computer}/${event.channel}/${recordId}/${timestamp}` }),
    fields,
  };
}

function processOf(event: WindowsEvent): JsonObject | undefined {
  if (event.processId === undefined && event.threadId === undefined) return undefined;
  return definedOnly({
    pid: event.processId,
    thread: event.threadId === undefined ? undefined : { id: event.threadId },
  });
}

function definedOnly(object: JsonObject): JsonObject {
  for (const key in object) if (object[key] === undefined) delete object[key];
  return object;
}

/** Names, addresses and hashes in one place each, as ECS `related.*` asks. */
function writeRelated(fields: JsonObject): void {
  const read = (object: unknown, key: string): unknown => (object as JsonObject | undefined)?.[key];
  const related: JsonObject = {};
  const user = fields['user'];
  const names = [
    read(user, 'name'),
    read(read(user, 'target'), 'name'),
    read(read(user, 'effective'), 'name'),
  ];
  const addresses = [read(fields['source'], 'ip'), read(fields['destination'], 'ip')];
  const hashes = [fields['process'], fields['file'], fields['dll']].flatMap((holder) =>
    Object.values((read(holder, 'hash') as JsonObject | undefined) ?? {}),
  );
  for (const [name, values] of [
    ['user', names],
    ['ip', addresses],
    ['hash', hashes],
  ] as const) {
    const distinct = [...new Set(values.filter((value) => typeof value === 'string'))];
    if (distinct.length > 0) related[name] = distinct;
  }
  if (Object.keys(related).length > 0) fields['related'] = related;
}
