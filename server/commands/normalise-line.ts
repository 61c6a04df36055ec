// Normalises records outside a running site: what `picket eval --source` and `picket rules test` need of ingest.
import { hash } from 'node:crypto';
import { buildEvent } from '../../ingest/build-event.ts';
import { SITE_SOURCE } from '../../ingest/keep-site-events.ts';
import { findAdapter, SOURCE_ADAPTERS } from '../../ingest/registry.ts';
import type { SiteIdentity } from '../../ingest/site-identity.ts';
import type { RawRecord } from '../../ingest/source.ts';
import { PicketError } from '../../platform/core/errors.ts';
import { type JsonObject, PicketEvent } from '../../platform/core/event.ts';
import { SITE_DATASET } from '../../platform/core/site-events.ts';
import { UsageError } from './exit-codes.ts';

/** A site that is none: ids made here are for this output only. */
const NOWHERE: SiteIdentity = {
  tenant: 'local',
  id: 'local',
  tier: 'edge',
  jurisdiction: 'zz',
  eventKey: new Uint8Array(32),
};

/**
 * A function from one record's bytes to its events, with the format's defaults. It throws PicketError with
 * the adapter's own code for a record that cannot be read.
 * @throws PicketError FORMAT_UNKNOWN
 */
export function createLineNormaliser(format: string): (bytes: Uint8Array) => JsonObject[] {
  if (format === SITE_SOURCE.type) return readSiteEvent;
  const adapter = findAdapter(format);
  if (!adapter) {
    const known = SOURCE_ADAPTERS.map(({ id }) => id).join(', ');
    throw new UsageError({
      code: 'FORMAT_UNKNOWN',
      message: `no source format ${format} (there are: ${known})`,
    });
  }
  const state = new Map<string, string>();
  const normaliser = adapter.createNormaliser({
    site: NOWHERE,
    sourceId: format,
    timezone: 'UTC',
    parameters: adapter.parameters.parse({}),
    state: { get: (key) => state.get(key), set: (key, value) => void state.set(key, value) },
    count: () => undefined,
  });
  const classes = new Map(adapter.datasets.map((dataset) => [dataset.name, dataset.class]));
  const seen = new Map<string, number>();
  return (line) => {
    const { bytes, peer } = format === 'netflow' ? readDatagram(line) : { bytes: line, peer: undefined };
    const digest = hash('sha1', bytes, 'base64');
    const ordinal = seen.get(digest) ?? 0;
    seen.set(digest, ordinal + 1);
    const record: RawRecord = {
      bytes,
      received: Date.now(),
      position: { kind: 'request', ordinal },
      ...(peer === undefined ? {} : { peer }),
    };
    return normaliser.normalise(record).flatMap((outcome, part) => {
      if (outcome.kind === 'filtered') return [];
      if (outcome.kind === 'rejected') {
        throw new PicketError({
          code: outcome.code,
          message: outcome.message,
          ...(outcome.place ? { place: { at: outcome.place } } : {}),
        });
      }
      const { draft } = outcome;
      const recordClass = draft.class ?? classes.get(draft.dataset) ?? 'application-log';
      return [
        buildEvent({
          draft,
          part,
          record,
          source: { id: format, type: format },
          class: recordClass,
          site: NOWHERE,
        }) as unknown as JsonObject,
      ];
    });
  };
}

/** A site's own event, which no source makes: taken as it was made. @throws PicketError SITE_EVENT_INVALID */
function readSiteEvent(line: Uint8Array): JsonObject[] {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(line));
  } catch (cause) {
    throw new PicketError({ code: 'SITE_EVENT_INVALID', message: 'not JSON', cause });
  }
  const parsed = PicketEvent.safeParse(value);
  if (!parsed.success || parsed.data.event.dataset !== SITE_DATASET) {
    const message = `an event of the dataset ${SITE_DATASET} is wanted, as \`picket search --json\` gives it`;
    throw new PicketError({ code: 'SITE_EVENT_INVALID', message });
  }
  return [parsed.data];
}

/** A line of a flow recording: {"peer", "datagram": base64} (demo/recordings/README.md). @throws PicketError RECORDING_INVALID */
export function readDatagram(line: Uint8Array | string): { bytes: Uint8Array; peer: string | undefined } {
  try {
    const text = typeof line === 'string' ? line : new TextDecoder().decode(line);
    const { datagram, peer } = JSON.parse(text) as { datagram: string; peer?: string };
    return { bytes: Buffer.from(datagram, 'base64'), peer };
  } catch (cause) {
    throw new PicketError({
      code: 'RECORDING_INVALID',
      message: 'a line of a flow recording is {"peer", "datagram": base64}',
      cause,
    });
  }
}
