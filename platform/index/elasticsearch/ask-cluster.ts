// Asks the cluster, once more while shards are only just starting, and says which indices did not answer.
import type { Client, estypes } from '@elastic/elasticsearch';
import type { PicketError } from '../../core/errors.ts';
import { readFailure } from '../../elasticsearch/connect.ts';

/** An index that was just made, or a node that went, takes this long at most to be there again; ms. */
const STARTING_MS = 5_000;
const FIRST_WAIT_MS = 100;

export interface Answer {
  readonly found: estypes.SearchResponse;
  /** Indices of which a part did not answer: what is found is not all there is. */
  readonly unanswered: readonly string[];
}

/**
 * A tenant that has nothing yet has no alias: nothing is found then.
 * @throws the signal's reason, or PicketError as readFailure
 */
export async function askCluster(
  client: Client,
  request: estypes.SearchRequest,
  signal?: AbortSignal,
): Promise<Answer> {
  for (let waited = 0, wait = FIRST_WAIT_MS; ; waited += wait, wait *= 2) {
    const last = waited >= STARTING_MS;
    try {
      const found = await client.search(
        { ...request, ignore_unavailable: true, allow_no_indices: true, allow_partial_search_results: true },
        signal ? { signal } : {},
      );
      const unanswered = [...new Set((found._shards.failures ?? []).map(({ index }) => index ?? 'an index'))];
      if (last || unanswered.length === 0) return { found, unanswered };
    } catch (error) {
      signal?.throwIfAborted();
      const failure = readFailure(error);
      if (last || !isStarting(failure)) throw failure;
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
    signal?.throwIfAborted();
  }
}

function isStarting({ code, message }: PicketError): boolean {
  return code === 'ELASTICSEARCH_UNAVAILABLE' && message.startsWith('search_phase_execution_exception');
}
