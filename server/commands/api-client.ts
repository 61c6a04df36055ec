// Talks to a running site's API for the commands that need one; finds it by its data folder, or by address and token.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError, PicketError } from '../../platform/core/errors.ts';
import { type SiteResponse, sendRequest } from './send-request.ts';

/** How a running site can be reached, written by it into its data folder (mode 0600). */
export interface SiteAddress {
  readonly url: string;
  readonly token: string;
  readonly pid: number;
  /** PEM of the certificate that it shows, when it listens over TLS: its owner knows it without any CA. */
  readonly certificate?: string;
}

/** The name of that file. */
export const ADDRESS_FILE = 'api.json';

export interface ApiClient {
  readonly url: string;
  /** @throws PicketError with the API's own code, or SITE_UNREACHABLE */
  call<T>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T>;
}

/** A client that also takes long answers. */
export interface StreamingClient extends ApiClient {
  /** An answer of lines of JSON, one by one as they come; leaving the loop or the signal cancels. @throws as `call` */
  stream<T>(path: string, body: unknown, signal?: AbortSignal): AsyncGenerator<T>;
}

/**
 * A client of the site named by `url` (with PICKET_TOKEN), or of the one that owns `data`.
 * @throws PicketError SITE_NOT_RUNNING
 */
export async function connectToSite(options: {
  url?: string | undefined;
  data: string;
  environment: Readonly<Record<string, string | undefined>>;
}): Promise<StreamingClient> {
  const { url, data, environment } = options;
  if (url !== undefined) {
    const token = environment['PICKET_TOKEN'];
    if (token === undefined)
      throw new PicketError({ code: 'TOKEN_MISSING', message: '--url needs a token in PICKET_TOKEN' });
    return createClient({ url, token });
  }
  const file = join(data, ADDRESS_FILE);
  try {
    const address = JSON.parse(await readFile(file, 'utf8')) as SiteAddress;
    return createClient(address);
  } catch (cause) {
    throw new PicketError({
      code: 'SITE_NOT_RUNNING',
      message: `no site runs from ${data}: start it with \`picket up\`, or name another with --data or --url`,
      cause,
    });
  }
}

/** A client with a known token. */
export function createClient(address: Omit<SiteAddress, 'pid'>): StreamingClient {
  const { url, token, certificate } = address;
  const ask = async (method: string, path: string, body?: unknown, signal?: AbortSignal) => {
    try {
      return await sendRequest({
        url: new URL(path, url),
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        certificate,
        signal,
      });
    } catch (cause) {
      throw unreachable(url, cause);
    }
  };
  return {
    url,
    async call<T>(method: string, path: string, body?: unknown): Promise<T> {
      const response = await ask(method, path, body);
      const text = await readText(url, response);
      const value =
        text === '' ? undefined : (JSON.parse(text) as T & { code?: string; title?: string; place?: string });
      if (response.status < 200 || response.status > 299) throw refusal(url, response.status, value);
      return value as T;
    },
    async *stream<T>(path: string, body: unknown, signal?: AbortSignal): AsyncGenerator<T> {
      const stop = new AbortController();
      const both = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
      try {
        const response = await ask('POST', path, body, both);
        if (!response.contentType.includes('ndjson')) {
          const problem = JSON.parse(await readText(url, response)) as { code?: string; title?: string };
          throw refusal(url, response.status, problem);
        }
        const decoder = new TextDecoder();
        let text = '';
        for await (const piece of response.body) {
          const lines = `${text}${decoder.decode(piece, { stream: true })}`.split('\n');
          text = lines.pop() ?? '';
          for (const line of lines) if (line !== '') yield JSON.parse(line) as T;
        }
      } catch (error) {
        throw error instanceof PicketError ? error : unreachable(url, error);
      } finally {
        stop.abort();
      }
    },
  };
}

/** A site that dies in the middle of its answer does not answer. */
async function readText(url: string, { body }: SiteResponse): Promise<string> {
  const parts: Uint8Array[] = [];
  try {
    for await (const part of body) parts.push(part);
  } catch (cause) {
    throw unreachable(url, cause);
  }
  return Buffer.concat(parts).toString('utf8');
}

function unreachable(url: string, cause: unknown): PicketError {
  const reason =
    cause instanceof Error && cause.cause !== undefined ? describeError(cause.cause) : describeError(cause);
  return new PicketError({ code: 'SITE_UNREACHABLE', message: `${url} does not answer: ${reason}`, cause });
}

function refusal(
  url: string,
  status: number,
  problem: { code?: string; title?: string; place?: string } | undefined,
): PicketError {
  return new PicketError({
    code: problem?.code ?? 'SITE_ERROR',
    message: problem?.title ?? `${url} answered ${status}`,
    ...(problem?.place ? { place: { at: problem.place } } : {}),
  });
}
