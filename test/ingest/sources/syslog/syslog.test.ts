// Syslog: the RFCs' own examples, real lines of sshd, sudo and su, devices' variants, and hostile bytes.
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Normalised } from '../../../../ingest/source.ts';
import { syslogAdapter } from '../../../../ingest/sources/syslog/index.ts';
import type { JsonObject } from '../../../../platform/core/event.ts';
import { readFirst, splitField } from '../../../../platform/core/fields.ts';

const RECEIVED = Date.UTC(2026, 10, 23, 21, 5, 0);
const fixtures = new URL('../../../fixtures/syslog/', import.meta.url);

function normalise(
  bytes: string | Uint8Array,
  options: { timezone?: string; received?: number; parameters?: JsonObject } = {},
): Normalised {
  const normaliser = syslogAdapter.createNormaliser({
    site: { tenant: 'acme', id: 'lyon', tier: 'edge', jurisdiction: 'eu-fr', eventKey: new Uint8Array(32) },
    sourceId: 'test',
    timezone: options.timezone ?? 'UTC',
    parameters: options.parameters ?? {},
    state: { get: () => undefined, set: () => {} },
    count: () => {},
  });
  const outcomes = normaliser.normalise({
    bytes: typeof bytes === 'string' ? Buffer.from(bytes) : bytes,
    received: options.received ?? RECEIVED,
    peer: '10.0.0.9',
    position: { kind: 'assigned', id: 'a' },
  });
  expect(outcomes).toHaveLength(1);
  return outcomes[0] as Normalised;
}

function read(line: string | Uint8Array, options: Parameters<typeof normalise>[1] = {}) {
  const outcome = normalise(line, options);
  if (outcome.kind !== 'event') throw new Error(`no event: ${JSON.stringify(outcome)}`);
  const { fields, timestamp, dataset } = outcome.draft;
  return {
    dataset,
    fields,
    time: timestamp === undefined ? undefined : new Date(timestamp).toISOString(),
    at: (field: string): unknown => readFirst(fields, splitField(field)),
  };
}

describe('RFC 5424 section 6.5', () => {
  test('example 1: no structured data, a byte order mark before the text', () => {
    const event = read(
      "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \uFEFF'su root' failed for lonvick on /dev/pts/8",
    );
    expect(event.time).toBe('2003-10-11T22:14:15.003Z');
    expect(event.dataset).toBe('syslog.auth');
    expect(event.at('log.syslog')).toEqual({
      priority: 34,
      facility: { code: 4, name: 'security/authorization' },
      severity: { code: 2, name: 'Critical' },
      version: '1',
      hostname: 'mymachine.example.com',
      appname: 'su',
      msgid: 'ID47',
    });
    expect(event.at('message')).toBe("'su root' failed for lonvick on /dev/pts/8");
    expect(event.at('event')).toMatchObject({ action: 'su', outcome: 'failure', severity: 2 });
    expect(event.at('user')).toEqual({ name: 'lonvick', effective: { name: 'root' } });
  });

  test('example 2: an offset and microseconds', () => {
    const event = read(
      "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.",
    );
    expect(event.time).toBe('2003-08-24T12:14:15.000Z');
    expect(event.at('host')).toEqual({ name: '192.0.2.1', ip: ['192.0.2.1'] });
    expect(event.at('process')).toEqual({ name: 'myproc', pid: 8710 });
    expect(event.at('message')).toBe("%% It's time to make the do-nuts.");
  });

  test('example 3: structured data and text', () => {
    const event = read(
      '<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"] \uFEFFAn application event log entry...',
    );
    expect((event.at('log.syslog') as JsonObject)['structured_data']).toEqual({
      'exampleSDID@32473': { iut: '3', eventSource: 'Application', eventID: '1011' },
    });
    expect(event.at('message')).toBe('An application event log entry...');
  });

  test('example 4: two elements and no text', () => {
    const event = read(
      '<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"][examplePriority@32473 class="high"]',
    );
    expect(Object.keys((event.at('log.syslog') as JsonObject)['structured_data'] as JsonObject)).toEqual([
      'exampleSDID@32473',
      'examplePriority@32473',
    ]);
    expect(event.at('message')).toBe('');
  });

  test('escapes, repeated parameters and names that reach the prototype stay plain values', () => {
    const event = read('<13>1 - - - - - [a x="1\\"2\\\\3\\]4" x="b"][__proto__ polluted="yes"] text');
    const data = (event.at('log.syslog') as JsonObject)['structured_data'] as JsonObject;
    expect(data['a']).toEqual({ x: ['1"2\\3]4', 'b'] });
    expect(Object.hasOwn(data, '__proto__')).toBe(true);
    expect(({} as JsonObject)['polluted']).toBeUndefined();
    expect(event.time).toBeUndefined();
  });

  test('structured data that breaks off stays in the text and is named', () => {
    const event = read('<13>1 2026-11-23T21:00:00Z host app - - [a x="1 the rest');
    expect(event.at('message')).toBe('[a x="1 the rest');
    expect(event.at('tags')).toEqual('syslog-structured-data-invalid');
  });
});

