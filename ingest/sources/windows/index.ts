// Windows event logs in four renderings (Winlogbeat, NXLog's flat JSON, EvtxECmd, evtx_dump), all ending in one ECS document.
import { createJsonNormaliser, eventOf, rejected } from '../../normalise-json.ts';
import { createZone } from '../../parse-time.ts';
import type { SourceAdapter } from '../../source.ts';
import { mapWindowsEvent } from './map-windows-event.ts';
import { readEvtxDump } from './read-evtx-dump.ts';
import { readEvtxECmd } from './read-evtxecmd.ts';
import { readFlat } from './read-flat.ts';
import { readWinlogbeat } from './read-winlogbeat.ts';
import { WindowsParameters } from './schema.ts';

export const windowsAdapter: SourceAdapter = {
  id: 'windows',
  title: 'Windows events',
  description:
    'Events of Windows hosts as Winlogbeat or Elastic Agent, NXLog (im_msvistalog to JSON), EvtxECmd or evtx_dump write them. Every field of EventData or UserData is kept as text under `winlog.event_data`, where Sigma rules look.',
  datasets: [
    {
      name: 'windows.sysmon',
      class: 'process',
      description: 'Sysmon: processes, connections, files, registry',
    },
    {
      name: 'windows.security',
      class: 'authentication',
      description: 'The Security channel: logons, privileges, objects',
    },
    {
      name: 'windows.powershell',
      class: 'process',
      description: 'PowerShell: script blocks, modules, engine',
    },
    {
      name: 'windows.other',
      class: 'host-audit',
      description: 'Every other channel: System, services, tasks, WMI',
    },
  ],
  framing: 'json',
  receivers: ['http', 'bulk', 'file'],
  parameters: WindowsParameters,
  example: `- id: plant-windows
  format: windows
  receivers:
    - type: bulk
      indices: ['winlogbeat-*']
  access:
    token: { $env: WINLOGBEAT_TOKEN }
  timezone: Europe/Paris   # for NXLog's EventTime, which names no zone
`,
  createNormaliser(context) {
    const zone = createZone(context.timezone);
    const readers = [readWinlogbeat, readEvtxDump, readFlat, readEvtxECmd];
    return createJsonNormaliser({
      context,
      map(value) {
        for (const read of readers) {
          const event = read(value, zone);
          if (event) return [eventOf(mapWindowsEvent(event))];
        }
        return [
          rejected(
            'WINDOWS_UNKNOWN_SHAPE',
            'no known rendering of a Windows event: channel or event id is missing',
          ),
        ];
      },
    });
  },
};
