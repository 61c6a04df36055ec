// Sends one request to a site's API; one that serves TLS is known by the certificate that its owner can read.
import { request } from 'node:https';

export interface SiteResponse {
  readonly status: number;
  readonly contentType: string;
  /** Throws what the network says when the answer breaks off. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * With `certificate` (PEM) the other end must show that very certificate, whatever names stand in it; without it
 * an https address needs a certificate that the system's CAs vouch for. Rejects with what the network says.
 */
export async function sendRequest(options: {
  url: URL;
  method: string;
  headers: Readonly<Record<string, string>>;
  body?: string;
  certificate?: string | undefined;
  signal?: AbortSignal | undefined;
}): Promise<SiteResponse> {
  const { url, method, headers, body, certificate, signal } = options;
  if (certificate === undefined) {
    const response = await fetch(url, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
      ...(signal ? { signal } : {}),
    });
    return {
      status: response.status,
      contentType: response.headers.get('content-type') ?? '',
      body: response.body ?? NOTHING,
    };
  }
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method,
        headers,
        agent: false,
        ca: certificate,
        // The certificate itself is the anchor, though a CA signed it.
        allowPartialTrustChain: true,
        checkServerIdentity: () => undefined,
        ...(signal ? { signal } : {}),
      },
      (response) =>
        resolve({
          status: response.statusCode ?? 0,
          contentType: response.headers['content-type'] ?? '',
          body: response as AsyncIterable<Uint8Array>,
        }),
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

const NOTHING: AsyncIterable<Uint8Array> = {
  async *[Symbol.asyncIterator]() {},
};
