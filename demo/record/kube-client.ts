/** One request to a Kubernetes API server as one of the story's people. */
import { request } from 'node:https';

export interface KubeRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  /** Undefined asks as nobody. */
  token?: string;
  userAgent: string;
  body?: unknown;
  contentType?: string;
  headers?: Record<string, string>;
}

export interface KubeAnswer {
  status: number;
  body: unknown;
}

export type KubeCall = (asked: KubeRequest) => Promise<KubeAnswer>;

/** A client of the server at `url` that trusts `ca` (PEM). Watches are cut after two seconds. */
export function createKubeClient({ url, ca }: { url: string; ca: string }): KubeCall {
  const { hostname, port } = new URL(url);
  return (asked) =>
    new Promise((resolve, reject) => {
      const text = asked.body === undefined ? undefined : JSON.stringify(asked.body);
      const sent = request(
        {
          hostname,
          port,
          ca,
          method: asked.method,
          path: asked.path,
          timeout: 10_000,
          headers: {
            accept: 'application/json',
            'user-agent': asked.userAgent,
            ...(asked.token === undefined ? {} : { authorization: `Bearer ${asked.token}` }),
            ...(text === undefined ? {} : { 'content-type': asked.contentType ?? 'application/json' }),
            ...asked.headers,
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => {
            const received = Buffer.concat(chunks).toString('utf8');
            let body: unknown = received;
            try {
              body = JSON.parse(received);
            } catch {
              // Not every answer is JSON (healthz); the text stays.
            }
            resolve({ status: response.statusCode ?? 0, body });
          });
        },
      );
      sent.on('upgrade', (_response, socket) => {
        socket.destroy();
        resolve({ status: 101, body: undefined });
      });
      sent.on('error', reject);
      sent.on('timeout', () => sent.destroy(new Error(`${asked.method} ${asked.path}: no answer`)));
      sent.end(text);
    });
}
