/** Every correlation of rules/correlation fires on records that it is meant for, and is silent on those it is not. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CurrentAlert, openAlertCollector } from '../../detect/history/collect-alerts.ts';
import { compileRules } from '../../detect/sigma/compile-rules.ts';
import { loadPipelines } from '../../detect/sigma/load-pipelines.ts';
import { loadRules } from '../../detect/sigma/load-rules.ts';
import { assembleDetectorRules } from '../../detect/worker/assemble-rules.ts';
import { loadEntityTable } from '../../detect/worker/entity-table.ts';
import { parseKql } from '../../platform/core/kql/parse-kql.ts';
import { createLineNormaliser } from '../../server/commands/normalise-line.ts';

const RULES = join(import.meta.dirname, '..', '..', 'rules');
const DAY = Date.UTC(2026, 10, 25);
const HOUR = 3_600_000;
const MINUTE = 60_000;
const { rules, correlations } = loadRules({ folders: [join(RULES, 'sigma'), join(RULES, 'correlation')] });
const { pipelines, routes } = loadPipelines(join(RULES, 'pipelines'));

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'picket-correlations-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Line {
  format: string;
  record: string;
}

function windows(at: number, id: number, data: Record<string, string | number>): Line {
  const record = { EventID: id, Channel: 'Security', Hostname: 'srv1', '@timestamp': iso(at), ...data };
  return { format: 'windows', record: JSON.stringify(record) };
}

/** A NetFlow record as the collector of a site maps it; `source` and `destination` as address:port. */
function flow(
  at: number,
  source: string,
  destination: string,
  more: { bytes: number; packets?: number; transport?: string; flags?: string[] },
): Line {
  const end = (text: string): { ip: string; port: number } => {
    const [ip = '', port = '0'] = text.split(':');
    return { ip, port: Number(port) };
  };
  const { bytes, packets = 10, transport = 'tcp', flags } = more;
  const record = {
    '@timestamp': iso(at),
    event: { category: ['network'], type: ['connection'], dataset: 'netflow.flow' },
    source: end(source),
    destination: end(destination),
    network: { transport, bytes, packets },
    ...(flags ? { netflow: { tcp_flag_names: flags } } : {}),
  };
  return { format: 'ecs', record: JSON.stringify(record) };
}

function recorded(format: string, file: string, at: number): Line {
  const [record = ''] = readFileSync(join(RULES, 'sigma', `${file}.match.ndjson`), 'utf8').split('\n');
  return { format, record: record.replaceAll(/2026-11-\d\dT[\d:.]+Z/g, iso(at)) };
}

function iso(at: number): string {
  return new Date(DAY + at).toISOString();
}

/** The current alerts, told up to `as_of` (ms after the day began). */
function play(lines: readonly Line[], as_of?: number): CurrentAlert[] {
  if (!routes) throw new Error('no logsource routes');
  const { engine } = compileRules({ rules, pipelines, routes, raw: false });
  const assembled = assembleDetectorRules({ engine, correlations, pipelines });
  const collector = openAlertCollector({
    rules: assembled.rules,
    entityTable: loadEntityTable(join(RULES, 'entities', 'entity-fields.yaml')),
    folder,
    retention_ms: 30 * 24 * HOUR,
  });
  expect([...assembled.refused, ...collector.refused]).toEqual([]);
  const normalisers = new Map<string, ReturnType<typeof createLineNormaliser>>();
  for (const [at, { format, record }] of lines.entries()) {
    const normalise = normalisers.get(format) ?? createLineNormaliser(format);
    normalisers.set(format, normalise);
    for (const event of normalise(Buffer.from(record)))
      collector.take(
        event,
        engine.match(event).map(({ rule }) => rule),
        at + 1,
      );
  }
  const alerts = collector.finish(as_of === undefined ? undefined : DAY + as_of);
  collector.close();
  return alerts;
}

const times = <T>(count: number, make: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at));
const guess = (count: number, user = 'ann'): Line[] =>
  times(count, (at) => windows(at * 10_000, 4625, { TargetUserName: user, IpAddress: '203.0.113.7' }));
const fill = (at: number, bytes: number): Line => flow(at, '10.0.0.9:50000', '203.0.113.9:443', { bytes });
const call = (at: number, packets = 6): Line =>
  flow(at, '10.0.0.9:50000', '203.0.113.9:443', { bytes: 900, packets });
const ask = (at: number, bytes: number): Line =>
  flow(at, '10.0.0.9:50000', '10.0.0.1:53', { bytes, transport: 'udp', packets: 2 });
const echo = (at: number, bytes: number): Line =>
  flow(at, '10.0.0.9:0', '203.0.113.9:0', { bytes, transport: 'icmp' });
const clock = (at: number, bytes: number): Line =>
  flow(at, '10.0.0.1:123', '203.0.113.9:40000', { bytes, transport: 'udp' });
const scan = (ports: number): Line[] =>
  times(ports, (at) =>
    flow(at * 1_000, '10.0.0.9:50000', `10.0.0.2:${1_000 + at}`, { bytes: 60, packets: 1, flags: ['SYN'] }),
  );
const add = (at: number): Line =>
  windows(at, 4732, { MemberSid: 'S-1-5-21-7', TargetUserName: 'Administrators', SubjectUserName: 'bob' });
const remove = (at: number): Line =>
  windows(at, 4733, { MemberSid: 'S-1-5-21-7', TargetUserName: 'Administrators', SubjectUserName: 'bob' });
const made = (at: number): Line =>
  windows(at, 4720, { TargetSid: 'S-1-5-21-7', TargetUserName: 'helper', SubjectUserName: 'bob' });
