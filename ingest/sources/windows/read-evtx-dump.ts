// Reads the JSON of evtx_dump (the Rust evtx crate): the event's XML as objects, attributes under `#attributes`.
import type { JsonObject } from '../../../platform/core/event.ts';
import { asInteger, asObject, asText } from '../../read-value.ts';
import {
  auditOutcome,
  channelName,
  dataText,
  dataTexts,
  eventTime,
  guidText,
  levelName,
} from './read-values.ts';
import type { ReadWindowsEvent } from './schema.ts';

export const readEvtxDump: ReadWindowsEvent = (value, zone) => {
  const event = asObject(value['Event']);
  const system = asObject(event?.['System']);
  if (!event || !system) return undefined;
  const channel = channelName(system['Channel']);
  const eventId = asInteger(asObject(system['EventID'])?.['#text'] ?? system['EventID']);
  if (channel === undefined || eventId === undefined) return undefined;
  const provider = attributesOf(system['Provider']) ?? attributesOf(system, 'Provider');
  const execution = attributesOf(system['Execution']) ?? attributesOf(system, 'Execution');
  const created = attributesOf(system['TimeCreated']) ?? attributesOf(system, 'TimeCreated');
  const correlation = attributesOf(system['Correlation']) ?? attributesOf(system, 'Correlation');
  const security = attributesOf(system['Security']) ?? attributesOf(system, 'Security');
  const sid = asText(security?.['UserID']);
  const data = { ...readUserData(event['UserData']), ...readEventData(event['EventData']) };
  return {
    channel,
    eventId: String(eventId),
    provider: asText(provider?.['Name'] ?? provider?.['EventSourceName']),
    providerGuid: guidText(provider?.['Guid']),
    computer: asText(system['Computer']),
    recordId: asText(system['EventRecordID']),
    level: levelName(system['Level']),
    task: asText(system['Task']),
    opcode: asText(system['Opcode']),
    outcome: auditOutcome(system['Keywords']),
    processId: asInteger(execution?.['ProcessID']),
    threadId: asInteger(execution?.['ThreadID']),
    activityId: guidText(correlation?.['ActivityID']),
    user: sid === undefined ? undefined : { identifier: sid },
    timestamp: eventTime({
      utcTime: data['UtcTime'],
      candidates: [created?.['SystemTime'], value['timestamp']],
      zone,
    }),
    data,
  };
};

/** `{"#attributes": {…}}`, or with `--separate-json-attributes` a sibling `Name_attributes`. */
function attributesOf(element: unknown, sibling?: string): JsonObject | undefined {
  const object = asObject(element);
  return asObject(sibling === undefined ? object?.['#attributes'] : object?.[`${sibling}_attributes`]);
}

/** Named members; what has no name (`Data`) becomes `param1` on, as Winlogbeat calls it. */
function readEventData(value: unknown): Record<string, string> {
  const object = asObject(value);
  if (!object) return {};
  const { Data: unnamed, Binary: binary, ...named } = object;
  const data = dataTexts(named);
  const text = asObject(unnamed)?.['#text'] ?? unnamed;
  const list: unknown[] = Array.isArray(text) ? text : text === undefined ? [] : [text];
  for (const [at, element] of list.entries()) {
    const written = dataText(element);
    if (written !== undefined) data[`param${at + 1}`] = written;
  }
  const bytes = dataText(binary);
  if (bytes !== undefined) data['Binary'] = bytes;
  return data;
}

/** UserData holds one element of the provider's own. */
function readUserData(value: unknown): Record<string, string> {
  const element = Object.values(asObject(value) ?? {})
    .map(asObject)
    .find((inner) => inner !== undefined);
  return dataTexts(element);
}
