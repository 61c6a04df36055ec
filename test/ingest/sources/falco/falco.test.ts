import { describe, expect, test } from 'vitest';
import { eventsOf, linesOf, outcomesOf } from '../../normalise-text.ts';

const LINES = linesOf('demo/recordings/falco.ndjson');

describe('Falco alerts', () => {
  test('each becomes one alert with its rule, container and process', () => {
    for (const line of LINES) {
      const raw = JSON.parse(line) as { rule: string; hostname: string };
      const [event] = eventsOf('falco', line, { parameters: { cluster: 'plant-7' } });
      expect(event).toMatchObject({
        event: { kind: 'alert', dataset: 'falco.alerts' },
        picket: { class: 'runtime-alert', time: 'ok' },
        rule: { name: raw.rule },
        host: { name: raw.hostname },
        orchestrator: { type: 'kubernetes', cluster: { name: 'plant-7' } },
      });
    }
  });

  test('a shell in a container names image digest, pod, parent and technique', () => {
    const [event] = eventsOf('falco', LINES[0] as string);
    expect(event).toMatchObject({
      process: { name: 'sh', parent: { name: 'java' } },
      container: {
        image: {
          name: 'registry.factory.example/hmi-gateway',
          tag: '1.4.2',
          hash: { all: [expect.stringMatching(/^sha256:/)] },
        },
      },
      orchestrator: { namespace: 'line-3', resource: { type: 'pod' } },
      threat: { technique: { id: ['T1059.004'] }, tactic: { name: ['execution'] } },
      falco: { output_fields: { 'evt.time': '1795468034610000000' } },
    });
  });

  test('the alert is the same event however often it is delivered, by its uuid', () => {
    const reordered = JSON.stringify({ again: true, ...(JSON.parse(LINES[0] as string) as object) });
    expect(eventsOf('falco', reordered)[0]?.event.id).toBe(
      eventsOf('falco', LINES[0] as string)[0]?.event.id,
    );
  });

  test('a connection has both its ends where the rule prints only its name or its remote end', () => {
    const call = LINES.find((line) => line.includes('82.118.225.196:7080')) as string;
    expect(eventsOf('falco', call)[0]).toMatchObject({
      source: { ip: '172.16.238.10', port: 61318 },
      destination: { ip: '82.118.225.196', port: 7080 },
    });
    const base = { rule: 'r', priority: 'Notice', time: '2026-01-01T00:00:00Z' };
    const remoteOnly = { 'fd.lip': '10.0.0.5', 'fd.rip': '203.0.113.7', 'fd.rport': 443 };
    expect(eventsOf('falco', { ...base, output_fields: remoteOnly })[0]).toMatchObject({
      source: { ip: '10.0.0.5' },
      destination: { ip: '203.0.113.7', port: 443 },
    });
    const own = { 'fd.sip': '10.0.0.9', 'fd.name': '2001:db8::1:5000->2001:db8::2:443' };
    expect(eventsOf('falco', { ...base, output_fields: own })[0]).toMatchObject({
      source: { ip: '2001:db8::1', port: 5000 },
      destination: { ip: '10.0.0.9' },
    });
    const [file] = eventsOf('falco', { ...base, output_fields: { 'fd.name': '/etc/shadow' } });
    expect(file).not.toHaveProperty('destination');
  });

  test('the host itself is no container, and <NA> is no value', () => {
    const [event] = eventsOf('falco', {
      rule: 'r',
      priority: 'Warning',
      time: '2026-01-01T00:00:00Z',
      output_fields: {
        'container.id': 'host',
        'user.name': '<NA>',
        'fd.sip': '203.0.113.7',
        'fd.sport': 443,
      },
    });
    expect(event).not.toHaveProperty('container');
    expect(event).not.toHaveProperty('user');
    expect(event).toMatchObject({ destination: { ip: '203.0.113.7', port: 443 } });
  });

  test.each([[{}], [{ rule: 'r' }], [{ rule: 5, priority: 'Warning' }], [{ rule: [], priority: {} }]])(
    '%j is refused',
    (content) => {
      expect(outcomesOf('falco', content)).toEqual([
        expect.objectContaining({ kind: 'rejected', code: 'FALCO_NOT_ALERT' }),
      ]);
    },
  );
});
