// Writes zip files byte by byte, so that tests can make such as no honest tool would.
import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipEntry {
  readonly name: string;
  readonly content: string;
  readonly deflate?: boolean;
  /** Unix mode with its type bits; none when left out. */
  readonly mode?: number;
  /** The uncompressed size that the headers say instead of the true one. */
  readonly claims?: number;
}

/** PKZIP APPNOTE 6.3, without extensions. */
export function makeZip(entries: readonly ZipEntry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content, deflate = false, mode, claims } of entries) {
    const bytes = Buffer.from(content);
    const data = deflate ? deflateRawSync(bytes) : bytes;
    const path = Buffer.from(name);
    const fields = Buffer.alloc(22);
    fields.writeUInt16LE(0, 0);
    fields.writeUInt16LE(deflate ? 8 : 0, 2);
    fields.writeUInt32LE(crc32(bytes), 8);
    fields.writeUInt32LE(data.length, 12);
    fields.writeUInt32LE(claims ?? bytes.length, 16);
    fields.writeUInt16LE(path.length, 20);
    const local = Buffer.concat([Buffer.from('504b03041400', 'hex'), fields, Buffer.alloc(2), path, data]);
    const central = Buffer.alloc(16);
    central.writeUInt32LE(((mode ?? 0) << 16) >>> 0, 8);
    central.writeUInt32LE(offset, 12);
    directory.push(
      Buffer.concat([
        Buffer.from('504b010214031400', 'hex'),
        fields,
        Buffer.alloc(2),
        central.subarray(2),
        path,
      ]),
    );
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('504b0506', 0, 'hex');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}
