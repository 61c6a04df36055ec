// An Elasticsearch-compatible front: what Filebeat, Winlogbeat, Elastic Agent, Vector, Fluent Bit and rsyslog post to `_bulk`.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../platform/core/clock.ts';
import { PicketError } from '../../platform/core/errors.ts';
import { readFirst, splitField } from '../../platform/core/fields.ts';
import type { AcceptResult, Intake, IntakeSource } from '../intake.ts';
import { parseJsonObject } from '../parse-json.ts';
import type { RawRecord } from '../source.ts';
import { createOrdinals } from '../split-records.ts';
import { readBasicUser } from './authorise.ts';
import { answerStartup } from './bulk-startup.ts';
import { authorisersOf, busy, countRefusedBody, problemOf, takeRawBodies } from './http.ts';
import { type BulkItem, parseBulk } from './parse-bulk.ts';
import { type BodyLimits, DEFAULT_BODY_LIMITS, decodeBody } from './read-body.ts';
import { senderOf } from './sender.ts';

export interface BulkReceiverOptions {
  readonly intake: Intake;
  readonly clock: Clock;
  readonly limits?: BodyLimits;
  /** The Elasticsearch version that clients are told; they refuse one older than themselves unless allowed. */
  readonly version?: string;
  readonly retry_after_s?: number;
}

/** A pattern of index names for each source that has a bulk receiver. */
interface BulkSource {
  readonly source: IntakeSource;
  readonly matches: (index: string) => boolean;
  readonly recordField: readonly string[] | undefined;
}

/**
 * Fastify plugin: `POST /_bulk` and `POST /:index/_bulk` with a status an item (201 taken, 400 refused and
 * dead-lettered, 429 above the rate), and the questions that clients ask when they start. The credentials
 * decide which sources are open; of several, the index name (or the Basic user, if it is a source's id) chooses.
 */
export async function bulkReceiver(app: FastifyInstance, options: BulkReceiverOptions): Promise<void> {
  const { intake, clock } = options;
  const limits = options.limits ?? DEFAULT_BODY_LIMITS;
  const retryAfter = options.retry_after_s ?? 5;
  const authorise = authorisersOf(intake, 'bulk');
  const sources = bulkSources(intake);
  const open = (request: FastifyRequest): BulkSource[] => {
    const sender = senderOf(request);
    return sources.filter(({ source }) => authorise.get(source.config.id)?.(sender) === true);
  };
  takeRawBodies(app, limits);
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-elastic-product', 'Elasticsearch');
    if (open(request).length === 0) {
      const [only] = sources;
      // Which source a stranger meant is not known before the body is read; with one there is no question.
      if (only && sources.length === 1)
        intake.turnAway(only.source.config.id, 'unauthorised', senderOf(request).peer);
      throw new PicketError({
        code: 'UNAUTHORISED',
        message: 'unable to authenticate: no source takes this sender',
      });
    }
  });
  app.setErrorHandler((error, request, reply) => {
    const { index = '' } = (request.params ?? {}) as { index?: string };
    const candidates = open(request);
    const user = readBasicUser(request.headers.authorization);
    const { source } = chooseSource({ candidates, user, index }) ?? candidates[0] ?? {};
    countRefusedBody({ intake, problem: problemOf(error, retryAfter), sourceId: source?.config.id });
    return sendError(reply, error, retryAfter);
  });
  answerStartup(app, { version: options.version ?? '9.2.4' });

  const handle = async (
    request: FastifyRequest<{ Params: { index?: string } }>,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    const started = clock.monotonic();
    if (intake.congested()) throw busy('BUS_CONGESTED', 'the bus is behind', retryAfter);
    const bytes = await decodeBody({
      bytes: (request.body as Buffer | undefined) ?? Buffer.alloc(0),
      encoding: request.headers['content-encoding'],
      limits,
    });
    const items = parseBulk(bytes, request.params.index);
    const answers = await takeItems(items, request);
    return reply.type('application/json').send({
      took: Math.round(clock.monotonic() - started),
      errors: answers.some(({ status }) => status >= 300),
      items: answers.map((answer, at) => ({ [items[at]?.action ?? 'index']: answer })),
    });
  };
  // Some clients send PUT (both are in the API).
  app.route({ method: ['POST', 'PUT'], url: '/_bulk', bodyLimit: limits.max_body_bytes, handler: handle });
  app.route({
    method: ['POST', 'PUT'],
    url: '/:index/_bulk',
    bodyLimit: limits.max_body_bytes,
    handler: handle,
  });

  async function takeItems(items: readonly BulkItem[], request: FastifyRequest): Promise<ItemAnswer[]> {
    const answers: ItemAnswer[] = [];
    const candidates = open(request);
    const user = readBasicUser(request.headers.authorization);
    const { peer } = senderOf(request);
    const received = clock.now();
    const nextOrdinal = createOrdinals();
    const batches = new Map<BulkSource, { at: number[]; records: RawRecord[] }>();
    for (const [at, item] of items.entries()) {
      const chosen = chooseSource({ candidates, user, index: item.index ?? '' });
      if (item.document === undefined || item.action === 'update' || !chosen) {
        answers[at] = refusal(
          item,
          400,
          'illegal_argument_exception',
          chosen ? `${item.action} is not taken: events are only added` : 'no source takes this index',
        );
        if (chosen) intake.drop(chosen.source.config.id, `bulk-${item.action}`);
        continue;
      }
      const recordBytes = chosen.recordField ? readRecord(item.document, chosen.recordField) : item.document;
      const record: RawRecord = {
        bytes: recordBytes,
        received,
        ...(peer === undefined ? {} : { peer }),
        position:
          item.id === undefined
            ? { kind: 'request', ordinal: nextOrdinal(recordBytes) }
            : { kind: 'assigned', id: `${item.index ?? ''}/${item.id}` },
      };
      const batch = batches.get(chosen) ?? { at: [], records: [] };
      batch.at.push(at);
      batch.records.push(record);
      batches.set(chosen, batch);
    }
    for (const [{ source }, batch] of batches) {
      const wait_ms = source.limiter.take(batch.records.length);
      if (wait_ms > 0) {
        for (const at of batch.at) {
          const message = 'above the rate of this source';
          answers[at] = refusal(items[at] as BulkItem, 429, 'es_rejected_execution_exception', message);
        }
        continue;
      }
      const results = await intake.accept(source.config.id, batch.records);
      for (const [nth, at] of batch.at.entries()) {
        answers[at] = answerOf(items[at] as BulkItem, results[nth] as AcceptResult);
      }
    }
    return answers;
  }
}

