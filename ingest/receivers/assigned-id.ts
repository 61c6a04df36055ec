// Ids assigned at receipt to records that have none of their own (SEMANTICS, Identity).
import { randomBytes } from 'node:crypto';

/** Unique over restarts and receivers: 96 random bits of this receiver and a number that rises. */
export function createIdSequence(random: (bytes: number) => Buffer = randomBytes): () => string {
  const prefix = random(12).toString('base64url');
  let next = 0;
  return () => `${prefix}.${(next++).toString(36)}`;
}