describe('RFC 3164', () => {
  test('section 5.4, example 1', () => {
    const event = read("<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8");
    expect(event.time).toBe('2026-10-11T22:14:15.000Z');
    expect(event.at('host.name')).toBe('mymachine');
    expect(event.at('log.syslog.appname')).toBe('su');
    expect(event.at('event.action')).toBe('su');
  });

  test('section 5.4, example 2: a text without any head', () => {
    const event = read('Use the BFG!');
    expect(event).toMatchObject({ time: undefined, dataset: 'syslog.system' });
    expect(event.at('message')).toBe('Use the BFG!');
    expect(event.at('host.ip')).toBe('10.0.0.9');
  });

  test('section 5.4, example 3: a zone that means several, and a year after it', () => {
    const event = read(
      "<165>Aug 24 05:34:00 CST 1987 mymachine myproc[10]: %% It's time to make the do-nuts.",
      { timezone: 'America/Chicago' },
    );
    expect(event.time).toBe('1987-08-24T10:34:00.000Z');
    expect(event.at('process')).toEqual({ name: 'myproc', pid: 10 });
  });

  test('section 5.4, example 4: the year first', () => {
    const event = read(
      "<0>1990 Oct 22 10:52:01 TZ-6 scapegoat.dmz.example.org 10.1.2.3 sched[0]: That's All Folks!",
    );
    expect(event.time).toBe('1990-10-22T16:52:01.000Z');
    expect(event.at('host.name')).toBe('scapegoat.dmz.example.org');
  });

  test('a wall time is that of the source’s zone', () => {
    expect(read('<13>Jul  1 12:00:00 h app: x', { timezone: 'Europe/Paris' }).time).toBe(
      '2026-07-01T10:00:00.000Z',
    );
    expect(read('<13>Nov 20 12:00:00 h app: x', { timezone: 'Asia/Shanghai' }).time).toBe(
      '2026-11-20T04:00:00.000Z',
    );
  });

  test('the year is last year’s for what was written on New Year’s Eve and read after midnight', () => {
    const received = Date.UTC(2027, 0, 1, 0, 0, 5);
    expect(read('<13>Dec 31 23:59:58 h app: x', { received }).time).toBe('2026-12-31T23:59:58.000Z');
    expect(read('<13>Jan  1 00:00:02 h app: x', { received: Date.UTC(2026, 11, 31, 23, 59, 59) }).time).toBe(
      '2027-01-01T00:00:02.000Z',
    );
    expect(read('<13>Feb 29 10:00:00 h app: x', { received }).time).toBe('2024-02-29T10:00:00.000Z');
  });

  test.each([
    [
      '<189>29: *Mar  1 00:10:00.123 UTC: %SYS-5-CONFIG_I: Configured from console by vty0 (10.1.1.1)',
      {
        appname: 'SYS',
        code: 'CONFIG_I',
        message: 'Configured from console by vty0 (10.1.1.1)',
        time: '2026-03-01T00:10:00.123Z',
      },
    ],
    [
      '<166>Nov 23 2026 21:00:01 fw1 : %ASA-6-302013: Built outbound TCP connection 12',
      {
        appname: 'ASA',
        code: '302013',
        message: 'Built outbound TCP connection 12',
        time: '2026-11-23T21:00:01.000Z',
      },
    ],
    [
      '<187>000123: core1: Nov 23 21:00:01.004: %LINK-3-UPDOWN: Interface Gi0/1, changed state to down',
      {
        appname: 'LINK',
        code: 'UPDOWN',
        message: 'Interface Gi0/1, changed state to down',
        time: '2026-11-23T21:00:01.004Z',
      },
    ],
  ])('reads Cisco’s %s', (line, wanted) => {
    const event = read(line);
    expect({
      appname: event.at('log.syslog.appname'),
      code: event.at('event.code'),
      message: event.at('message'),
      time: event.time,
    }).toEqual(wanted);
  });

  test('rsyslog’s forward format has an ISO time, a line of a log file no PRI', () => {
    expect(read('<38>2026-11-23T21:04:26.123456+01:00 vm sshd[12]: hello').time).toBe(
      '2026-11-23T20:04:26.123Z',
    );
    const line = read(
      'Nov 23 21:04:26 vm sshd[17226]: Accepted password for maria from 10.0.0.1 port 44566 ssh2',
    );
    expect(line.dataset).toBe('syslog.auth');
    expect(line.at('source.ip')).toBe('10.0.0.1');
  });
});

