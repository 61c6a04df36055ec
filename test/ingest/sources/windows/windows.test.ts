import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../../platform/core/event.ts';
import { eventsOf, linesOf, outcomesOf } from '../../normalise-text.ts';

const CORPUS = linesOf('test/fixtures/windows/security-datasets.ndjson');
const EVTX_DUMP = linesOf('test/fixtures/windows/evtx-dump.ndjson');

interface Dump {
  Event: { System: Record<string, unknown>; EventData: Record<string, unknown> | null };
}
const dumps = EVTX_DUMP.map((line) => JSON.parse(line) as Dump);

/** The corpus's event of a kind, whoever shipped it. */
function corpusEvent(channel: string, id: number): JsonObject {
  const line = CORPUS.find((text) => {
    const event = JSON.parse(text) as JsonObject;
    const named = String(event['Channel'] ?? event['log_name']);
    return named.toLowerCase() === channel.toLowerCase() && (event['EventID'] ?? event['event_id']) === id;
  });
  if (line === undefined) throw new Error(`no ${channel} ${id} in the fixture`);
  return eventsOf('windows', line)[0] as unknown as JsonObject;
}

const SYSMON = 'Microsoft-Windows-Sysmon/Operational';

describe('real Windows events', () => {
  test.each(CORPUS.map((line, at) => [at, line] as const))(
    'record %i becomes one dated event',
    (_at, line) => {
      const [event] = eventsOf('windows', line);
      const winlog = (event?.['winlog'] ?? {}) as JsonObject;
      expect(event?.picket.time).toBe('ok');
      expect(event?.event['code']).toBe(winlog['event_id']);
      expect(winlog['computer_name']).toEqual(expect.any(String));
      expect(
        Object.values(winlog['event_data'] as JsonObject).every((value) => typeof value === 'string'),
      ).toBe(true);
    },
  );

  test('every member of EventData of evtx_dump stands under winlog.event_data', () => {
    for (const [at, dump] of dumps.entries()) {
      const [event] = eventsOf('windows', EVTX_DUMP[at] as string);
      const data = ((event?.['winlog'] ?? {}) as JsonObject)['event_data'] as JsonObject;
      const members = Object.entries(dump.Event.EventData ?? {}).filter(
        ([key, value]) => key !== '#attributes' && value !== null,
      );
      for (const [key] of members) expect(data).toHaveProperty([key]);
    }
  });

  test('UserData counts as event data too', () => {
    const line = EVTX_DUMP.find((text) => text.includes('WMI-Activity')) as string;
    const [event] = eventsOf('windows', line);
    expect(event).toMatchObject({
      event: { dataset: 'windows.other', code: '5858' },
      picket: { class: 'host-audit' },
      winlog: { event_data: { ClientMachine: 'SWACHCHHANDA' } },
    });
  });

  test('a process start of Sysmon has its process, parent, user and hashes', () => {
    const [event] = eventsOf('windows', EVTX_DUMP[0] as string);
    expect(event).toMatchObject({
      '@timestamp': '2025-11-28T08:30:20.964Z',
      event: { dataset: 'windows.sysmon', category: ['process'], type: ['start'], code: '1' },
      picket: { class: 'process' },
      host: { name: 'swachchhanda' },
      user: { domain: 'swachchhanda', name: 'xodih' },
      process: {
        name: 'Runner.Listener.exe',
        pid: 6336,
        entity_id: '{0197231e-5d9c-6929-4111-000000000d00}',
        working_directory: 'C:\\Users\\xodih\\.dev-env\\',
        hash: { sha1: '8ae6c0dea8d61ea98e9f91380c2c34751bbc9ffd', md5: '79fd212d1a00daf7ae1168729ca1813a' },
        pe: { imphash: 'bb3ac2c21e02c68abcad237dc3fa6d00', original_file_name: 'Runner.Listener.dll' },
        parent: { name: 'cmd.exe', pid: 14968 },
      },
    });
  });

  test('a connection of Sysmon has both ends', () => {
    expect(corpusEvent(SYSMON, 3)).toMatchObject({
      source: { ip: expect.any(String), port: expect.any(Number) },
      destination: { ip: expect.any(String), port: expect.any(Number) },
      network: { transport: expect.stringMatching(/^(?:tcp|udp)$/), direction: expect.any(String) },
    });
  });

  test('a registry value of Sysmon has hive, key and value', () => {
    const { registry, winlog } = corpusEvent(SYSMON, 13) as { registry: JsonObject; winlog: JsonObject };
    const target = (winlog['event_data'] as JsonObject)['TargetObject'] as string;
    expect(registry).toMatchObject({ path: target, value: target.split('\\').at(-1) });
    expect(`${String(registry['hive'])}\\${String(registry['key'])}\\${String(registry['value'])}`).toBe(
      target.replace('\\REGISTRY\\', ''),
    );
  });

  test('a loaded image, a created file, a pipe and a name query have their own fields', () => {
    expect(corpusEvent(SYSMON, 7)).toMatchObject({
      dll: { name: expect.any(String) },
      file: { path: expect.any(String) },
    });
    expect(corpusEvent(SYSMON, 11)).toMatchObject({
      file: { path: expect.any(String), name: expect.any(String) },
    });
    expect(corpusEvent(SYSMON, 18)).toMatchObject({ file: { name: expect.any(String) } });
    expect(corpusEvent(SYSMON, 22)).toMatchObject({ dns: { question: { name: expect.any(String) } } });
  });

  test('a logon has who, how and from where', () => {
    expect(corpusEvent('Security', 4624)).toMatchObject({
      event: {
        dataset: 'windows.security',
        action: 'logged-in',
        category: ['authentication'],
        outcome: 'success',
      },
      picket: { class: 'authentication' },
      user: { name: expect.any(String), domain: expect.any(String), id: expect.stringMatching(/^S-1-/) },
      winlog: { logon: { type: expect.any(String), id: expect.stringMatching(/^0x/) } },
    });
  });

  test('a new process of the Security channel has pid and parent from their hexadecimal texts', () => {
    expect(corpusEvent('Security', 4688)).toMatchObject({
      process: {
        pid: expect.any(Number),
        executable: expect.any(String),
        parent: { pid: expect.any(Number) },
      },
    });
  });

  test('a connection of the filtering platform has ends and direction', () => {
    expect(corpusEvent('Security', 5156)).toMatchObject({
      source: { ip: expect.any(String) },
      destination: { ip: expect.any(String), port: expect.any(Number) },
      network: { direction: expect.stringMatching(/^(?:in|out)bound$/), transport: expect.any(String) },
    });
  });

  test('a PowerShell pipeline has the command line of its host', () => {
    expect(corpusEvent('Windows PowerShell', 800)).toMatchObject({
      event: { dataset: 'windows.powershell' },
    });
  });
});

