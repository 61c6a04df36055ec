// Lists a collection by KQL, page by page, for the routes that show records.
import type { z } from 'zod';
import { EVERYTHING } from '../../../platform/core/expression/expression.ts';
import { parseKql } from '../../../platform/core/kql/parse-kql.ts';
import type { Collection, RecordStore } from '../../../platform/records/record-store.ts';
import type { PageQuery } from '../contract.ts';

/** Newest first by `sort`. @throws PicketError KQL_SYNTAX with its column */
export async function listRecords<T extends object>(options: {
  records: RecordStore;
  collection: Collection;
  query: z.infer<typeof PageQuery>;
  sort: keyof T & string;
}): Promise<{ values: T[]; cursor?: string; total: number }> {
  const { records, collection, query, sort } = options;
  const where = query.where === undefined || query.where.trim() === '' ? EVERYTHING : parseKql(query.where);
  const [page, total] = await Promise.all([
    records.query<T>(collection, {
      where,
      sort: { field: sort, direction: 'desc' },
      limit: query.limit,
      ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
    }),
    records.count(collection, where),
  ]);
  return {
    values: page.records.map(({ value }) => value),
    total,
    ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
  };
}
