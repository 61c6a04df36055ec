// Posts a notification as JSON, signed as Standard Webhooks 1.0 says.
import { createHmac } from 'node:crypto';
import { describeError } from '../../../platform/core/errors.ts';
import type { NotifierAdapter } from '../notifier.ts';
import { WebhookParameters } from './schema.ts';

/**
 * The `webhook-signature` header: `v1,` and base64 of HMAC-SHA-256 over `id.timestamp.body` with the
 * decoded secret (Standard Webhooks, "Signature scheme"). `timestamp` in seconds since the epoch.
 */
export function signWebhook(options: {
  id: string;
  timestamp: number;
  body: string;
  secret: string;
}): string {
  const { id, timestamp, body, secret } = options;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

/** A receiver may ask for no longer than this: a message that waits for years is lost in silence. */
const LONGEST_RETRY_AFTER_MS = 86_400_000;

/** Retry-After in ms: seconds or an HTTP date (RFC 9110, section 10.2.3); undefined for none, the past and nonsense. */
function readRetryAfter(text: string | null, now: number): number | undefined {
  if (text === null) return undefined;
  const wait = /^\d+$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - now;
  return wait > 0 ? Math.min(wait, LONGEST_RETRY_AFTER_MS) : undefined;
}

export const webhook: NotifierAdapter<WebhookParameters> = {
  id: 'webhook',
  title: 'Webhook (Standard Webhooks)',
  description:
    'POSTs each notification as JSON with webhook-id, webhook-timestamp and webhook-signature; at least once, with a stable id.',
  parameters: WebhookParameters,
  example: `notifiers:
  - id: chat
    type: webhook
    url: https://chat.example/hooks/picket
    secret: { $env: PICKET_CHAT_SECRET }`,
  async send({ parameters, notification, fetch, now, signal }) {
    const body = JSON.stringify({
      type: notification.type,
      timestamp: notification.timestamp,
      data: { text: notification.text, ...notification.data },
    });
    const timestamp = Math.floor(now / 1000);
    try {
      const response = await fetch(parameters.url, {
        method: 'POST',
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(parameters.timeout_ms)]),
        headers: {
          'content-type': 'application/json',
          'user-agent': 'Picket',
          'webhook-id': notification.id,
          'webhook-timestamp': String(timestamp),
          'webhook-signature': signWebhook({
            id: notification.id,
            timestamp,
            body,
            secret: parameters.secret,
          }),
        },
        body,
      });
      await response.body?.cancel();
      if (response.ok) return { ok: true, status: response.status };
      const retryAfter = readRetryAfter(response.headers.get('retry-after'), now);
      return {
        ok: false,
        // 410 asks to stop for good (Standard Webhooks); other client errors may be mended by their operator, so they are tried on.
        again: response.status !== 410,
        reason: `the receiver answered ${response.status}`,
        ...(retryAfter === undefined ? {} : { retry_after_ms: retryAfter }),
      };
    } catch (error) {
      const cause =
        error instanceof Error && error.cause !== undefined ? `: ${describeError(error.cause)}` : '';
      return { ok: false, again: true, reason: `${describeError(error)}${cause}` };
    }
  },
};
