// The demo's recordings under the demo's policies: what the centre must get, and what it must not.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildEvent } from '../../../ingest/build-event.ts';
import { findAdapter } from '../../../ingest/registry.ts';
import type { SourceAdapter } from '../../../ingest/source.ts';
import type { JsonObject } from '../../../platform/core/event.ts';
import { readText } from '../../../platform/core/fields.ts';
import { parseKql } from '../../../platform/core/kql/parse-kql.ts';
import {
  compileResidencyPolicy,
  type ResidencyDecision,
} from '../../../platform/residency/compile-policy.ts';
import { loadResidencyPolicies } from '../../../platform/residency/load-policies.ts';
import type { ResidencyPolicy } from '../../../platform/residency/policy.ts';

const policies = loadResidencyPolicies('rules/residency');

/** Each record of a recording as an event of the site, and what residency makes of it. */
function decideRecording(options: { file: string; format: string; jurisdiction: string }): {
  event: JsonObject;
  decision: ResidencyDecision;
}[] {
  const { file, format, jurisdiction } = options;
  const adapter = findAdapter(format) as SourceAdapter;
  const site = {
    tenant: 'acme',
    id: 'one',
    tier: 'edge' as const,
    jurisdiction,
    eventKey: Buffer.alloc(32, 1),
  };
  const normaliser = adapter.createNormaliser({
    site,
    sourceId: 's',
    timezone: 'UTC',
    parameters: adapter.parameters.parse({}),
    state: { get: () => undefined, set: () => undefined },
    count: () => undefined,
  });
  const policy = compileResidencyPolicy({
    policy: policies.get(jurisdiction) as ResidencyPolicy,
    hashKey: Buffer.alloc(32, 9),
    parseQuery: parseKql,
  });
  const lines = readFileSync(`demo/recordings/${file}`, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return lines.flatMap((line, ordinal) => {
    const record = {
      bytes: Buffer.from(line),
      received: Date.now(),
      position: { kind: 'request' as const, ordinal },
    };
    return normaliser.normalise(record).flatMap((normalised, part) => {
      if (normalised.kind !== 'event') return [];
      const { draft } = normalised;
      const { class: recordClass } = adapter.datasets.find(
        ({ name }) => name === draft.dataset,
      ) as SourceAdapter['datasets'][number];
      const source = { id: 's', type: format };
      const event = buildEvent({
        draft,
        part,
        record,
        source,
        class: recordClass,
        site,
      }) as unknown as JsonObject;
      const decision = policy.decide({ kind: 'event', record: event, destination: 'eu-de' });
      const sent = JSON.parse(JSON.stringify(decision.document ?? null)) as JsonObject | null;
      const breach = sent
        ? policy.findBreach({ kind: 'event', record: sent, destination: 'eu-de' })
        : undefined;
      expect(breach).toBeUndefined();
      return [{ event, decision }];
    });
  });
}

describe('the demo under its policies', () => {
  it('lets the audit of Lyon leave without names and bodies, with pods, images and verbs as they were', () => {
    const decided = decideRecording({
      file: 'kubernetes-audit.ndjson',
      format: 'kubernetes-audit',
      jurisdiction: 'eu-fr',
    });
    expect(decided.length).toBeGreaterThan(100);
    expect(decided.some(({ event }) => readText(event, 'user.name') === 'marie.durand')).toBe(true);
    for (const { event, decision } of decided) {
      expect(decision.outcome).toBe('left');
      const text = JSON.stringify(decision.document);
      expect(text).not.toContain('"requestObject"');
      expect(text).not.toContain('"original"');
      expect(text).not.toContain('marie.durand');
      for (const field of [
        'orchestrator.resource.name',
        'orchestrator.namespace',
        'container.image.name',
        'event.action',
        'kubernetes.audit.verb',
      ])
        expect([field, readText(decision.document, field)]).toEqual([field, readText(event, field)]);
    }
  });

  it('lets runtime alerts and the image scan of Lyon leave as they are', () => {
    for (const { event, decision } of decideRecording({
      file: 'falco.ndjson',
      format: 'falco',
      jurisdiction: 'eu-fr',
    })) {
      expect(decision.document).toEqual(JSON.parse(JSON.stringify(event)));
    }
  });

  it('keeps every Windows record in Guangdong', () => {
    const decided = decideRecording({ file: 'windows.ndjson', format: 'windows', jurisdiction: 'cn-gd' });
    expect(decided.length).toBeGreaterThan(0);
    expect(decided.filter(({ decision }) => decision.outcome === 'left')).toEqual([]);
  });
});
