// Every kind of notifier, and the schema of a configured one; a test holds this list equal to the folders.
import { z } from 'zod';
import { Slug } from '../../platform/core/names.ts';
import type { Notification, SendResult } from './notifier.ts';
import { webhook } from './webhook/index.ts';
import { WebhookParameters } from './webhook/schema.ts';

export const NOTIFIERS = [webhook] as const;

/** One configured channel: `type` names the notifier, the rest are its own settings. */
export const NotifierConfig = z.discriminatedUnion('type', [
  WebhookParameters.extend({ id: Slug, type: z.literal('webhook') }),
]);
export type NotifierConfig = z.infer<typeof NotifierConfig>;

/** What sending needs beside the channel's settings. */
export interface Sending {
  readonly notification: Notification;
  readonly fetch: typeof globalThis.fetch;
  readonly now: number;
  readonly signal: AbortSignal;
}

/** Sends once through a configured channel; never throws for what the network or the receiver does. */
export function sendThrough(channel: NotifierConfig, sending: Sending): Promise<SendResult> {
  switch (channel.type) {
    case 'webhook':
      return webhook.send({ parameters: channel, ...sending });
  }
}
