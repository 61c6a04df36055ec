// The Merkle tree hash of a batch's records (RFC 6962, section 2.1), so that one record can later be proved to be in it.
import { createHash } from 'node:crypto';

/** Root over the records' bytes in order, hex; of none: the hash of nothing. */
export function merkleRoot(records: readonly Uint8Array[]): string {
  if (records.length === 0) return createHash('sha256').digest('hex');
  // Pairing level by level gives RFC 6962's tree: a last node without partner rises as it is.
  let level = records.map((record) => hashOf(0, [record]));
  while (level.length > 1) {
    const next: Buffer[] = [];
    for (let at = 0; at < level.length; at += 2) {
      const left = level[at] as Buffer;
      const right = level[at + 1];
      next.push(right ? hashOf(1, [left, right]) : left);
    }
    level = next;
  }
  return (level[0] as Buffer).toString('hex');
}

function hashOf(prefix: 0 | 1, parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256').update(Uint8Array.of(prefix));
  for (const part of parts) hash.update(part);
  return hash.digest();
}
