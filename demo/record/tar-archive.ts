/** Writes a POSIX ustar archive in memory, the same bytes for the same files. */

export interface ArchivedFile {
  /** Relative, at most 100 bytes. */
  path: string;
  content: Buffer | string;
  /** Permission bits; 0o644 unless given. */
  mode?: number;
}

const blockBytes = 512;

function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, '0')}\0`;
}

function writeHeader(file: ArchivedFile, bytes: number): Buffer {
  if (Buffer.byteLength(file.path) > 100) throw new RangeError(`path is too long for ustar: ${file.path}`);
  const header = Buffer.alloc(blockBytes);
  header.write(file.path, 0);
  header.write(octal(file.mode ?? 0o644, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(bytes, 12), 124);
  header.write(octal(0, 12), 136);
  header.write(' '.repeat(8), 148);
  header.write('0', 156);
  header.write('ustar\u000000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** The archive of these files in this order, owned by root, dated 1970. */
export function writeTar(files: readonly ArchivedFile[]): Buffer {
  const parts: Buffer[] = [];
  for (const file of files) {
    const content = Buffer.from(file.content);
    const padding = (blockBytes - (content.length % blockBytes)) % blockBytes;
    parts.push(writeHeader(file, content.length), content, Buffer.alloc(padding));
  }
  return Buffer.concat([...parts, Buffer.alloc(2 * blockBytes)]);
}
