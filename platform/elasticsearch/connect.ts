// Connects to an Elasticsearch cluster, and says in our own codes what went wrong there.
import { Client, errors, type estypes } from '@elastic/elasticsearch';
import { describeError, PicketError } from '../core/errors.ts';

export interface ElasticsearchConnection {
  /** URLs of nodes, `https://host:9200` each. */
  readonly nodes: readonly string[];
  /** Basic authentication, or an API key as the cluster gave it (base64 of `id:key`); neither where security is off. */
  readonly username?: string;
  readonly password?: string;
  readonly api_key?: string;
  readonly tls?: {
    /** Authorities that sign the nodes' certificates, PEM; the system's own when left out. */
    readonly ca?: string;
    /** Own certificate and key for mutual TLS, PEM. */
    readonly certificate?: string;
    readonly key?: string;
  };
  /** Longest that one request may take, ms; default 30,000. */
  readonly request_timeout_ms?: number;
}

/** A client that never retries by itself: who writes knows what may be sent again. Nothing is asked of the cluster yet. */
export function connectElasticsearch(connection: ElasticsearchConnection): Client {
  const { nodes, username, password, api_key, tls } = connection;
  const auth =
    api_key !== undefined
      ? { apiKey: api_key }
      : username !== undefined
        ? { username, password: password ?? '' }
        : undefined;
  return new Client({
    nodes: [...nodes],
    ...(auth ? { auth } : {}),
    ...(tls
      ? {
          tls: {
            ...(tls.ca === undefined ? {} : { ca: tls.ca }),
            ...(tls.certificate === undefined ? {} : { cert: tls.certificate }),
            ...(tls.key === undefined ? {} : { key: tls.key }),
          },
        }
      : {}),
    maxRetries: 0,
    requestTimeout: connection.request_timeout_ms ?? 30_000,
    compression: false,
  });
}

/**
 * The same failure with a code of ours: ELASTICSEARCH_UNAVAILABLE (no answer, overload, or a cluster that takes no
 * writes now: worth trying again), ELASTICSEARCH_AUTHENTICATION, ELASTICSEARCH_FORBIDDEN, or ELASTICSEARCH_REFUSED with
 * what the cluster said.
 */
export function readFailure(error: unknown): PicketError {
  if (error instanceof PicketError) return error;
  if (error instanceof errors.ResponseError) {
    const status = error.statusCode ?? 0;
    const said = describeCause(error);
    if (status === 401) return fault('AUTHENTICATION', `the cluster does not know us: ${said}`, error);
    if (isBlocked(said) || status === 429 || status >= 500) return fault('UNAVAILABLE', said, error);
    if (status === 403) return fault('FORBIDDEN', said, error);
    return fault('REFUSED', said, error);
  }
  const said = describeError(error);
  // With TLS 1.3 a refused certificate is told after the handshake, and shows as a closed connection.
  const hint = CLOSED.test(said) ? '; over TLS it may not take our certificate' : '';
  return fault('UNAVAILABLE', `${said}${hint}`, error);
}

const CLOSED = /other side closed|socket hang up|ECONNRESET/;

/** The answer, or its failure as `readFailure` tells it. */
export async function answerOf<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    throw readFailure(error);
  }
}

/** Makes an index unless it is there. @throws PicketError as readFailure */
export async function makeIndex(client: Client, request: estypes.IndicesCreateRequest): Promise<void> {
  try {
    await client.indices.create(request);
  } catch (error) {
    const failure = readFailure(error);
    if (!failure.message.startsWith('resource_already_exists')) throw failure;
  }
}

/** A cluster, or an index, that takes no writes: full disks make it so, and free ones end it. */
export function isBlocked(said: string): boolean {
  return said.includes('cluster_block_exception');
}

/** Status of a refused request; undefined for what was no answer. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof errors.ResponseError ? error.statusCode : undefined;
}

interface Cause {
  readonly type?: string;
  readonly reason?: string | null;
  readonly failed_shards?: readonly { readonly reason?: Cause }[];
}

/** `type: reason` of the first cause; of a search also why its first shard failed. */
function describeCause(error: errors.ResponseError): string {
  const cause = (error.body as { error?: Cause | string } | undefined)?.error;
  if (typeof cause === 'object') {
    const shard = cause.failed_shards?.[0]?.reason;
    const why = shard ? ` (${shard.type ?? ''}: ${shard.reason ?? ''})` : '';
    return `${cause.type ?? ''}: ${cause.reason ?? ''}${why}`;
  }
  return cause ?? `${error.statusCode ?? 'no status'} ${error.message}`;
}

function fault(kind: string, message: string, cause: unknown): PicketError {
  return new PicketError({ code: `ELASTICSEARCH_${kind}`, message: message.slice(0, 1_000), cause });
}
