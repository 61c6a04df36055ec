// The HTTP receiver: records posted as NDJSON, a JSON array, one object or one document, to a source by its id.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../platform/core/clock.ts';
import { describeError, errorCode, PicketError } from '../../platform/core/errors.ts';
import type { AcceptResult, Intake, IntakeSource } from '../intake.ts';
import { splitRecords } from '../split-records.ts';
import { type Authorise, createAuthorise } from './authorise.ts';
import { type BodyLimits, DEFAULT_BODY_LIMITS, decodeBody } from './read-body.ts';
import { senderOf } from './sender.ts';

export interface HttpReceiverOptions {
  readonly intake: Intake;
  readonly clock: Clock;
  readonly limits?: BodyLimits;
  /** How long a sender is asked to wait when the bus is behind; default 5 s. */
  readonly retry_after_s?: number;
}

/** How many refusals an answer names. */
const NAMED_REFUSALS = 10;

/** Records handed to the intake at once, so that one large body does not hold all its events in memory twice. */
const ACCEPT_BATCH = 1_000;

/**
 * Fastify plugin: `POST /ingest/v1/:source`. Answers 200 once every record is durable, counted as accepted
 * events, refused records (dead-lettered: sending them again is of no use) and filtered ones. 401 for an
 * unknown source or sender alike, 413 and 415 for bodies, 429 with Retry-After above the source's rate or
 * when the bus is behind. Errors are RFC 9457 problems with a stable `code`.
 */
export async function httpReceiver(app: FastifyInstance, options: HttpReceiverOptions): Promise<void> {
  const { intake, clock } = options;
  const limits = options.limits ?? DEFAULT_BODY_LIMITS;
  const retryAfter = options.retry_after_s ?? 5;
  const authorise = authorisersOf(intake, 'http');
  takeRawBodies(app, limits);
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error, retryAfter);
    countRefusedBody({ intake, problem, sourceId: (request.params as { source?: string }).source });
    return sendProblem(reply, problem);
  });

  app.post<{ Params: { source: string }; Body: Buffer | undefined }>(
    '/ingest/v1/:source',
    { bodyLimit: limits.max_body_bytes, onRequest: refuseStrangers },
    async (request, reply) => {
      const source = intake.sources.get(request.params.source) as IntakeSource;
      if (intake.congested()) throw busy('BUS_CONGESTED', 'the bus is behind', retryAfter);
      const bytes = await decodeBody({
        bytes: request.body ?? Buffer.alloc(0),
        encoding: request.headers['content-encoding'],
        limits,
      });
      const { peer } = senderOf(request);
      const records = splitRecords({
        bytes,
        framing: source.adapter.framing,
        received: clock.now(),
        ...(peer === undefined ? {} : { peer }),
      });
      const wait_ms = source.limiter.take(records.length);
      if (wait_ms > 0) throw busy('RATE_LIMITED', 'above the rate of this source', Math.ceil(wait_ms / 1000));
      const results: AcceptResult[] = [];
      for (let at = 0; at < records.length; at += ACCEPT_BATCH) {
        results.push(...(await intake.accept(source.config.id, records.slice(at, at + ACCEPT_BATCH))));
      }
      return reply.send(summarise(results));
    },
  );

  // Before the body is read: a stranger does not make us hold one.
  async function refuseStrangers(request: FastifyRequest): Promise<void> {
    const { source } = request.params as { source: string };
    const sender = senderOf(request);
    if (authorise.get(source)?.(sender) === true) return;
    if (intake.sources.has(source)) intake.turnAway(source, 'unauthorised', sender.peer);
    throw new PicketError({
      code: 'UNAUTHORISED',
      message: 'no source of this name takes records from this sender',
    });
  }
}

/** An Authorise for each source that has a receiver of the type. */
export function authorisersOf(intake: Intake, type: 'http' | 'bulk'): ReadonlyMap<string, Authorise> {
  return new Map(
    [...intake.sources.values()]
      .filter(({ config }) => config.receivers.some((receiver) => receiver.type === type))
      .map(({ config }) => [config.id, createAuthorise(config)]),
  );
}

