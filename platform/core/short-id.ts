// The form of the ids that people meet: 22 characters of base64url that begin with a letter.

/**
 * 127 bits of a digest of 16 bytes or more. The first bit is cleared, so that an id never begins with a hyphen, which a
 * command line would take for an option.
 */
export function shortId(digest: Uint8Array): string {
  const bytes = Buffer.from(digest.subarray(0, 16));
  bytes[0] = (bytes[0] as number) & 0x7f;
  return bytes.toString('base64url');
}
