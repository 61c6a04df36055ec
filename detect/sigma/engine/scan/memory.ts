// Hands out the scanner's memory piece by piece while its tables are written; it grows as needed.

const PAGE = 65_536;

export class ScanMemory {
  readonly memory: WebAssembly.Memory;
  bytes: Buffer;
  words: Int32Array;
  #next: number;

  /** `from`: the first free byte. */
  constructor(from: number) {
    this.memory = new WebAssembly.Memory({ initial: 16 });
    this.#next = from;
    this.bytes = Buffer.from(this.memory.buffer);
    this.words = new Int32Array(this.memory.buffer);
  }

  /** A zeroed piece of so many bytes on a multiple of 16; what is read a little past its end is memory as well. */
  allocate(size: number): number {
    const place = (this.#next + 15) & ~15;
    this.#next = place + size;
    const missing = this.#next + 64 - this.memory.buffer.byteLength;
    if (missing > 0) {
      this.memory.grow(Math.max(Math.ceil(missing / PAGE), 16));
      this.bytes = Buffer.from(this.memory.buffer);
      this.words = new Int32Array(this.memory.buffer);
    }
    return place;
  }

  store(place: number, value: number): void {
    this.words[place >> 2] = value;
  }

  load(place: number): number {
    return this.words[place >> 2] as number;
  }

  /** Latin-1 code units as bytes. @returns where they lie */
  write(text: string): number {
    const place = this.allocate(text.length);
    this.put(place, text);
    return place;
  }

  put(place: number, text: string): void {
    for (let at = 0; at < text.length; at++) this.bytes[place + at] = text.charCodeAt(at);
  }
}
