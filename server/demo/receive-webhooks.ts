// The demo's own chat channel: takes signed webhooks, checks them, keeps them in a file and tells each.
import { randomBytes } from 'node:crypto';
import { appendFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { signWebhook } from '../../respond/notify/webhook/index.ts';

const BODY_LIMIT_BYTES = 1_048_576;

/** Listens on a free loopback port. `file` gets one JSON line a message; a repeated id is told once. */
export async function receiveWebhooks(options: {
  file: string;
  tell: (text: string) => void;
}): Promise<{ url: string; secret: string; close: () => Promise<void> }> {
  const { file, tell } = options;
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const seen = new Set<string>();
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    let size = 0;
    request.on('data', (piece: Buffer) => {
      size += piece.length;
      if (size > BODY_LIMIT_BYTES) request.destroy();
      else pieces.push(piece);
    });
    request.on('end', () => {
      const body = Buffer.concat(pieces).toString();
      const id = String(request.headers['webhook-id']);
      const timestamp = Number(request.headers['webhook-timestamp']);
      if (request.headers['webhook-signature'] !== signWebhook({ id, timestamp, body, secret })) {
        response.writeHead(401).end();
        return;
      }
      const keep = async (): Promise<void> => {
        await appendFile(file, `${body}\n`);
        response.writeHead(204).end();
        if (seen.has(id)) return;
        seen.add(id);
        tell((JSON.parse(body) as { data: { text: string } }).data.text);
      };
      keep().catch(() => response.writeHead(500).end());
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/chat`,
    secret,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
