// Ids that people type begin with a letter, whatever the digest.
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { shortId } from '../../../platform/core/short-id.ts';

test('an id has 22 characters and begins with a letter', () => {
  for (let first = 0; first < 256; first++) {
    const digest = Buffer.concat([Buffer.of(first), randomBytes(31)]);
    expect(shortId(digest)).toMatch(/^[A-Za-f][\w-]{21}$/);
  }
  const digest = randomBytes(32);
  expect(shortId(digest)).toBe(shortId(digest));
  expect(digest.equals(digest)).toBe(true);
});
