// Takes the files of a pack under bounds: rule files and licences, nothing else, never more than fits.

import { LICENCE_FILE } from '../../detect/packs/licence.ts';
import { PicketError } from '../../platform/core/errors.ts';

export interface PackFile {
  /** Relative, with `/`. */
  readonly name: string;
  readonly bytes: Buffer;
}

/** What a pack may be at most; a test takes smaller ones. */
export interface PackLimits {
  readonly files: number;
  readonly file_bytes: number;
  readonly total_bytes: number;
  /** Entries looked at, of any kind. */
  readonly entries: number;
}

export const PACK_LIMITS: PackLimits = {
  files: 50_000,
  file_bytes: 2 * 1024 ** 2,
  total_bytes: 256 * 1024 ** 2,
  entries: 500_000,
};

/** Gathers what a source offers. @throws PicketError PACK_LIMIT, PACK_UNSAFE from `look` and `add` */
export class PackFiles {
  readonly files: PackFile[] = [];
  /** Symbolic links and the like that were left out. */
  skipped = 0;
  readonly #limits: PackLimits;
  readonly #paths: readonly string[] | undefined;
  #entries = 0;
  #bytes = 0;

  constructor(options: { paths?: readonly string[] | undefined; limits?: PackLimits | undefined }) {
    this.#limits = options.limits ?? PACK_LIMITS;
    this.#paths = options.paths?.map((path) => `${path.replace(/\/+$/, '')}/`);
  }

  /** Counts an entry; true when its content is wanted. `size` is what the source claims. */
  look(name: string, size: number): boolean {
    if (++this.#entries > this.#limits.entries) throw tooMuch(`more than ${this.#limits.entries} entries`);
    const parts = name.split('/');
    if (name.startsWith('/') || name.includes('\\') || name.includes('\0') || parts.includes('..')) {
      throw new PicketError({
        code: 'PACK_UNSAFE',
        message: `a name leads out of the pack: ${JSON.stringify(name)}`,
      });
    }
    const last = parts.at(-1) ?? '';
    if (parts.some((part) => part.startsWith('.'))) return false;
    const isRule = /\.ya?ml$/i.test(last);
    if (!isRule && !LICENCE_FILE.test(last)) return false;
    // A licence counts wherever it stands: it is over the folders below it.
    if (isRule && this.#paths && !this.#paths.some((path) => name.startsWith(path))) return false;
    this.#check(name, size);
    return true;
  }

  add(name: string, bytes: Buffer): void {
    this.#check(name, bytes.length);
    this.#bytes += bytes.length;
    this.files.push({ name, bytes });
  }

  /** The most bytes that the next file may have. */
  room(): number {
    return Math.min(this.#limits.file_bytes, this.#limits.total_bytes - this.#bytes);
  }

  #check(name: string, size: number): void {
    if (size > this.#limits.file_bytes)
      throw tooMuch(`${name} has ${size} bytes: more than ${this.#limits.file_bytes}`);
    if (this.files.length >= this.#limits.files) throw tooMuch(`more than ${this.#limits.files} files`);
    if (this.#bytes + size > this.#limits.total_bytes)
      throw tooMuch(`more than ${this.#limits.total_bytes} bytes`);
  }
}

function tooMuch(message: string): PicketError {
  return new PicketError({ code: 'PACK_LIMIT', message: `the pack is too large: ${message}` });
}
