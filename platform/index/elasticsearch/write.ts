// Writes events in bulk: bodies as they came, created once by id; what is refused gets its reason, what may pass later comes again.
import { isUtf8 } from 'node:buffer';
import type { Client, estypes } from '@elastic/elasticsearch';
import type { Clock } from '../../core/clock.ts';
import { describeError, errorCode, PicketError } from '../../core/errors.ts';
import { createTurns, type Turns } from '../../core/turns.ts';
import { isBlocked, readFailure, statusOf } from '../../elasticsearch/connect.ts';
import type { IndexDocument, WriteOutcome } from '../event-index.ts';
import type { SegmentRoute } from '../segment-name.ts';
import { type Catalogue, isMissing, routeOf, writeAlias } from './catalogue.ts';
import { UNMAPPED } from './fields.ts';

export interface WriteLimits {
  /** Bytes of one bulk request; a cluster that takes less is given less. */
  readonly bulk_bytes: number;
  /** Bulk requests under way at once; what comes beyond waits here, not in the cluster, where its time would run out, and goes together. */
  readonly in_flight: number;
  /** Waits between attempts at what the cluster is too busy for, ms. */
  readonly retry_first_ms: number;
  readonly retry_most_ms: number;
  /** Attempts before the whole write fails, to come again from the bus. */
  readonly attempts: number;
}

export const DEFAULT_WRITE_LIMITS: WriteLimits = {
  bulk_bytes: 8 * 1024 ** 2,
  in_flight: 4,
  retry_first_ms: 100,
  retry_most_ms: 5_000,
  attempts: 6,
};

/** A document on its way: where its outcome goes, what is sent. */
interface Pending {
  readonly at: number;
  readonly document: IndexDocument;
  readonly route: SegmentRoute;
  readonly index: string;
  /** What stands for the body when the mapping cannot hold it. */
  replaced?: Uint8Array;
}

type BulkItem = estypes.BulkResponseItem;

/** A part of a write that waits to be sent, alone or with others. */
interface Waiting {
  readonly part: readonly Pending[];
  readonly bytes: number;
  readonly resolve: (items: readonly BulkItem[]) => void;
  readonly reject: (error: unknown) => void;
}

export class BulkWriter {
  readonly #client: Client;
  readonly #catalogue: Catalogue;
  readonly #clock: Clock;
  readonly #limits: WriteLimits;
  readonly #turns: Turns;
  readonly #waiting: Waiting[] = [];

  constructor(options: { client: Client; catalogue: Catalogue; clock: Clock; limits: WriteLimits }) {
    this.#client = options.client;
    this.#catalogue = options.catalogue;
    this.#clock = options.clock;
    this.#limits = options.limits;
    this.#turns = createTurns(options.limits.in_flight);
  }

  /** One outcome a document. @throws PicketError ELASTICSEARCH_UNAVAILABLE and others of readFailure: nothing is known then */
  async write(documents: readonly IndexDocument[]): Promise<WriteOutcome[]> {
    const outcomes: WriteOutcome[] = [];
    let waiting: Pending[] = [];
    for (const [at, document] of documents.entries()) {
      try {
        const route = routeOf(document);
        waiting.push({ at, document, route, index: this.#catalogue.nameOf(route) });
      } catch (error) {
        outcomes[at] = refuse(errorCode(error), describeError(error));
      }
    }
    for (let attempt = 0, wait = this.#limits.retry_first_ms; waiting.length > 0; attempt++) {
      if (attempt > 0) {
        if (attempt >= this.#limits.attempts)
          throw new PicketError({
            code: 'ELASTICSEARCH_UNAVAILABLE',
            message: `the cluster was too busy for ${waiting.length} of ${documents.length} events`,
          });
        await this.#clock.sleep(wait);
        wait = Math.min(2 * wait, this.#limits.retry_most_ms);
      }
      waiting = await this.#round(waiting, outcomes);
    }
    return outcomes;
  }

  /** Sends all once; what is left is to be sent again. */
  async #round(pending: readonly Pending[], outcomes: WriteOutcome[]): Promise<Pending[]> {
    await this.#makeIndices(pending);
    const left: Pending[] = [];
    for (const part of this.#parts(pending)) left.push(...(await this.#send(part, outcomes)));
    return left;
  }

  async #makeIndices(pending: readonly Pending[]): Promise<void> {
    const missing = new Map<string, SegmentRoute>();
    for (const { index, route } of pending) if (!this.#catalogue.isKnown(index)) missing.set(index, route);
    await Promise.all([...missing.values()].map((route) => this.#catalogue.make(route)));
  }

  *#parts(pending: readonly Pending[]): Generator<Pending[]> {
    let part: Pending[] = [];
    let bytes = 0;
    for (const one of pending) {
      const size = bytesOf(one);
      if (part.length > 0 && bytes + size > this.#limits.bulk_bytes) {
        yield part;
        part = [];
        bytes = 0;
      }
      part.push(one);
      bytes += size;
    }
    if (part.length > 0) yield part;
  }

  async #send(part: readonly Pending[], outcomes: WriteOutcome[]): Promise<Pending[]> {
    let items: readonly BulkItem[];
    try {
      items = await this.#sendInTurn(part);
    } catch (error) {
      if (statusOf(error) !== 413) throw readFailure(error);
      const [only] = part as [Pending];
      if (part.length === 1) {
        outcomes[only.at] = refuse('INDEX_EVENT_TOO_LARGE', 'the cluster takes no request of this size');
        return [];
      }
      const half = Math.ceil(part.length / 2);
      return [
        ...(await this.#send(part.slice(0, half), outcomes)),
        ...(await this.#send(part.slice(half), outcomes)),
      ];
    }
    const left: Pending[] = [];
    for (const [at, item] of items.entries()) {
      const one = part[at] as Pending;
      const outcome = this.#judge(one, item);
      if (outcome) outcomes[one.at] = outcome;
      else left.push(one);
    }
    return left;
  }

  /** Whoever's turn comes takes along what waits as well; those then find nothing left. */
  #sendInTurn(part: readonly Pending[]): Promise<readonly BulkItem[]> {
    return new Promise((resolve, reject) => {
      const bytes = part.reduce((all, one) => all + bytesOf(one), 0);
      this.#waiting.push({ part, bytes, resolve, reject });
      void this.#turns.take(0, async () => {
        const together = this.#takeWaiting();
        if (together.length > 0) await this.#sendTogether(together);
      });
    });
  }

  /** As many as fit into one request, at least one, in the order they came. */
  #takeWaiting(): Waiting[] {
    let count = 0;
    for (let bytes = 0; count < this.#waiting.length; count++) {
      bytes += this.#waiting[count]?.bytes ?? 0;
      if (count > 0 && bytes > this.#limits.bulk_bytes) break;
    }
    return this.#waiting.splice(0, count);
  }

  async #sendTogether(together: readonly Waiting[]): Promise<void> {
    try {
      const items = await this.#bulk(together.flatMap(({ part }) => part));
      let at = 0;
      for (const { part, resolve } of together) resolve(items.slice(at, (at += part.length)));
    } catch (error) {
      // Alone each may be small enough, or be parted.
      if (statusOf(error) === 413 && together.length > 1)
        for (const one of together) await this.#sendTogether([one]);
      else for (const { reject } of together) reject(error);
    }
  }

  async #bulk(part: readonly Pending[]): Promise<readonly BulkItem[]> {
    const lines: Uint8Array[] = [];
    for (const { document, index, replaced } of part) {
      const action = { create: { _index: writeAlias(index), _id: document.id, require_alias: true } };
      lines.push(Buffer.from(`${JSON.stringify(action)}\n`), replaced ?? oneLine(document.body), NEWLINE);
    }
    const answer = await this.#client.transport.request<estypes.BulkResponse>(
      {
        method: 'POST',
        path: '/_bulk',
        querystring: {
          filter_path:
            'items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason',
        },
        body: Buffer.concat(lines),
      },
      {
        headers: {
          'content-type': 'application/vnd.elasticsearch+x-ndjson; compatible-with=9',
          accept: 'application/vnd.elasticsearch+json; compatible-with=9',
        },
      },
    );
    return answer.items.map((item) => item.create as BulkItem);
  }

