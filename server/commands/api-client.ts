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

/**
 * A client of the site named by `url` (with PICKET_TOKEN), or of the one that owns `data`.
 * @throws PicketError SITE_NOT_RUNNING
 */
export async function connectToSite(options: {
  url?: string | undefined;
  data: string;
  environment: Readonly<Record<string, string | undefined>>;
}): Promise<ApiClient> {
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
export function createClient(address: Omit<SiteAddress, 'pid'>): ApiClient {
  const { url, token, certificate } = address;
  return {
    url,
    async call<T>(method: string, path: string, body?: unknown): Promise<T> {
      let response: SiteResponse;
      try {
        response = await sendRequest({
          url: new URL(path, url),
          method,
          headers: {
            authorization: `Bearer ${token}`,
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          ...(certificate === undefined ? {} : { certificate }),
        });
      } catch (cause) {
        const reason =
          cause instanceof Error && cause.cause !== undefined
            ? describeError(cause.cause)
            : describeError(cause);
        throw new PicketError({
          code: 'SITE_UNREACHABLE',
          message: `${url} does not answer: ${reason}`,
          cause,
        });
      }
      const { status, text } = response;
      const value =
        text === '' ? undefined : (JSON.parse(text) as T & { code?: string; title?: string; place?: string });
      if (status < 200 || status > 299) {
        throw new PicketError({
          code: value?.code ?? 'SITE_ERROR',
          message: value?.title ?? `${url} answered ${status}`,
          ...(value?.place ? { place: { at: value.place } } : {}),
        });
      }
      return value as T;
    },
  };
}
