// Reads Winlogbeat and Elastic Agent JSON: `winlog.*` of versions 7 on, and the flat members of version 6.
import { asInteger, asObject, asText } from '../../read-value.ts';
import { auditOutcome, channelName, dataTexts, eventTime, guidText, levelName } from './read-values.ts';
import type { ReadWindowsEvent } from './schema.ts';

export const readWinlogbeat: ReadWindowsEvent = (value, zone) => {
  const nested = asObject(value['winlog']);
  if (!nested && (value['log_name'] === undefined || value['event_id'] === undefined)) return undefined;
  const winlog = nested ?? value;
  const event = asObject(value['event']);
  const channel = channelName(winlog['channel'] ?? winlog['log_name']);
  const eventId = asInteger(winlog['event_id'] ?? event?.['code'] ?? asObject(winlog['event_id'])?.['id']);
  if (channel === undefined || eventId === undefined) return undefined;
  const data = {
    ...dataTexts(asObject(winlog['user_data'])),
    ...dataTexts(asObject(winlog['event_data'])),
  };
  const process = asObject(winlog['process']);
  const user = asObject(winlog['user']);
  return {
    channel,
    eventId: String(eventId),
    provider: asText(winlog['provider_name'] ?? winlog['source_name'] ?? event?.['provider']),
    providerGuid: guidText(winlog['provider_guid']),
    computer: asText(winlog['computer_name'] ?? asObject(value['host'])?.['name']),
    recordId: asText(winlog['record_id'] ?? winlog['record_number']),
    level: levelName(asObject(value['log'])?.['level'] ?? winlog['level']),
    task: asText(winlog['task']),
    opcode: asText(winlog['opcode']),
    outcome: auditOutcome(winlog['keywords'], event?.['outcome'] === 'success' ? 'audit success' : undefined),
    processId: asInteger(process?.['pid'] ?? winlog['process_id']),
    threadId: asInteger(asObject(process?.['thread'])?.['id'] ?? winlog['thread_id']),
    activityId: guidText(winlog['activity_id']),
    user: user && {
      identifier: asText(user['identifier']),
      name: asText(user['name']),
      domain: asText(user['domain']),
      type: asText(user['type']),
    },
    message: asText(value['message']),
    timestamp: eventTime({
      utcTime: data['UtcTime'],
      candidates: [winlog['time_created'], value['@timestamp'], event?.['created']],
      zone,
    }),
    data,
  };
};