  /** The outcome of one item; undefined when it is to be sent again. */
  #judge(one: Pending, { status, error }: BulkItem): WriteOutcome | undefined {
    if (status < 300) return { result: 'created' };
    if (status === 409) return { result: 'duplicate' };
    const type = error?.type ?? '';
    const said = [type, error?.reason, error?.caused_by?.reason].filter(Boolean).join(': ');
    if (isMissing(type)) {
      this.#catalogue.forget(one.index);
      return undefined;
    }
    if (status === 429 || status >= 500) return undefined;
    // Read-only or closed: all of the write waits, as the bus does.
    if (isBlocked(type) || status === 403)
      throw new PicketError({ code: 'ELASTICSEARCH_UNAVAILABLE', message: said.slice(0, 500) });
    if (one.replaced === undefined && status === 400) {
      const replaced = setApart(one.document);
      if (!(replaced instanceof Uint8Array)) return replaced;
      one.replaced = replaced;
      return undefined;
    }
    return refuse('INDEX_EVENT_REFUSED', said.slice(0, 500));
  }
}

const NEWLINE = Buffer.from('\n');
/** What stands before a body, about. */
const ACTION_BYTES = 200;

function bytesOf({ document, replaced }: Pending): number {
  return (replaced ?? document.body).length + ACTION_BYTES;
}

/** Raw line breaks can only stand between JSON's tokens, and end a line of the request: they become spaces. */
function oneLine(body: Uint8Array): Uint8Array {
  if (!body.includes(0x0a) && !body.includes(0x0d)) return body;
  return body.map((byte) => (byte === 0x0a || byte === 0x0d ? 0x20 : byte));
}

/** The event as one that the mapping need not understand, or why it is none. */
function setApart({
  id,
  body,
  tenant,
  dataset,
  jurisdiction,
  timestamp,
}: IndexDocument): Uint8Array | WriteOutcome {
  if (!isUtf8(body)) return refuse('INDEX_BODY_INVALID', 'the body is not UTF-8');
  let event: unknown;
  try {
    event = JSON.parse(Buffer.from(body).toString('utf8'));
  } catch (error) {
    return refuse('INDEX_BODY_INVALID', describeError(error));
  }
  if (event === null || typeof event !== 'object' || Array.isArray(event))
    return refuse('INDEX_BODY_INVALID', 'the body is not a JSON object');
  const document = {
    '@timestamp': timestamp,
    event: { id, dataset },
    // As text: no depth and no name of a field is too much for it.
    picket: {
      tenant,
      jurisdiction,
      [UNMAPPED.slice('picket.'.length)]: true,
      raw: { event: JSON.stringify(event) },
    },
  };
  return Buffer.from(JSON.stringify(document));
}

function refuse(code: string, message: string): WriteOutcome {
  return { result: 'rejected', code, message };
}
