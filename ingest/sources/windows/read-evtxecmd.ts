// Reads the JSON of EvtxECmd (Eric Zimmerman's tools): System as flat members, EventData as JSON text in `Payload`.
import type { JsonObject } from '../../../platform/core/event.ts';
import { parseJsonObject } from '../../parse-json.ts';
import { asInteger, asObject, asText } from '../../read-value.ts';
import { auditOutcome, channelName, dataText, dataTexts, eventTime, levelName } from './read-values.ts';
import type { ReadWindowsEvent } from './schema.ts';

export const readEvtxECmd: ReadWindowsEvent = (value, zone) => {
  if (value['EventId'] === undefined || value['Channel'] === undefined || value['Computer'] === undefined) {
    return undefined;
  }
  const channel = channelName(value['Channel']);
  const eventId = asInteger(value['EventId']);
  if (channel === undefined || eventId === undefined) return undefined;
  const data = readPayload(value['Payload']);
  const sid = asText(value['UserId']);
  return {
    channel,
    eventId: String(eventId),
    provider: asText(value['Provider']),
    computer: asText(value['Computer']),
    recordId: asText(value['EventRecordId'] ?? value['RecordNumber']),
    level: levelName(value['Level']),
    outcome: auditOutcome(value['Keywords']),
    processId: asInteger(value['ProcessId']),
    threadId: asInteger(value['ThreadId']),
    user: sid === undefined ? undefined : { identifier: sid },
    timestamp: eventTime({ utcTime: data['UtcTime'], candidates: [value['TimeCreated']], zone }),
    data,
  };
};

/** `{"EventData":{"Data":[{"@Name":"Image","#text":"C:\\…"}]}}`, a single Data object, or a UserData element. */
function readPayload(payload: unknown): Record<string, string> {
  const parsed = typeof payload === 'string' ? parseJsonObject(Buffer.from(payload)) : undefined;
  const root = parsed?.ok ? parsed.value : asObject(payload);
  if (!root) return {};
  const eventData = asObject(root['EventData']);
  if (!eventData) {
    const user = asObject(root['UserData']);
    const inner =
      user &&
      Object.values(user)
        .map(asObject)
        .find((element) => element !== undefined);
    return dataTexts(withoutMarkup(inner ?? {}));
  }
  const list = Array.isArray(eventData['Data']) ? (eventData['Data'] as unknown[]) : [eventData['Data']];
  const data: Record<string, string> = {};
  let unnamed = 0;
  for (const element of list) {
    const object = asObject(element);
    const name = asText(object?.['@Name']);
    const text = object ? dataText(object['#text'] ?? '') : dataText(element);
    if (text !== undefined) data[name ?? `param${++unnamed}`] = text;
  }
  return data;
}

function withoutMarkup(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !key.startsWith('@')));
}
