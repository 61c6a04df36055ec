// Structured logs (pino) to stderr or a file, one JSON line each, so that stdout stays for results.
import pino, { type Logger } from 'pino';

export type { Logger };

/** A logger; `level` as pino's (`fatal` to `trace`, or `silent`). `file` appends instead of stderr. */
export function createLogger(options: { name: string; level: string; file?: string | undefined }): Logger {
  const destination = pino.destination(
    options.file ? { dest: options.file, mkdir: true, sync: false } : { dest: 2, sync: true },
  );
  return pino(
    {
      name: options.name,
      level: options.level,
      timestamp: pino.stdTimeFunctions.isoTime,
      base: { name: options.name },
    },
    destination,
  );
}

/** A logger that says nothing (tests, evaluations). */
export const silentLogger: Logger = pino({ level: 'silent' });
