// Forgets records that were removed long ago: until then the feed of changes tells of them.
import type { Client } from '@elastic/elasticsearch';

/** Whoever follows the feed of changes asks more often than this. */
const KEPT_MS = 30 * 86_400_000;
const PAGE = 1_000;

/** One that was made again meanwhile stays. `now` in ms since the epoch. @throws what the client says */
export async function purgeTombstones(
  client: Client,
  options: { index: string; now: number },
): Promise<void> {
  const { index, now } = options;
  for (let found = PAGE; found === PAGE; ) {
    const { hits } = await client.search({
      index,
      query: {
        bool: { filter: [{ term: { removed: true } }, { range: { written: { lt: now - KEPT_MS } } }] },
      },
      size: PAGE,
      seq_no_primary_term: true,
      _source: false,
    });
    found = hits.hits.length;
    if (found === 0) return;
    await client.bulk({
      refresh: true,
      operations: hits.hits.map(({ _id, _seq_no, _primary_term }) => ({
        delete: {
          _index: index,
          _id: _id as string,
          if_seq_no: _seq_no as number,
          if_primary_term: _primary_term as number,
        },
      })),
    });
  }
}
