// PowerShell events as ECS: the script block, and what the engine says of its host process.
import type { JsonObject } from '../../../platform/core/event.ts';
import { writeField } from '../../../platform/core/fields.ts';
import { applyMappings, type EventData, type Mapping, readInteger, say, writeAccount } from './event-data.ts';
import type { WindowsEvent } from './schema.ts';

const SCRIPT_BLOCK: readonly Mapping[] = [
  ['ScriptBlockText', 'powershell.file.script_block_text'],
  ['ScriptBlockId', 'powershell.file.script_block_id'],
  ['MessageNumber', 'powershell.sequence', readInteger],
  ['MessageTotal', 'powershell.total', readInteger],
  ['Path', 'file.path'],
  ['Payload', 'powershell.command.invocation_details'],
];

/** Writes into `fields`. */
export function mapPowerShell(event: WindowsEvent, fields: JsonObject): void {
  const { data } = event;
  applyMappings(fields, data, SCRIPT_BLOCK);
  const host = contextValue(data, 'Host Application', 'HostApplication');
  if (host !== undefined) writeField(fields, 'process.command_line', host);
  const user = contextValue(data, 'User', 'UserId');
  if (user !== undefined) writeAccount(fields, 'user', user);
  const command = contextValue(data, 'Command Name', 'CommandName');
  if (command !== undefined) writeField(fields, 'powershell.command.name', command);
}

/** A line `name = value` of ContextInfo (4103) or `name=value` of the classic channel's unnamed texts. */
function contextValue(data: EventData, ...names: readonly string[]): string | undefined {
  for (const member of ['ContextInfo', 'param3', 'param2']) {
    const text = say(data, member);
    if (text === undefined) continue;
    for (const line of text.split('\n')) {
      const at = line.indexOf('=');
      if (at > 0 && names.includes(line.slice(0, at).trim())) {
        const value = line.slice(at + 1).trim();
        if (value !== '') return value;
      }
    }
  }
  return undefined;
}
