// The notifier contract: how a channel describes itself and sends one message.
import type { z } from 'zod';

/** One message, the same for every channel. */
export interface Notification {
  /** Stable: a receiver that saw it drops the repeat. */
  readonly id: string;
  /** Standard Webhooks event type, e.g. `incident.notified`. */
  readonly type: string;
  /** ISO 8601 */
  readonly timestamp: string;
  readonly text: string;
  /** Ids, level, sites: nothing that residency has not let through. */
  readonly data: Readonly<Record<string, unknown>>;
}

export type SendResult =
  | { readonly ok: true; readonly status: number }
  /** `again` false: the channel will never take it (e.g. 410 Gone, 400). */
  | {
      readonly ok: false;
      readonly again: boolean;
      readonly reason: string;
      readonly retry_after_ms?: number;
    };

export interface NotifierAdapter<T> {
  /** Folder name and `type` in configuration. */
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly parameters: z.ZodType<T>;
  readonly example: string;
  /** Sends once; never throws for what the network or the receiver does. */
  send(options: {
    parameters: T;
    notification: Notification;
    fetch: typeof globalThis.fetch;
    now: number;
    signal: AbortSignal;
  }): Promise<SendResult>;
}
