// Loaded before a process: its wall clock runs by so many milliseconds as a file says, read again and again; its monotonic clock stays.
import { readFileSync } from 'node:fs';

const file = process.env['PICKET_TEST_CLOCK'] as string;
const TrueDate = Date;
let offset = 0;
const read = (): void => {
  try {
    offset = Number(readFileSync(file, 'utf8'));
  } catch {
    // Between two writes the file may be gone.
  }
};
read();
setInterval(read, 50).unref();

globalThis.Date = new Proxy(TrueDate, {
  construct: (target, args: unknown[]) =>
    Reflect.construct(target, args.length === 0 ? [TrueDate.now() + offset] : args) as Date,
  get: (target, name) =>
    name === 'now' ? () => TrueDate.now() + offset : (Reflect.get(target, name) as unknown),
});
