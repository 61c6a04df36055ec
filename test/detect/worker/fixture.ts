// A small detector for tests: synthetic events of one dataset and rules that match by one field.
import type { CorrelationDefinition } from '../../../detect/correlate/correlation.ts';
import type { Match, RuleInfo } from '../../../detect/match.ts';
import { loadEntityTable } from '../../../detect/worker/entity-table.ts';
import type { DetectorRules } from '../../../detect/worker/route-matches.ts';
import { type Detector, type DetectorOptions, startDetector } from '../../../detect/worker/start-detector.ts';
import type { BusMessage } from '../../../platform/bus/bus.ts';
import type { Alert } from '../../../platform/core/alert.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import type { PicketEvent, TimeJudgement } from '../../../platform/core/event.ts';
import { readText } from '../../../platform/core/fields.ts';
import { silentLogger } from '../../../platform/core/log.ts';

export const START = Date.UTC(2026, 10, 23, 8);

export function ruleInfo(id: string, more: Partial<RuleInfo> = {}): RuleInfo {
  return {
    id,
    name: `Rule ${id}`,
    level: 'medium',
    kind: 'plain',
    version: 'v1',
    pack: 'test',
    tags: ['attack.execution', 'attack.t1059.004'],
    scope: 'site',
    ...more,
  };
}

/** A plain rule a rule name in `event.action`, a count of three and a sequence over two of them. */
export function testRules(more: readonly RuleInfo[] = []): DetectorRules {
  const rules = [ruleInfo('shell'), ruleInfo('login-failed'), ruleInfo('login'), ...more];
  const correlations: CorrelationDefinition[] = [
    {
      rule: ruleInfo('guessing', { kind: 'correlation', level: 'high' }),
      type: 'event_count',
      rules: ['login-failed'],
      group_by: ['user.name'],
      timespan_ms: 60_000,
      bounds: [{ with: 'gte', value: 3 }],
      generate: false,
    },
    {
      rule: ruleInfo('guessed', { kind: 'correlation', level: 'critical' }),
      type: 'temporal_ordered',
      rules: ['login-failed', 'login'],
      group_by: ['user.name'],
      timespan_ms: 60_000,
      generate: false,
    },
  ];
  const match = (event: PicketEvent): Match[] =>
    rules
      .filter((rule) => readText(event, 'event.action') === rule.id)
      .map((rule) => ({
        rule,
        event,
        reasons: () => [
          { selection: 'selection', field: 'event.action', value: rule.id, condition: 'equals' },
        ],
      }));
  return { rules, correlations, match, matchJson: readThen(match) };
}

/** A `matchJson` that reads every event, as the engine's reads those that match. */
export function readThen(match: (event: PicketEvent) => Match[]): (json: Uint8Array) => Match[] {
  return (json) => match(JSON.parse(Buffer.from(json).toString('utf8')) as PicketEvent);
}

export function testEvent(options: {
  id: string;
  action: string;
  t: number;
  user: string;
  host: string;
  time?: TimeJudgement;
}): PicketEvent {
  const { id, action, t, user, host } = options;
  return {
    '@timestamp': new Date(t).toISOString(),
    ecs: { version: '9.1.0' },
    event: { id, kind: 'event', module: 'syslog', dataset: 'syslog.auth', action },
    host: { name: host },
    user: { name: user },
    picket: {
      schema: 1,
      tenant: 'acme',
      site: { id: 'lyon', tier: 'edge' },
      jurisdiction: 'eu-fr',
      class: 'authentication',
      source: { id: 'auth', type: 'syslog' },
      time: options.time ?? 'ok',
      received: new Date(t).toISOString(),
    },
  };
}

export function eventMessage(event: PicketEvent, headers: Record<string, string> = {}): BusMessage {
  return {
    key: event.event.id,
    value: Buffer.from(JSON.stringify(event)),
    headers: { id: event.event.id, time: event.picket.time, ...headers },
  };
}

/** Events of a day part, most of which match nothing. */
export function manyEvents(count: number): PicketEvent[] {
  const actions = ['none', 'none', 'none', 'shell', 'login-failed', 'login-failed', 'login', 'none'];
  return Array.from({ length: count }, (_, at) =>
    testEvent({
      id: `e${String((at * 7919) % count).padStart(6, '0')}`,
      action: actions[(at * 31 + Math.floor(at / 13)) % actions.length] as string,
      t: START + ((at * 104_729) % count) * 4_000,
      user: `user-${at % 11}`,
      host: `host-${at % 5}`,
    }),
  );
}

/** A detector of the site lyon with `testRules`, unless said otherwise. */
export function startTestDetector(
  options: Pick<DetectorOptions, 'bus' | 'folder' | 'counters'> & Partial<DetectorOptions>,
): Detector {
  return startDetector({
    rules: testRules(),
    entityTable: loadEntityTable('rules/entities/entity-fields.yaml'),
    site: { tenant: 'acme', id: 'lyon', tier: 'edge', jurisdiction: 'eu-fr' },
    mode: 'site',
    clock: systemClock,
    logger: silentLogger,
    ...options,
  });
}

/** What must not depend on the way: SEMANTICS, "the same current alerts". */
export function essence(alerts: readonly Alert[]): unknown[] {
  return alerts
    .filter(({ state }) => state === 'current')
    .map(({ id, rule, key, first, last, count, events }) => ({
      id,
      rule: rule.id,
      key,
      first,
      last,
      count,
      events,
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}