describe('four renderings of one event', () => {
  const dump = dumps[0] as Dump;
  const system = dump.Event.System as {
    EventRecordID: number;
    Computer: string;
    TimeCreated: { '#attributes': { SystemTime: string } };
  };
  const { EventRecordID: record, Computer: computer } = system;
  const time = system.TimeCreated['#attributes'].SystemTime;
  // Winlogbeat and NXLog render every value as text and a GUID with braces, as Windows' own renderer does.
  const rendered = Object.fromEntries(
    Object.entries(dump.Event.EventData ?? {}).map(([key, value]) => [
      key,
      /guid$/i.test(key) ? `{${String(value).toLowerCase()}}` : String(value),
    ]),
  );
  const winlogbeat = {
    '@timestamp': time,
    event: { code: '1', kind: 'event', provider: 'Microsoft-Windows-Sysmon' },
    host: { name: computer },
    log: { level: 'information' },
    winlog: {
      channel: SYSMON,
      event_id: '1',
      provider_name: 'Microsoft-Windows-Sysmon',
      computer_name: computer,
      record_id: record,
      event_data: rendered,
    },
  };
  const nxlog = {
    EventTime: '2025-11-28 09:30:20',
    Hostname: computer,
    Channel: SYSMON,
    EventID: 1,
    SourceName: 'Microsoft-Windows-Sysmon',
    RecordNumber: record,
    Severity: 'INFO',
    EventType: 'INFO',
    Keywords: -9223372036854775808,
    SourceModuleName: 'eventlog',
    AccountType: 'User',
    AccountName: 'SYSTEM',
    Domain: 'NT AUTHORITY',
    UserID: 'S-1-5-18',
    ...rendered,
  };
  const evtxecmd = {
    EventId: 1,
    Level: 'Info',
    Provider: 'Microsoft-Windows-Sysmon',
    Channel: SYSMON,
    Computer: computer,
    EventRecordId: String(record),
    TimeCreated: '2025-11-28T08:30:20.9669010+00:00',
    MapDescription: 'Process creation',
    Payload: JSON.stringify({
      EventData: {
        Data: Object.entries(dump.Event.EventData ?? {}).map(([name, value]) => ({
          '@Name': name,
          '#text': String(value),
        })),
      },
    }),
  };

  /** What every rendering has; the rest (task names, writing account) only some carry. */
  const common = (content: object): JsonObject => {
    const [event] = eventsOf('windows', content, { timezone: 'Europe/Paris' }) as unknown as [JsonObject];
    const winlog = event['winlog'] as JsonObject;
    const { id, original: _original, ...rest } = event['event'] as JsonObject;
    const { task: _t, opcode: _o, user: _u, provider_guid: _g, process: _p, ...shared } = winlog;
    return { ...event, event: { ...rest, id }, winlog: shared, picket: undefined };
  };

  test.each([
    ['Winlogbeat', winlogbeat],
    ['NXLog', nxlog],
    ['EvtxECmd', evtxecmd],
  ])('%s gives the document and the id that evtx_dump gives', (_name, content) => {
    expect(common(content)).toEqual(common(dump));
  });

  test('an NXLog time without zone is wall time of the source, if the event has no better', () => {
    const { UtcTime: _utc, ...older } = nxlog as JsonObject;
    const [event] = eventsOf('windows', older, { timezone: 'Europe/Paris' });
    expect(event?.['@timestamp']).toBe('2025-11-28T08:30:20.000Z');
  });
});

describe('what is no Windows event', () => {
  test.each([
    {},
    { EventID: 1 },
    { Channel: 'Security', EventID: 'x' },
    { Event: 5 },
    { winlog: {} },
    { winlog: { channel: {}, event_id: [] } },
  ])('%j is refused', (content) => {
    expect(outcomesOf('windows', content)).toEqual([
      expect.objectContaining({ kind: 'rejected', code: 'WINDOWS_UNKNOWN_SHAPE' }),
    ]);
  });

  test('values of the wrong type leave their ECS field out and stay in the event data', () => {
    const [event] = eventsOf('windows', {
      Channel: SYSMON,
      EventID: 3,
      Hostname: 'a',
      SourceIp: 'not an address',
      SourcePort: 99999,
      Image: { deep: [1] },
    });
    expect(event).not.toHaveProperty('source.ip');
    expect(event).not.toHaveProperty('source.port');
    expect(event?.['winlog']).toMatchObject({
      event_data: { SourceIp: 'not an address', SourcePort: '99999', Image: '{"deep":[1]}' },
    });
    expect(event?.picket.time).toBe('missing');
  });
});
