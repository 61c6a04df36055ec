// Reads a recorded file of a format as raw records, byte for byte as its receiver would have had them.
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { linesOf, readBlocks } from '../../detect/sigma/read-lines.ts';
import { DEFAULT_BODY_LIMITS } from '../../ingest/receivers/read-body.ts';
import { findAdapter } from '../../ingest/registry.ts';
import { createOrdinals, splitBytes } from '../../ingest/split-records.ts';
import { describeError, PicketError } from '../../platform/core/errors.ts';
import { readDatagram } from './normalise-line.ts';

export interface RecordedRecord {
  /** base64 */
  bytes: string;
  peer?: string;
  received?: string;
  ordinal: number;
}

const CARRIAGE_RETURN = 13;

/**
 * `netflow`: NDJSON of {received, peer, datagram: base64}; formats of whole documents: the file; formats in JSON: as
 * a body over HTTP is cut, when it is no larger than one may be; all others: a record a line.
 * @throws PicketError RECORDING_UNREADABLE, RECORDING_INVALID with file and line
 */
export async function* readRecording(options: {
  file: string;
  format: string;
}): AsyncGenerator<RecordedRecord> {
  const { file, format } = options;
  const adapter = findAdapter(format);
  if (!adapter) throw new PicketError({ code: 'FORMAT_UNKNOWN', message: `no format ${format}` });
  const nextOrdinal = createOrdinals();
  const recordOf = (bytes: Uint8Array): RecordedRecord => ({
    bytes: Buffer.from(bytes).toString('base64'),
    ordinal: nextOrdinal(bytes),
  });
  try {
    const { size } = await stat(file);
    const whole = adapter.framing === 'document' || size <= DEFAULT_BODY_LIMITS.max_decompressed_bytes;
    if (format !== 'netflow' && adapter.framing !== 'line' && whole) {
      for (const bytes of splitBytes(await readFile(file), adapter.framing)) yield recordOf(bytes);
      return;
    }
    let number = 0;
    for await (const block of readBlocks(createReadStream(file))) {
      for (const line of block ? linesOf(block) : [undefined]) {
        number++;
        const place = { file, line: number };
        if (!line)
          throw new PicketError({ code: 'RECORDING_INVALID', message: 'the line is too long', place });
        const bytes = line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
        if (isBlank(bytes)) continue;
        if (format === 'netflow') yield { ...recordOf(bytes), ...readFlows(bytes, place) };
        else yield recordOf(bytes);
      }
    }
  } catch (cause) {
    if (cause instanceof PicketError) throw cause;
    throw new PicketError({
      code: 'RECORDING_UNREADABLE',
      message: describeError(cause),
      place: { file },
      cause,
    });
  }
}

/** The ordinal of a flow recording counts its lines, so that it stays what it was before. */
function readFlows(
  line: Uint8Array,
  place: { file: string; line: number },
): { bytes: string; peer?: string } {
  try {
    const { bytes, peer } = readDatagram(line);
    return { bytes: Buffer.from(bytes).toString('base64'), ...(peer === undefined ? {} : { peer }) };
  } catch (cause) {
    throw new PicketError({ code: 'RECORDING_INVALID', message: describeError(cause), place, cause });
  }
}

/** Only spaces and tabs. */
function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09);
}
