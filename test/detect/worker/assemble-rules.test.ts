// Our correlation rules load, their fields are mapped, and real records raise their alerts.
import { describe, expect, it } from 'vitest';
import { openCorrelator } from '../../../detect/correlate/correlator.ts';
import { makeSignals } from '../../../detect/correlate/signal.ts';
import { compileRules } from '../../../detect/sigma/compile-rules.ts';
import { loadPipelines } from '../../../detect/sigma/load-pipelines.ts';
import { loadRules } from '../../../detect/sigma/load-rules.ts';
import { assembleDetectorRules } from '../../../detect/worker/assemble-rules.ts';
import { loadEntityTable } from '../../../detect/worker/entity-table.ts';
import { routeMatches } from '../../../detect/worker/route-matches.ts';
import type { PicketEvent } from '../../../platform/core/event.ts';

function assemble() {
  const loaded = loadRules({ folders: ['rules/sigma', 'rules/correlation'] });
  const { pipelines, routes } = loadPipelines('rules/pipelines');
  if (!routes) throw new Error('rules/pipelines/logsources.yaml is missing');
  const { engine, refused } = compileRules({ rules: loaded.rules, pipelines, routes });
  const assembled = assembleDetectorRules({ engine, correlations: loaded.correlations, pipelines });
  const router = routeMatches({
    rules: assembled.rules,
    table: loadEntityTable('rules/entities/entity-fields.yaml'),
    retention_ms: 30 * 86_400_000,
  });
  return { loaded, refused, assembled, router };
}

/** A refused logon as our windows adapter makes it. */
function failedLogon(at: number, user: string): PicketEvent {
  return {
    '@timestamp': new Date(Date.UTC(2026, 10, 23, 8, 0, at)).toISOString(),
    ecs: { version: '9.1.0' },
    event: {
      id: `logon-${at}`,
      kind: 'event',
      module: 'windows',
      dataset: 'windows.security',
      code: '4625',
      provider: 'Microsoft-Windows-Security-Auditing',
    },
    host: { name: 'DC1.corp.example' },
    user: { name: user },
    source: { ip: '10.0.0.9' },
    winlog: {
      channel: 'Security',
      event_id: '4625',
      event_data: { TargetUserName: user, IpAddress: '10.0.0.9' },
    },
    picket: {
      schema: 1,
      tenant: 'acme',
      site: { id: 'lyon', tier: 'edge' },
      jurisdiction: 'eu-fr',
      class: 'authentication',
      source: { id: 'dc', type: 'windows' },
      time: 'ok',
      received: '2026-11-23T08:00:00.000Z',
    },
  };
}

describe('our correlation rules', () => {
  it('load without a refusal', () => {
    const { loaded, refused, assembled, router } = assemble();
    expect(loaded.refused).toEqual([]);
    expect(refused).toEqual([]);
    expect(assembled.refused).toEqual([]);
    expect(router.refused).toEqual([]);
    expect(assembled.rules.correlations).toHaveLength(loaded.correlations.length);
  });

  it('raise an alert for many refused logons and for many accounts from one address', () => {
    const { assembled, router } = assemble();
    const correlator = openCorrelator({
      file: ':memory:',
      memory_bytes: 1 << 20,
      revision_wait_ms: 0,
      count: () => undefined,
    });
    const events = [
      ...Array.from({ length: 12 }, (_, at) => failedLogon(at, 'anna')),
      ...Array.from({ length: 5 }, (_, at) => failedLogon(20 + at, `user${at}`)),
    ];
    const signals = events.flatMap((event) =>
      assembled.rules.match(event).flatMap((match) =>
        router.correlationsOf(match, 'site').flatMap((correlation) =>
          makeSignals({
            correlation,
            rule: match.rule.id,
            document: event,
            event: event.event.id,
            t: Date.parse(event['@timestamp']),
            tenant: 'acme',
            site: 'lyon',
            describe: () => ({}),
            count: () => undefined,
          }),
        ),
      ),
    );
    correlator.work({ signals, now: 0 });
    const alerts = correlator.current().map(({ rule, count }) => `${rule.name}: ${count}`);
    expect(alerts.sort()).toEqual([
      'Many Accounts Fail To Log On From One Address: 17',
      'Many Failed Windows Logons For One Account: 12',
    ]);
    correlator.close();
  });
});
