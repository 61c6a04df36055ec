import { describe, expect, test } from 'vitest';
import { signWebhook } from '../../../respond/notify/webhook/index.ts';
import { WebhookParameters } from '../../../respond/notify/webhook/schema.ts';

describe('Standard Webhooks signatures', () => {
  test('are those of the reference libraries', () => {
    // The vector of the standard-webhooks reference libraries (javascript/src/index.test.ts, "sign function works").
    expect(
      signWebhook({
        id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
        timestamp: 1614265330,
        body: '{"test": 2432232314}',
        secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      }),
    ).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });

  test('depend on id, time, body and secret', () => {
    const base = {
      id: 'a',
      timestamp: 1,
      body: '{}',
      secret: `whsec_${Buffer.alloc(32).toString('base64')}`,
    };
    const all = [
      base,
      { ...base, id: 'b' },
      { ...base, timestamp: 2 },
      { ...base, body: '{ }' },
      { ...base, secret: `whsec_${Buffer.alloc(32, 1).toString('base64')}` },
    ].map(signWebhook);
    expect(new Set(all).size).toBe(all.length);
  });

  test.each(['', 'whsec_', 'whsec_short', 'secret', `whsec_${'!'.repeat(40)}`])(
    'a secret of the form %j is refused',
    (secret) => {
      expect(WebhookParameters.safeParse({ url: 'https://chat.example', secret }).success).toBe(false);
    },
  );

  test.each(['file:///etc/passwd', 'ftp://chat.example', 'chat.example', 'javascript:alert(1)'])(
    'the address %s is refused',
    (url) => {
      const secret = `whsec_${Buffer.alloc(32).toString('base64')}`;
      expect(WebhookParameters.safeParse({ url, secret }).success).toBe(false);
    },
  );
});
