import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../../platform/core/event.ts';
import { eventsOf, linesOf, outcomesOf } from '../../normalise-text.ts';

const LINES = linesOf('demo/recordings/kubernetes-audit.ndjson');
const PARAMETERS = { parameters: { cluster: 'plant-7' } };

function lineWith(test: (event: JsonObject) => boolean): string {
  const line = LINES.find((text) => test(JSON.parse(text) as JsonObject));
  if (line === undefined) throw new Error('not in the recording');
  return line;
}

describe('recorded audit events', () => {
  test('each line becomes one dated event with an id of its own', () => {
    const ids = LINES.map((line) => {
      const [event] = eventsOf('kubernetes-audit', line, PARAMETERS);
      expect(event).toMatchObject({
        event: { dataset: 'kubernetes.audit' },
        picket: { class: 'control-plane-audit', time: 'ok' },
        orchestrator: { type: 'kubernetes', cluster: { name: 'plant-7' } },
      });
      return event?.event.id;
    });
    expect(new Set(ids).size).toBe(LINES.length);
  });

  test('an exec into a pod has who, what and from where', () => {
    const line = lineWith(
      (event) => (event['objectRef'] as JsonObject | undefined)?.['subresource'] === 'exec',
    );
    const raw = JSON.parse(line) as {
      user: { username: string; groups: string[] };
      sourceIPs: string[];
      verb: string;
      objectRef: JsonObject;
    };
    const [event] = eventsOf('kubernetes-audit', line, PARAMETERS);
    expect(event).toMatchObject({
      event: { action: raw.verb },
      user: { name: raw.user.username, group: { name: raw.user.groups } },
      source: { ip: raw.sourceIPs[0] },
      url: { path: expect.stringMatching(/\/exec$/) },
      kubernetes: { audit: { verb: raw.verb, objectRef: raw.objectRef } },
    });
  });

  test('images of a request are named, and the bookkeeping of server-side apply is left to the original', () => {
    const line = lineWith((event) => JSON.stringify(event['requestObject'] ?? '').includes('"image"'));
    const [event] = eventsOf('kubernetes-audit', line);
    expect(event).toHaveProperty('container.image.name');
    const { event: inner, ...rest } = event as unknown as JsonObject;
    expect(JSON.stringify(rest)).not.toContain('managedFields');
    expect((inner as JsonObject)['original']).toBe(line);
  });

  test('a refused request is a failure', () => {
    const refused = LINES.map((line) => JSON.parse(line) as { responseStatus?: { code?: number } }).find(
      ({ responseStatus }) => (responseStatus?.code ?? 0) >= 400,
    );
    if (!refused) throw new Error('no refusal in the recording');
    expect(eventsOf('kubernetes-audit', refused)[0]?.event['outcome']).toBe('failure');
  });

  test('the EventList of the webhook gives the same ids as the lines of the log', () => {
    const some = LINES.slice(0, 20);
    const items = some.map((line) => {
      const { kind: _kind, apiVersion: _version, ...event } = JSON.parse(line) as JsonObject;
      return event;
    });
    const listed = eventsOf('kubernetes-audit', {
      kind: 'EventList',
      apiVersion: 'audit.k8s.io/v1',
      metadata: {},
      items,
    });
    expect(listed.map(({ event }) => event.id)).toEqual(
      some.map((line) => eventsOf('kubernetes-audit', line)[0]?.event.id),
    );
  });
});

describe('what is no audit event', () => {
  test.each([
    [{}, 'KUBERNETES_NOT_AUDIT'],
    [{ kind: 'Event', apiVersion: 'v1' }, 'KUBERNETES_NOT_AUDIT'],
    [{ kind: 'EventList', items: 5 }, 'KUBERNETES_LIST_INVALID'],
  ])('%j is refused as %s', (content, code) => {
    expect(outcomesOf('kubernetes-audit', content)).toEqual([
      expect.objectContaining({ kind: 'rejected', code }),
    ]);
  });

  test('a bad item of a list is refused with its place, the others are taken', () => {
    const outcomes = outcomesOf(
      'kubernetes-audit',
      `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[${LINES[0]},7]}`,
    );
    expect(outcomes.map(({ kind }) => kind)).toEqual(['event', 'rejected']);
    expect(outcomes[1]).toMatchObject({ place: 'items.1' });
  });

  test('an empty list is filtered by a named rule', () => {
    expect(
      outcomesOf('kubernetes-audit', { kind: 'EventList', apiVersion: 'audit.k8s.io/v1', items: [] }),
    ).toEqual([{ kind: 'filtered', rule: 'kubernetes-empty-list' }]);
  });

  test('members of the wrong type are left out', () => {
    const [event] = eventsOf('kubernetes-audit', {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      verb: 5,
      user: 'x',
      sourceIPs: ['nowhere'],
      objectRef: [],
      stageTimestamp: 12,
      responseStatus: { code: '200' },
    });
    expect(event?.picket.time).toBe('missing');
    expect(event).not.toHaveProperty('user');
    expect(event).not.toHaveProperty('source');
    expect(event).not.toHaveProperty('event.action');
  });
});
