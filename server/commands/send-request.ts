// Sends one request to a site's API; one that serves TLS is known by the certificate that its owner can read.
import { request } from 'node:https';

export interface SiteResponse {
  readonly status: number;
  readonly text: string;
}

/**
 * With `certificate` (PEM) the other end must show that very certificate, whatever names stand in it; without it
 * an https address needs a certificate that the system's CAs vouch for. Rejects with what the network says,
 * also when the answer breaks off.
 */
export async function sendRequest(options: {
  url: URL;
  method: string;
  headers: Readonly<Record<string, string>>;
  body?: string;
  certificate?: string;
}): Promise<SiteResponse> {
  const { url, method, headers, body, certificate } = options;
  if (certificate === undefined) {
    const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) });
    return { status: response.status, text: await response.text() };
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
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}