/** Every body as bytes, whatever its type says: Falco, kube-apiserver and curl all name it differently. */
export function takeRawBodies(app: FastifyInstance, limits: BodyLimits): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    '*',
    { parseAs: 'buffer', bodyLimit: limits.max_body_bytes },
    (_request, body, done) => done(null, body),
  );
}

function summarise(results: readonly AcceptResult[]): object {
  const refusals = results.flatMap(({ rejected }, record) =>
    rejected.map((reason) => ({ record, ...reason })),
  );
  return {
    records: results.length,
    accepted: results.reduce((sum, { events }) => sum + events.length, 0),
    rejected: refusals.length,
    filtered: results.reduce((sum, { filtered }) => sum + filtered.length, 0),
    ...(refusals.length === 0 ? {} : { errors: refusals.slice(0, NAMED_REFUSALS) }),
  };
}

/** A PicketError that carries how long to wait. */
class BusyError extends PicketError {
  readonly retry_after_s: number;
  constructor(code: string, message: string, retry_after_s: number) {
    super({ code, message });
    this.retry_after_s = retry_after_s;
  }
}

export function busy(code: string, message: string, retry_after_s: number): PicketError {
  return new BusyError(code, message, Math.max(1, retry_after_s));
}

/** RFC 9457 problem details, with our stable code. */
export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly code: string;
  readonly detail: string;
  readonly retry_after_s?: number;
}

const STATUS: Readonly<Record<string, readonly [number, string]>> = {
  UNAUTHORISED: [401, 'Unauthorized'],
  BODY_ENCODING: [415, 'Unsupported Media Type'],
  BODY_CORRUPT: [400, 'Bad Request'],
  BULK_INVALID: [400, 'Bad Request'],
  BODY_TOO_LARGE: [413, 'Content Too Large'],
  RATE_LIMITED: [429, 'Too Many Requests'],
  BUS_CONGESTED: [429, 'Too Many Requests'],
  BUS_FULL: [429, 'Too Many Requests'],
  BUS_CLOSED: [503, 'Service Unavailable'],
  BUS_UNAVAILABLE: [503, 'Service Unavailable'],
};

/** What a thrown error means to a sender; what is not ours says no more than that. */
export function problemOf(error: unknown, retry_after_s: number): Problem {
  const fastifyCode = (error as { code?: unknown }).code;
  if (fastifyCode === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return {
      status: 413,
      title: 'Content Too Large',
      code: 'BODY_TOO_LARGE',
      detail: 'the body is too large',
    };
  }
  const code = errorCode(error);
  const [status, title] = STATUS[code] ?? [500, 'Internal Server Error'];
  const waits = status === 429 || status === 503;
  return {
    status,
    title,
    code,
    detail: status === 500 ? 'the records were not taken' : describeError(error),
    ...(waits ? { retry_after_s: error instanceof BusyError ? error.retry_after_s : retry_after_s } : {}),
  };
}

/** A body that could not be opened is gone for us, records unknown: it is counted as `dropped:body:<code>`. */
export function countRefusedBody(options: {
  intake: Intake;
  problem: Problem;
  sourceId: string | undefined;
}): void {
  const { intake, problem, sourceId } = options;
  if (sourceId === undefined || !intake.sources.has(sourceId)) return;
  if (/^(?:BODY|BULK)_/.test(problem.code)) intake.drop(sourceId, `body:${problem.code}`);
}

function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  const { retry_after_s, ...body } = problem;
  if (retry_after_s !== undefined) void reply.header('retry-after', String(retry_after_s));
  if (problem.status === 401)
    void reply.header('www-authenticate', 'Bearer realm="picket", Basic realm="picket"');
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .send({ type: 'about:blank', ...body });
}
