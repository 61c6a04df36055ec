// Undoes the compression of a request body, within bounds that a compressed bomb cannot pass.
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, zstdDecompress } from 'node:zlib';
import { PicketError } from '../../platform/core/errors.ts';

export interface BodyLimits {
  /** Of the body as it is sent. */
  readonly max_body_bytes: number;
  /** Of the body once decompressed. */
  readonly max_decompressed_bytes: number;
}

export const DEFAULT_BODY_LIMITS: BodyLimits = {
  max_body_bytes: 33_554_432,
  max_decompressed_bytes: 134_217_728,
};

type Decompress = (bytes: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>;

const DECOMPRESS: Readonly<Record<string, Decompress>> = {
  gzip: promisify<Uint8Array, { maxOutputLength: number }, Buffer>(gunzip),
  'x-gzip': promisify<Uint8Array, { maxOutputLength: number }, Buffer>(gunzip),
  deflate: promisify<Uint8Array, { maxOutputLength: number }, Buffer>(inflate),
  br: promisify<Uint8Array, { maxOutputLength: number }, Buffer>(brotliDecompress),
  zstd: promisify<Uint8Array, { maxOutputLength: number }, Buffer>(zstdDecompress),
};

/**
 * The bytes of a body by its Content-Encoding.
 * @throws PicketError BODY_ENCODING (unknown), BODY_CORRUPT, BODY_TOO_LARGE
 */
export async function decodeBody(options: {
  bytes: Uint8Array;
  encoding: string | undefined;
  limits: BodyLimits;
}): Promise<Uint8Array> {
  const { bytes, limits } = options;
  const encoding = (options.encoding ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity' || encoding === '') return bytes;
  const decompress = Object.hasOwn(DECOMPRESS, encoding) ? DECOMPRESS[encoding] : undefined;
  if (!decompress) {
    throw new PicketError({
      code: 'BODY_ENCODING',
      message: 'Content-Encoding must be gzip, zstd, deflate or br',
    });
  }
  try {
    return await decompress(bytes, { maxOutputLength: limits.max_decompressed_bytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new PicketError({
        code: 'BODY_TOO_LARGE',
        message: `the body is larger than ${limits.max_decompressed_bytes} bytes once decompressed`,
        cause: error,
      });
    }
    throw new PicketError({
      code: 'BODY_CORRUPT',
      message: `the body is no ${encoding} stream`,
      cause: error,
    });
  }
}
