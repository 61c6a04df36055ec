// Small real-shaped events for the index tests (fields as the windows, kubernetes-audit and netflow adapters map them).
import type { JsonObject } from '../../../platform/core/event.ts';
import type { IndexDocument } from '../../../platform/index/event-index.ts';

/** A document of tenant `acme`, dataset `windows.security`, `eu-fr`; anything can be overridden. */
export function sampleDocument(
  id: string,
  options: Partial<Omit<IndexDocument, 'body'>> & { fields?: JsonObject } = {},
): IndexDocument {
  const { fields = {}, ...routing } = options;
  const document = {
    id,
    tenant: 'acme',
    dataset: 'windows.security',
    jurisdiction: 'eu-fr',
    timestamp: '2026-11-20T10:00:00.000Z',
    time: 'ok' as const,
    ...routing,
  };
  const event = {
    '@timestamp': document.timestamp,
    ecs: { version: '9.1.0' },
    picket: {
      schema: 1,
      tenant: document.tenant,
      site: { id: 'plant-1', tier: 'edge' },
      jurisdiction: document.jurisdiction,
      class: 'host-audit',
      source: { id: 's', type: 'ecs' },
      time: document.time,
      received: document.timestamp,
    },
    ...fields,
    event: {
      id,
      kind: 'event',
      module: document.dataset.split('.')[0],
      dataset: document.dataset,
      ...(fields['event'] as JsonObject | undefined),
    },
  };
  return { ...document, body: Buffer.from(JSON.stringify(event)) };
}

/** An ISO time some minutes after 2026-11-20 10:00 UTC. */
export function minute(minutes: number): string {
  return new Date(Date.UTC(2026, 10, 20, 10) + minutes * 60_000).toISOString();
}
