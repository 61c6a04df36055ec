// Records as a site makes them, small but whole.
import type { Alert } from '../../../platform/core/alert.ts';
import type { JsonObject } from '../../../platform/core/event.ts';
import type { ResidencyClass } from '../../../platform/core/names.ts';
import { SITE, TENANT } from './two-sites.ts';

export function makeEvent(options: {
  id: string;
  class?: ResidencyClass;
  dataset?: string;
  fields?: JsonObject;
  event?: JsonObject;
}): JsonObject {
  return {
    ...options.fields,
    '@timestamp': '2026-11-23T10:00:00.000Z',
    ecs: { version: '9.1.0' },
    event: {
      ...options.event,
      id: options.id,
      kind: 'event',
      module: 'netflow',
      dataset: options.dataset ?? 'netflow.flow',
    },
    picket: {
      schema: 1,
      tenant: TENANT,
      site: { id: SITE.id, tier: 'edge' },
      jurisdiction: SITE.jurisdiction,
      class: options.class ?? 'network-flow',
      source: { id: 'flows', type: 'netflow' },
      time: 'ok',
      received: '2026-11-23T10:00:01.000Z',
    },
  };
}

export function makeAlert(options: { id: string; class?: ResidencyClass } & Partial<Alert>): Alert {
  return {
    schema: 1,
    tenant: TENANT,
    site: { id: SITE.id, tier: 'edge' },
    jurisdiction: SITE.jurisdiction,
    class: 'control-plane-audit',
    rule: { id: 'r-1', name: 'Pod exec', level: 'high', kind: 'plain', version: 'a', pack: 'b', tags: [] },
    scope: 'site',
    key: {},
    state: 'current',
    revision: 1,
    first: '2026-11-23T10:00:00.000Z',
    last: '2026-11-23T10:00:00.000Z',
    count: 1,
    events: [{ id: 'e-1', timestamp: '2026-11-23T10:00:00.000Z', dataset: 'kubernetes.audit' }],
    reasons: [],
    entities: [],
    threat: [],
    detection_delay_ms: 5,
    replayed: false,
    created: '2026-11-23T10:00:01.000Z',
    status: 'open',
    ...options,
  };
}
