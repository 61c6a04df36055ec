// Configuration of one webhook.
import { z } from 'zod';

export const WebhookParameters = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  /** Standard Webhooks secret: `whsec_` and base64 of 24 to 64 bytes. */
  secret: z
    .string()
    .regex(/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/, 'must be `whsec_` and the base64 of 24 to 64 bytes'),
  timeout_ms: z.number().int().min(100).max(60_000).default(10_000),
});
export type WebhookParameters = z.infer<typeof WebhookParameters>;
