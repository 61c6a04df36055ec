/** Normalises a text with an adapter and builds its events, as the intake does, without a bus. */
import { readFileSync } from 'node:fs';
import { buildEvent } from '../../ingest/build-event.ts';
import { findAdapter } from '../../ingest/registry.ts';
import type { Normalised, Normaliser, RawRecord } from '../../ingest/source.ts';
import type { JsonObject, PicketEvent } from '../../platform/core/event.ts';
import { SITE } from './start-intake.ts';

export const RECEIVED = Date.UTC(2026, 10, 23, 22, 0, 0);

/** A normaliser of a format, with what it counted. */
export function createTestNormaliser(
  format: string,
  options: { parameters?: JsonObject; timezone?: string } = {},
): { normaliser: Normaliser; counted: Map<string, number> } {
  const adapter = findAdapter(format);
  if (!adapter) throw new Error(`no adapter ${format}`);
  const counted = new Map<string, number>();
  const normaliser = adapter.createNormaliser({
    site: SITE,
    sourceId: 'test',
    timezone: options.timezone ?? 'UTC',
    parameters: adapter.parameters.parse(options.parameters ?? {}),
    state: { get: () => undefined, set: () => undefined },
    count: (reason, by) => void counted.set(reason, (counted.get(reason) ?? 0) + by),
  });
  return { normaliser, counted };
}

export function rawRecord(content: string | Uint8Array): RawRecord {
  return {
    bytes: typeof content === 'string' ? Buffer.from(content) : content,
    received: RECEIVED,
    position: { kind: 'request', ordinal: 0 },
  };
}

/** All outcomes of one text or object. */
export function outcomesOf(
  format: string,
  content: string | Uint8Array | object,
  options: { parameters?: JsonObject; timezone?: string } = {},
): readonly Normalised[] {
  const raw =
    typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content);
  return createTestNormaliser(format, options).normaliser.normalise(rawRecord(raw));
}

/** The finished events of one text or object; throws when anything of it was refused. */
export function eventsOf(
  format: string,
  content: string | Uint8Array | object,
  options: { parameters?: JsonObject; timezone?: string } = {},
): PicketEvent[] {
  const raw =
    typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content);
  const adapter = findAdapter(format);
  return outcomesOf(format, raw, options).map((outcome, part) => {
    if (outcome.kind !== 'event') throw new Error(JSON.stringify(outcome));
    const { draft } = outcome;
    const residencyClass = adapter?.datasets.find(({ name }) => name === draft.dataset)?.class ?? draft.class;
    if (!residencyClass) throw new Error(`undeclared dataset ${draft.dataset}`);
    return buildEvent({
      draft,
      part,
      record: rawRecord(raw),
      source: { id: 'test', type: format },
      class: residencyClass,
      site: SITE,
    });
  });
}

/** The lines of a file, by its path from the project's folder. */
export function linesOf(path: string): string[] {
  const file = new URL(`../../${path}`, import.meta.url);
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}

export function readProjectFile(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}