interface ItemAnswer {
  readonly _index: string;
  readonly _id: string;
  readonly status: number;
  readonly [member: string]: unknown;
}

/** 201 when something of it was taken or left out on purpose; 400, which no client sends again, when all was refused. */
function answerOf(item: BulkItem, result: AcceptResult): ItemAnswer {
  const [reason] = result.rejected;
  if (reason && result.events.length === 0) {
    return refusal(item, 400, 'document_parsing_exception', `${reason.code}: ${reason.message}`);
  }
  return {
    _index: item.index ?? 'picket',
    _id: result.events[0] ?? item.id ?? '',
    _version: 1,
    result: 'created',
    _shards: { total: 1, successful: 1, failed: 0 },
    _seq_no: 0,
    _primary_term: 1,
    status: 201,
  };
}

function refusal(item: BulkItem, status: number, type: string, reason: string): ItemAnswer {
  return { _index: item.index ?? 'picket', _id: item.id ?? '', status, error: { type, reason } };
}

function bulkSources(intake: Intake): BulkSource[] {
  return [...intake.sources.values()].flatMap((source) =>
    source.config.receivers
      .filter((receiver) => receiver.type === 'bulk')
      .map(({ indices, record_field }) => {
        return {
          source,
          matches: (index: string) => indices.some((pattern) => matchesPattern(index, pattern)),
          recordField: record_field === undefined ? undefined : splitField(record_field),
        };
      }),
  );
}

/** `*` stands for anything; in time linear in the name, since names come from strangers. */
function matchesPattern(name: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return name === pattern;
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length)
    return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > name.length - last.length) return false;
    at = found + part.length;
  }
  return true;
}

function chooseSource(options: {
  candidates: readonly BulkSource[];
  user: string | undefined;
  index: string;
}): BulkSource | undefined {
  const { candidates, user, index } = options;
  const matching = candidates.filter(({ matches }) => matches(index));
  return matching.find(({ source }) => source.config.id === user) ?? matching[0];
}

/** The text of a field of the document; the document itself when it has none, so that it is refused with its bytes. */
function readRecord(document: Uint8Array, field: readonly string[]): Uint8Array {
  const parsed = parseJsonObject(document);
  const text = parsed.ok ? readFirst(parsed.value, field) : undefined;
  return typeof text === 'string' ? Buffer.from(text) : document;
}

/** Errors in Elasticsearch's form, since its clients read that. */
function sendError(reply: FastifyReply, error: unknown, retry_after_s: number): FastifyReply {
  const problem = problemOf(error, retry_after_s);
  if (problem.retry_after_s !== undefined) void reply.header('retry-after', String(problem.retry_after_s));
  if (problem.status === 401) void reply.header('www-authenticate', 'Basic realm="picket", ApiKey, Bearer');
  const type = problem.status === 429 ? 'es_rejected_execution_exception' : problem.code.toLowerCase();
  const cause = { type, reason: problem.detail };
  return reply
    .code(problem.status)
    .type('application/json')
    .send({ error: { root_cause: [cause], ...cause }, status: problem.status });
}
