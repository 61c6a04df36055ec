// Reads a recorded file of a format as raw records, as its receiver would have had them, in pieces that a request can carry.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { findAdapter } from '../../ingest/registry.ts';
import { describeError, PicketError } from '../../platform/core/errors.ts';
import { readDatagram } from './normalise-line.ts';

export interface RecordedRecord {
  /** base64 */
  bytes: string;
  peer?: string;
  received?: string;
  ordinal: number;
}

/**
 * `netflow`: NDJSON of {received, peer, datagram: base64}; formats of whole documents: the file; all others: a record a line.
 * @throws PicketError RECORDING_INVALID with file and line
 */
export async function* readRecording(options: {
  file: string;
  format: string;
}): AsyncGenerator<RecordedRecord> {
  const { file, format } = options;
  const adapter = findAdapter(format);
  if (!adapter) throw new PicketError({ code: 'FORMAT_UNKNOWN', message: `no format ${format}` });
  if (adapter.framing === 'document' && format !== 'netflow') {
    yield { bytes: (await readFile(file)).toString('base64'), ordinal: 0 };
    return;
  }
  const seen = new Map<string, number>();
  let number = 0;
  for await (const line of createInterface({
    input: createReadStream(file),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    number++;
    if (line.trim() === '') continue;
    const digest = createHash('sha256').update(line).digest('base64');
    const ordinal = seen.get(digest) ?? 0;
    seen.set(digest, ordinal + 1);
    if (format !== 'netflow') {
      yield { bytes: Buffer.from(line).toString('base64'), ordinal };
      continue;
    }
    try {
      const { bytes, peer } = readDatagram(line);
      yield {
        bytes: Buffer.from(bytes).toString('base64'),
        ordinal,
        ...(peer === undefined ? {} : { peer }),
      };
    } catch (error) {
      throw new PicketError({
        code: 'RECORDING_INVALID',
        message: describeError(error),
        place: { file, line: number },
        cause: error,
      });
    }
  }
}
