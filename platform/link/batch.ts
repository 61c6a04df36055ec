// The batch on the wire: a signed header and its records as NDJSON, zstd-compressed.
import { createHash, type KeyObject } from 'node:crypto';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { describeError, PicketError } from '../core/errors.ts';
import { SignedDocument } from '../core/posture.ts';
import { BATCH_CONTEXT, signDocument, verifyDocument } from '../identity/sign-document.ts';
import { merkleRoot } from './merkle.ts';
import { BatchHeader, BatchRecord, MAX_BATCH_BYTES, MAX_BATCH_TEXT_BYTES } from './protocol.ts';

export interface EncodedBatch {
  readonly body: Buffer;
  readonly hash: string;
}

/** Builds and signs a batch. `lines`: one BatchRecord as JSON text each. */
export function encodeBatch(options: {
  header: Omit<BatchHeader, 'count' | 'root'>;
  lines: readonly string[];
  key: KeyObject;
}): EncodedBatch {
  const { lines, key } = options;
  const root = merkleRoot(lines.map((line) => Buffer.from(line)));
  const value: BatchHeader = { ...options.header, count: lines.length, root };
  const signed = signDocument({ context: BATCH_CONTEXT, value, key });
  const text = [JSON.stringify(signed), ...lines].join('\n');
  return { body: zstdCompressSync(Buffer.from(text)), hash: hashHeader(signed) };
}

/** SHA-256 of the header's signed text, hex. */
function hashHeader(signed: SignedDocument): string {
  return createHash('sha256').update(signed.payload).digest('hex');
}

/**
 * Reads a batch and checks signature, count and root; what its records say is checked by whoever takes them.
 * @throws PicketError LINK_TOO_LARGE, LINK_BATCH_INVALID, SIGNATURE_*
 */
export function decodeBatch(options: { body: Buffer; keys: readonly KeyObject[] }): {
  header: BatchHeader;
  hash: string;
  records: readonly (BatchRecord | { readonly invalid: string; readonly line: string })[];
} {
  const { body, keys } = options;
  if (body.length > MAX_BATCH_BYTES)
    throw refusal('LINK_TOO_LARGE', `a batch holds ${MAX_BATCH_BYTES} bytes at most`);
  let text: string;
  try {
    text = zstdDecompressSync(body, { maxOutputLength: MAX_BATCH_TEXT_BYTES }).toString('utf8');
  } catch (error) {
    throw refusal('LINK_BATCH_INVALID', `cannot be decompressed: ${describeError(error)}`);
  }
  const [first = '', ...lines] = text.split('\n');
  let signed: SignedDocument;
  try {
    signed = SignedDocument.parse(JSON.parse(first));
  } catch {
    throw refusal('LINK_BATCH_INVALID', 'the first line is no signed header');
  }
  const parsed = BatchHeader.safeParse(verifyDocument({ signed, context: BATCH_CONTEXT, keys }));
  if (!parsed.success)
    throw refusal('LINK_BATCH_INVALID', `header: ${parsed.error.issues[0]?.message ?? ''}`);
  const header = parsed.data;
  if (header.count !== lines.length)
    throw refusal('LINK_BATCH_INVALID', `${header.count} records are signed, ${lines.length} came`);
  if (merkleRoot(lines.map((line) => Buffer.from(line))) !== header.root)
    throw refusal('LINK_BATCH_INVALID', 'the records are not those that were signed');
  return { header, hash: hashHeader(signed), records: lines.map(readLine) };
}

function readLine(line: string): BatchRecord | { invalid: string; line: string } {
  try {
    const parsed = BatchRecord.safeParse(JSON.parse(line));
    if (parsed.success) return parsed.data;
    return { invalid: parsed.error.issues[0]?.message ?? 'no batch record', line };
  } catch (error) {
    return { invalid: describeError(error), line };
  }
}

function refusal(code: string, message: string): PicketError {
  return new PicketError({ code, message });
}