const gone = (at: number): Line =>
  windows(at, 4726, { TargetSid: 'S-1-5-21-7', TargetUserName: 'helper', SubjectUserName: 'bob' });
const enter = (at: number, LogonType: number, TargetUserName = 'ann'): Line =>
  windows(at, 4624, { LogonType, TargetUserName, IpAddress: '203.0.113.7' });
const image = recorded('trivy', 'image/critical-with-fix', 0);
const shell = recorded('falco', 'runtime/shell-from-server-process', 3 * HOUR);

/** Title → lines that make it one alert, and lines that do not; [lines, as_of] where something is waited for. */
const CASES: Record<string, { fires: [Line[], number?]; silent: [Line[], number?] }> = {
  'One Host Tries Many Ports Of Another': { fires: [scan(20)], silent: [scan(19)] },
  'Much Data Leaves From One Host': {
    fires: [[fill(0, 6e9), fill(50 * MINUTE, 4e9)]],
    silent: [[fill(0, 6e9), fill(61 * MINUTE, 4e9)]],
  },
  'One Host Calls One Public Address At Regular Intervals': {
    fires: [times(30, (at) => call(at * 10 * MINUTE + (at % 3) * 500)), 25 * HOUR],
    silent: [times(30, (at) => call(at * at * 90_000)), 25 * HOUR],
  },
  'Most Questions Of One Host To Name Servers Are Large': {
    fires: [times(20, (at) => ask(at * MINUTE, at === 7 ? 80 : 700))],
    silent: [times(20, (at) => ask(at * MINUTE, at % 2 === 0 ? 80 : 700))],
  },
  'Echo Requests Of One Host Carry Data': {
    fires: [times(5, (at) => echo(at * MINUTE, 9_000))],
    silent: [times(5, (at) => echo(at * MINUTE, 84))],
  },
  'Time Server Inside Answers Strangers At Length': {
    fires: [times(4, (at) => clock(at * MINUTE, 40_000))],
    silent: [times(4, (at) => clock(at * MINUTE, 76))],
  },
  'Many Failed Windows Logons For One Account': { fires: [guess(10)], silent: [guess(9)] },
  'Many Accounts Fail To Log On From One Address': {
    fires: [times(10, (at) => guess(1, `user-${at}`)).flat()],
    silent: [guess(10)],
  },
  'Windows Logon Succeeds After A Failure': {
    fires: [[...guess(1), enter(MINUTE, 3)]],
    silent: [[enter(0, 3), windows(MINUTE, 4625, { TargetUserName: 'ann' })]],
  },
  'Guessed Windows Password Let Somebody In': {
    fires: [[...guess(10), enter(20 * MINUTE, 3)]],
    silent: [[...guess(9), enter(20 * MINUTE, 3)]],
  },
  'Rights Of An Administrator Given And Not Taken Back': {
    fires: [[add(0), remove(9 * HOUR)], 20 * HOUR],
    silent: [[add(0), remove(2 * HOUR)], 20 * HOUR],
  },
  'New Windows Account Made An Administrator And Left There': {
    fires: [[made(0), add(MINUTE)]],
    silent: [[made(0), gone(30_000), add(MINUTE)]],
  },
  'First Remote Desktop Logon Of An Account To This Host': {
    fires: [[enter(0, 10)]],
    silent: [[enter(0, 3), windows(-40 * 24 * HOUR, 4624, { LogonType: 10, TargetUserName: 'ann' })]],
  },
  'Container With A Known Critical Flaw Acts Like One That Was Taken': {
    fires: [[image, shell]],
    silent: [[image]],
  },
};
/** What others name and what raises no alert itself. */
const INNER = [
  'Large Echoes To One Public Address',
  'Large Questions To Name Servers',
  'Many Echoes To One Public Address',
  'Many Questions To Name Servers',
  'Ten Failed Windows Logons',
];
/** Held by the story that the demo plays (story.test.ts). */
const IN_THE_STORY = [
  'One Account Is Refused Three Kinds Of Kubernetes Objects',
  'One Account Reads Many Kubernetes Secrets',
];

describe('the correlations of our own', () => {
  test('each has a case here or in the story, and every type is used', () => {
    expect(correlations.map(({ rule }) => rule.title).sort()).toEqual(
      [...Object.keys(CASES), ...IN_THE_STORY, ...INNER].sort(),
    );
    expect(new Set(correlations.map(({ rule }) => rule.type)).size).toBe(11);
  });

  test.each(Object.entries(CASES))('%s', (title, { fires, silent }) => {
    const named = (alerts: CurrentAlert[]): CurrentAlert[] =>
      alerts.filter(({ rule }) => rule.name === title);
    expect(named(play(...fires))).toHaveLength(1);
    expect(named(play(...silent))).toEqual([]);
  });

  test('each says what an analyst looks for, with a search that can be pasted', () => {
    const shown = correlations.filter(({ rule }) => !INNER.includes(rule.title));
    const wanting = shown.flatMap(({ rule }) => {
      const guide = rule.picket.guide ?? '';
      const search = /Search `([^`]+)`/.exec(guide)?.[1];
      const isNew = (rule.date ?? '') >= '2026-11-26';
      if (search !== undefined) parseKql(search);
      const held =
        rule.references.length + (isNew ? 0 : 1) > 0 &&
        rule.tags.some((tag) => /^attack\.t\d{4}/.test(tag)) &&
        rule.falsepositives.length > 0 &&
        guide.split(/\s+/).length >= 20 &&
        (!isNew || (search !== undefined && /Contain: /.test(guide)));
      return held ? [] : [rule.title];
    });
    expect(wanting).toEqual([]);
  });
});