describe('real lines of a Debian machine', () => {
  const lines = (name: string): string[] =>
    readFileSync(new URL(name, fixtures), 'utf8').trimEnd().split('\n');
  const said = (name: string) =>
    lines(name)
      .map((line) => read(line))
      .filter((event) => event.at('event.action') !== undefined)
      .map((event) =>
        [event.at('event.action'), event.at('event.outcome'), event.at('user.name'), event.at('source.ip')]
          .map((value) => (typeof value === 'string' ? value : '-'))
          .join(' '),
      );

  test('logins, sudo, su and accounts mean what they say', () => {
    const actions = said('linux-auth-rfc3164.log');
    expect(actions).toContain('ssh_login failure maria 127.0.0.1');
    expect(actions).toContain('ssh_login failure admin 127.0.0.1');
    expect(actions).toContain('ssh_invalid_user failure admin 127.0.0.1');
    expect(actions.filter((action) => action === 'ssh_login success maria 127.0.0.1')).toHaveLength(2);
    expect(actions).toContain('sudo-command success maria -');
    expect(actions.filter((action) => action === 'sudo-command failure maria -')).toHaveLength(2);
    expect(actions).toContain('su failure maria -');
    expect(actions).toContain('su success maria -');
    expect(actions).toContain('pam-authentication-failure failure maria 127.0.0.1');
    expect(actions.filter((action) => action.startsWith('added-user-account'))).toHaveLength(2);
    expect(actions).toContain('deleted-user-account success - -');
  });

  test('a refused sudo names the command, who asked and as whom', () => {
    const event = lines('linux-auth-rfc3164.log')
      .map((line) => read(line))
      .find(({ at }) => at('event.reason') === 'command not allowed');
    expect(event?.at('process')).toMatchObject({
      command_line: '/usr/bin/cat /etc/shadow',
      working_directory: '/home/maria',
    });
    expect(event?.at('user')).toEqual({ name: 'maria', effective: { name: 'root' } });
  });

  test('the same messages in both formats mean the same', () => {
    expect(said('linux-auth-rfc5424.log')).toEqual(said('linux-auth-rfc3164.log'));
  });
});

describe('JSON and bad input', () => {
  test('a CEE cookie is read by default, a bare object only when asked', () => {
    const cee = read('<13>Nov 23 21:00:00 h app: @cee: {"msg":"hello","a":{"b":1}}');
    expect(cee.at('message')).toBe('hello');
    expect(cee.at('syslog.json.a.b')).toBe(1);
    const bare = '<13>Nov 23 21:00:00 h app: {"msg":"hello"}';
    expect(read(bare).at('syslog')).toBeUndefined();
    expect(read(bare, { parameters: { json: 'always' } }).at('message')).toBe('hello');
    expect(read('<13>Nov 23 21:00:00 h app: @cee: {broken').at('message')).toBe('@cee: {broken');
  });

  test('nothing but white space is refused with a code', () => {
    expect(normalise(' \n\0')).toMatchObject({ kind: 'rejected', code: 'SYSLOG_EMPTY' });
    expect(normalise(new Uint8Array(2_000_000).fill(97))).toMatchObject({ code: 'SYSLOG_TOO_LONG' });
  });

  test('a PRI above 191 is part of the text; broken UTF-8 is read and named', () => {
    expect(read('<999>hello').at('message')).toBe('<999>hello');
    expect(read(Buffer.from([60, 49, 51, 62, 0xff, 0x41])).at('tags')).toBe('syslog-encoding-invalid');
  });

  test('random and changed bytes never throw and never vanish', () => {
    const seeds = readFileSync(new URL('linux-auth-rfc5424.log', fixtures), 'utf8')
      .split('\n')
      .filter((line) => line !== '');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }),
          fc
            .tuple(fc.constantFrom(...seeds), fc.nat(400), fc.string({ maxLength: 5 }))
            .map(([seed, at, text]) => Buffer.from(seed.slice(0, at) + text + seed.slice(at + 1))),
        ),
        (bytes) => {
          const outcome = normalise(bytes);
          expect(['event', 'rejected']).toContain(outcome.kind);
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each([
    ['<13>1 - - - - - ', '['],
    ['<13>1 - - - - - [a x="', '\\"'],
    ['<13>Nov 23 21:00:00 h sshd[1]: Failed password for ', ' from 1'],
    ['<13>Nov 23 21:00:00 h sudo: a : ', ' ; x=COMMAND'],
    ['', '<13>'],
    ['<13>', 'a.'],
  ])('reads a megabyte of %s%s without exploding', (head, repeated) => {
    expect(normalise(head + repeated.repeat(Math.floor(1_000_000 / repeated.length))).kind).toBe('event');
  });
});
