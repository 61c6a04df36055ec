// The parent's side of a batch: verify who sent it and what it follows, check residency again, produce, store, acknowledge.
import type { Bus, BusMessage } from '../bus/bus.ts';
import type { Clock } from '../core/clock.ts';
import type { Counters } from '../core/counters.ts';
import { describeError, errorCode, PicketError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { SCHEMA_VERSION } from '../core/schema-version.ts';
import type { SiteRecord } from '../core/site.ts';
import { type SiteEvents, silentSiteEvents } from '../core/site-events.ts';
import type { TopicDefinition } from '../core/topics.ts';
import { readPublicKey } from '../identity/keys.ts';
import { type RecordStore, upsertRecord } from '../records/record-store.ts';
import { decodeBatch } from './batch.ts';
import { type BatchAnswer, FIRST_PREVIOUS } from './protocol.ts';
import { type ParentResidency, receiveRecord } from './receive-record.ts';

export interface TakeBatchDeps {
  readonly bus: Bus;
  readonly records: RecordStore;
  readonly tenant: string;
  readonly residency: ParentResidency;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly logger: Logger;
  readonly siteEvents?: SiteEvents;
  /** Batches come by a way that brings them again after a fault: one before the last is then no attack. */
  readonly redelivers?: boolean;
}

/**
 * Takes one batch of a site that TLS identified. Calls for one site must not overlap.
 * The records are on the bus before the sequence is stored, so a crash between the two produces them a
 * second time when the site sends again: readers of the topics are idempotent by event, alert and entry id.
 * @throws PicketError LINK_BATCH_*, LINK_TOO_LARGE, SIGNATURE_*, BUS_*, RECORD_*
 */
export async function takeBatch(
  options: TakeBatchDeps & { site: SiteRecord; body: Buffer },
): Promise<BatchAnswer> {
  const { bus, records, tenant, residency, counters, logger, body } = options;
  const { siteEvents = silentSiteEvents } = options;
  // Read again: the caller's copy may be older than the batch before this one.
  const site = (await records.get<SiteRecord>('sites', options.site.id))?.value ?? options.site;
  const source = site.id;
  const keys = site.signing_key === undefined ? [] : [readPublicKey(site.signing_key)];
  const tellRefused = (code: string, message: string): void =>
    siteEvents.tell({
      action: 'batch-refused',
      subject: source,
      code,
      message: `a batch of ${source} was refused: ${message}`,
      fields: { site_event: { site: source } },
    });
  const { header, hash, records: lines } = readAsSite({ body, keys, counters, source, tellRefused });
  if (header.tenant !== tenant || header.site !== site.id || header.jurisdiction !== site.jurisdiction) {
    counters.add('link', 'batch-refused:LINK_BATCH_FOREIGN', { source });
    const message = 'the batch speaks for another tenant, site or jurisdiction';
    tellRefused('LINK_BATCH_FOREIGN', message);
    throw refusal('LINK_BATCH_FOREIGN', message);
  }
  if (header.destination !== residency.jurisdiction) {
    counters.add('link', 'batch-refused:LINK_BATCH_MISDIRECTED', { source });
    const message = `it was made for ${header.destination}; this is ${residency.jurisdiction}`;
    tellRefused('LINK_BATCH_MISDIRECTED', message);
    throw refusal('LINK_BATCH_MISDIRECTED', message);
  }
  const last = site.batch ?? { sequence: 0, hash: FIRST_PREVIOUS };
  if (header.sequence === last.sequence && hash === last.hash) {
    counters.add('link', 'batch-duplicate', { source });
    return { sequence: header.sequence, hash, outcome: 'duplicate' };
  }
  if (options.redelivers && header.sequence < last.sequence) {
    counters.add('link', 'batch-redelivered', { source });
    return { sequence: header.sequence, hash, outcome: 'duplicate' };
  }
  const code = judgeSequence({ header, last });
  if (code) {
    await recordChainFault({ ...options, siteEvents, site, code, header, hash, last });
    throw refusal(code, `batch ${header.sequence} does not follow ${last.sequence}`);
  }

  const produced = new Map<TopicDefinition, BusMessage[]>();
  for (const line of lines) {
    const received = receiveRecord({ line, site, tenant, residency });
    if (received.outcome === 'refused') {
      counters.add('link', received.code, { source });
      logger.warn(
        { site: site.id, code: received.code, reason: received.message },
        'a record was quarantined',
      );
      siteEvents.tell({
        action: received.code === 'RESIDENCY_BREACH' ? 'residency-breach' : 'record-quarantined',
        subject: source,
        code: received.code,
        message: `a record of ${source} was not taken: ${received.message}`,
        fields: { site_event: { site: source, jurisdiction: site.jurisdiction } },
      });
      await bus.deadLetter(received.message_to_keep, {
        stage: 'link',
        code: received.code,
        message: received.message,
      });
      continue;
    }
    const messages = produced.get(received.topic);
    if (messages) messages.push(received.message);
    else produced.set(received.topic, [received.message]);
    if (received.report) await keepReport({ records, site: site.id, report: received.report });
  }
  for (const [topic, messages] of produced) await bus.produce(topic, messages);

  await upsertRecord<SiteRecord>({
    store: records,
    collection: 'sites',
    id: site.id,
    change: (current) => ({ ...(current ?? site), batch: { sequence: header.sequence, hash } }),
  });
  counters.add('link', 'batch', { source });
  counters.add('link', 'received', { source, by: lines.length });
  return { sequence: header.sequence, hash, outcome: 'taken' };
}

function readAsSite(options: {
  body: Buffer;
  keys: Parameters<typeof decodeBatch>[0]['keys'];
  counters: Counters;
  source: string;
  tellRefused: (code: string, message: string) => void;
}): ReturnType<typeof decodeBatch> {
  try {
    return decodeBatch(options);
  } catch (error) {
    options.counters.add('link', `batch-refused:${errorCode(error)}`, { source: options.source });
    options.tellRefused(errorCode(error), describeError(error));
    throw error;
  }
}

/** Undefined for the batch that comes next. Of batches before the last only that they are old is known. */
function judgeSequence(options: {
  header: { sequence: number; previous: string };
  last: { sequence: number; hash: string };
}): 'LINK_BATCH_FORK' | 'LINK_BATCH_REPLAYED' | 'LINK_BATCH_GAP' | undefined {
  const { header, last } = options;
  if (header.sequence === last.sequence) return 'LINK_BATCH_FORK';
  if (header.sequence < last.sequence) return 'LINK_BATCH_REPLAYED';
  if (header.sequence > last.sequence + 1) return 'LINK_BATCH_GAP';
  return header.previous === last.hash ? undefined : 'LINK_BATCH_FORK';
}

/** Forks, gaps and replays stay on record (collection `audit`), one a batch. */
async function recordChainFault(options: {
  records: RecordStore;
  clock: Clock;
  counters: Counters;
  logger: Logger;
  siteEvents: SiteEvents;
  site: SiteRecord;
  code: string;
  header: { sequence: number; previous: string };
  hash: string;
  last: { sequence: number; hash: string };
}): Promise<void> {
  const { records, clock, counters, logger, siteEvents, site, code, header, hash, last } = options;
  counters.add('link', `batch-refused:${code}`, { source: site.id });
  logger.error(
    { site: site.id, code, sequence: header.sequence, last: last.sequence },
    'a batch breaks the chain',
  );
  siteEvents.tell({
    action: 'chain-broken',
    subject: site.id,
    code,
    message: `batch ${header.sequence} of ${site.id} does not follow ${last.sequence}`,
    fields: { site_event: { site: site.id, sequence: header.sequence, expected: last.sequence + 1 } },
  });
  try {
    await records.create('audit', `link-${site.id}-${header.sequence}-${hash.slice(0, 16)}`, {
      schema: SCHEMA_VERSION,
      kind: 'link-chain-fault',
      actor: `site:${site.id}`,
      at: new Date(clock.now()).toISOString(),
      code,
      site: site.id,
      sequence: header.sequence,
      hash,
      previous: header.previous,
      expected: { sequence: last.sequence + 1, previous: last.hash },
    });
  } catch (error) {
    if (errorCode(error) !== 'RECORD_EXISTS') throw error;
  }
}

async function keepReport(options: {
  records: RecordStore;
  site: string;
  report: NonNullable<SiteRecord['posture']>;
}): Promise<void> {
  const { records, site, report } = options;
  if (!(await records.get('sites', site))) return;
  await upsertRecord<SiteRecord>({
    store: records,
    collection: 'sites',
    id: site,
    change: (current) => {
      if (!current || (current.posture && current.posture.at > report.at)) return undefined;
      return { ...current, posture: report };
    },
  });
}

function refusal(code: string, message: string): PicketError {
  return new PicketError({ code, message });
}
