// Records on Elasticsearch: one index of one shard, whose order of writing is the order of changes, for as many processes as need them.
import type { Client, estypes } from '@elastic/elasticsearch';
import type { Clock } from '../../core/clock.ts';
import { PicketError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/event.ts';
import { compileExpression } from '../../core/expression/compile.ts';
import { EVERYTHING, type Expression } from '../../core/expression/expression.ts';
import type { Logger } from '../../core/log.ts';
import {
  answerOf,
  connectElasticsearch,
  type ElasticsearchConnection,
  makeIndex,
  readFailure,
  statusOf,
} from '../../elasticsearch/connect.ts';
import { checkId, checkQuery, sortValue, writeJson } from '../check-record.ts';
import { orderOf, type PagePosition, readCursor, writeCursor } from '../page-cursor.ts';
import type { Collection, RecordChange, RecordQuery, RecordStore, StoredRecord } from '../record-store.ts';
import { compileFilter } from './compile-filter.ts';
import { purgeTombstones } from './purge-tombstones.ts';
import {
  documentId,
  type RecordDocument,
  recordDocument,
  recordMapping,
  sortText,
} from './record-document.ts';
import { startWatching, type Watching } from './watch-changes.ts';

export interface ElasticsearchRecordsOptions {
  readonly connection: ElasticsearchConnection;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The index; made when missing. Default `picket_records`. */
  readonly index?: string;
  readonly replicas?: number;
}

const PAGE = 1_000;

type Hit = estypes.SearchHit<RecordDocument>;

/**
 * Opens the store; makes its index when it is not there.
 * @throws PicketError ELASTICSEARCH_UNAVAILABLE, ELASTICSEARCH_AUTHENTICATION, ELASTICSEARCH_FORBIDDEN, ELASTICSEARCH_REFUSED
 */
export async function openElasticsearchRecords(options: ElasticsearchRecordsOptions): Promise<RecordStore> {
  const { index = 'picket_records', replicas = 1 } = options;
  const client = connectElasticsearch(options.connection);
  try {
    await makeIndex(client, {
      index,
      // One shard: its sequence numbers are one order over all collections.
      settings: { number_of_shards: 1, number_of_replicas: replicas, refresh_interval: '1s' },
      mappings: recordMapping(),
    });
    // Another process may have made it a moment ago: its shard must be there before it is asked.
    await client.cluster.health({
      index,
      wait_for_active_shards: 1,
      wait_for_no_initializing_shards: true,
      timeout: '30s',
    });
    await purgeTombstones(client, { index, now: options.clock.now() });
  } catch (error) {
    await client.close();
    throw readFailure(error);
  }
  return new ElasticsearchRecords({ ...options, client, index });
}

class ElasticsearchRecords implements RecordStore {
  readonly #client: Client;
  readonly #index: string;
  readonly #clock: Clock;
  readonly #watching: Watching;

  constructor(options: ElasticsearchRecordsOptions & { client: Client; index: string }) {
    this.#client = options.client;
    this.#index = options.index;
    this.#clock = options.clock;
    this.#watching = startWatching({
      changes: (request) => this.changes(request),
      newest: () => this.#checkpoint(),
      clock: options.clock,
      logger: options.logger,
    });
  }

  async create<T extends object>(collection: Collection, id: string, value: T): Promise<StoredRecord<T>> {
    checkId(id);
    writeJson(value);
    const document = recordDocument({ collection, id, value, written: this.#clock.now() });
    // Nearly always nothing stands there. What was removed left a mark, which the record replaces.
    for (let stands = 'none'; ; ) {
      const written = await this.#put(document, stands);
      if (written !== undefined) return { id, value, revision: written };
      const found = await this.#read(collection, id);
      if (found && !found.document.removed)
        throw new PicketError({ code: 'RECORD_EXISTS', message: `${collection}/${id} exists already` });
      stands = found?.revision ?? 'none';
    }
  }

  async get<T extends object = JsonObject>(
    collection: Collection,
    id: string,
  ): Promise<StoredRecord<T> | undefined> {
    const stands = await this.#read(collection, id);
    if (!stands || stands.document.removed) return undefined;
    return { id, value: stands.document.value as T, revision: stands.revision };
  }

  async update<T extends object>(collection: Collection, record: StoredRecord<T>): Promise<StoredRecord<T>> {
    const { id, value, revision } = record;
    writeJson(value);
    const document = recordDocument({ collection, id, value, written: this.#clock.now() });
    const written = await this.#put(document, revision);
    if (written === undefined) throw changed(collection, id);
    return { id, value, revision: written };
  }

  async remove(collection: Collection, id: string, revision: string): Promise<void> {
    const tombstone: RecordDocument = { collection, id, written: this.#clock.now(), removed: true };
    if ((await this.#put(tombstone, revision)) === undefined) throw changed(collection, id);
  }

  async #read(
    collection: Collection,
    id: string,
  ): Promise<{ document: RecordDocument; revision: string } | undefined> {
    if (id === '') return undefined;
    try {
      const found = await this.#client.get<RecordDocument>({
        index: this.#index,
        id: documentId(collection, id),
      });
      return { document: found._source as RecordDocument, revision: revisionOf(found) };
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw readFailure(error);
    }
  }

  /** Writes when the record still has this revision (`none`: when there is none yet); undefined when it has another. */
  async #put(document: RecordDocument, revision: string): Promise<string | undefined> {
    const { collection, id } = document;
    const [seq_no, term] = revision.split('.').map(Number);
    if (revision !== 'none' && !(Number.isSafeInteger(seq_no) && Number.isSafeInteger(term)))
      return undefined;
    try {
      const written = await this.#client.index({
        index: this.#index,
        id: documentId(collection, id),
        document,
        ...(revision === 'none'
          ? { op_type: 'create' }
          : { if_seq_no: seq_no as number, if_primary_term: term as number }),
      });
      const kind = document.removed ? 'removed' : 'put';
      this.#watching.tell({ sequence: sequenceOf(written._seq_no), collection, id, kind });
      return revisionOf(written);
    } catch (error) {
      if (statusOf(error) === 409) return undefined;
      throw readFailure(error);
    }
  }

  async query<T extends object = JsonObject>(
    collection: Collection,
    query: RecordQuery,
  ): Promise<{ records: readonly StoredRecord<T>[]; cursor?: string }> {
    checkQuery(query);
    const order = orderOf(query);
    const after = query.cursor === undefined ? undefined : readCursor(query.cursor, order);
    const records: StoredRecord<T>[] = [];
    for await (const record of this.#matching<T>(collection, { ...query, after })) {
      if (records.length === query.limit) {
        const last = records.at(-1) as StoredRecord<T>;
        const value = query.sort ? sortValue(last.value, query.sort.field) : null;
        return { records, cursor: writeCursor({ order, value, id: last.id }) };
      }
      records.push(record);
    }
    return { records };
  }

  async count(collection: Collection, where: Expression = EVERYTHING): Promise<number> {
    let count = 0;
    if (where.op === 'constant' && where.value) {
      await this.#refresh();
      const query = ofCollection(collection, []);
      const answer = await answerOf(this.#client.count({ index: this.#index, query }));
      return answer.count;
    }
    for await (const _ of this.#matching(collection, { where, limit: PAGE, after: undefined })) count++;
    return count;
  }

  /** Records that match, in order, page by page. */
  async *#matching<T extends object>(
    collection: Collection,
    query: Pick<RecordQuery, 'where' | 'sort' | 'limit'> & { after: PagePosition | undefined },
  ): AsyncGenerator<StoredRecord<T>> {
    const { where = EVERYTHING, sort } = query;
    const matches = compileExpression(where);
    const filter = ofCollection(collection, [compileFilter(where)]);
    // One more than asked for tells whether there is a next page.
    const size = Math.min(PAGE, Math.max(50, query.limit + 1));
    let after = query.after ? searchAfter(query.after, sort !== undefined) : undefined;
    await this.#refresh();
    for (;;) {
      const hits = await this.#search({
        query: filter,
        sort: [
          ...(sort
            ? [
                {
                  [`sorted.${sort.field}`]: {
                    order: sort.direction,
                    missing: '_last',
                    unmapped_type: 'keyword',
                  },
                } as const,
              ]
            : []),
          { id: 'asc' as const },
        ],
        size,
        seq_no_primary_term: true,
        ...(after ? { search_after: after } : {}),
      });
      for (const hit of hits) {
        const { id, value } = hit._source as RecordDocument;
        if (matches(value)) yield { id, value: value as T, revision: revisionOf(hit) };
      }
      if (hits.length < size) return;
      after = hits.at(-1)?.sort as estypes.SortResults;
    }
  }

  async #search(request: estypes.SearchRequest): Promise<Hit[]> {
    const answer = await answerOf(
      this.#client.search<RecordDocument>({ index: this.#index, track_total_hits: false, ...request }),
    );
    return answer.hits.hits;
  }

  /** Makes all that was written findable; next to nothing when nothing was. */
  async #refresh(): Promise<void> {
    await answerOf(this.#client.indices.refresh({ index: this.#index }));
  }

  async changes(options: { after: number; limit: number }): Promise<readonly RecordChange[]> {
    // What is beyond the checkpoint may come before something that is still on its way.
    const newest = await this.#checkpoint();
    if (newest <= options.after) return [];
    await this.#refresh();
    const hits = await this.#search({
      query: { range: { _seq_no: { gte: options.after, lt: newest } } },
      sort: [{ _seq_no: 'asc' }],
      size: Math.min(options.limit, 10_000),
      seq_no_primary_term: true,
      _source: ['collection', 'id', 'removed'],
    });
    return hits.map((hit) => {
      const { collection, id, removed } = hit._source as RecordDocument;
      return { sequence: sequenceOf(hit._seq_no), collection, id, kind: removed ? 'removed' : 'put' };
    });
  }

  /** The sequence up to which every write is there. */
  async #checkpoint(): Promise<number> {
    const stats = await answerOf(
      this.#client.indices.stats({ index: this.#index, level: 'shards', metric: 'docs' }),
    );
    const shards = Object.values(stats.indices?.[this.#index]?.shards ?? {}).flat();
    const primary = shards.find(({ routing }) => routing?.primary === true);
    return (primary?.seq_no?.local_checkpoint ?? -1) + 1;
  }

  watch(listener: (change: RecordChange) => void): () => void {
    return this.#watching.add(listener);
  }

  async close(): Promise<void> {
    await this.#watching.stop();
    await this.#client.close();
  }
}

function changed(collection: Collection, id: string): PicketError {
  return new PicketError({
    code: 'RECORD_CONFLICT',
    message: `${collection}/${id} is gone or was changed by someone else`,
  });
}

function ofCollection(
  collection: Collection,
  filter: readonly estypes.QueryDslQueryContainer[],
): { bool: estypes.QueryDslBoolQuery } {
  return { bool: { filter: [{ term: { collection } }, ...filter], must_not: [{ term: { removed: true } }] } };
}

function searchAfter({ value, id }: PagePosition, sorted: boolean): estypes.SortResults {
  return sorted ? [value === null ? null : sortText(value), id] : [id];
}

/** Sequence numbers of Elasticsearch begin at 0; changes are asked for after 0. */
function sequenceOf(seq_no: number | undefined): number {
  return (seq_no ?? -1) + 1;
}

function revisionOf({ _seq_no, _primary_term }: { _seq_no?: number; _primary_term?: number }): string {
  return `${_seq_no}.${_primary_term}`;
}
