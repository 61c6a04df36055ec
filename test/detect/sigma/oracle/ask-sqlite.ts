// Asks pySigma's SQLite backend which events each rule finds.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { JsonObject } from '../../../../platform/core/event.ts';
import { requireProgram } from '../../../services/programs.ts';

/** An event for every rule, or for the one named. */
export interface AskedEvent {
  readonly event: JsonObject;
  readonly rule?: string;
}

/** What became of one rule: the places of the events that it found, rising, or why it has no query. */
export type Answer =
  | {
      readonly file: string;
      readonly id: string;
      readonly sql: readonly string[];
      readonly events: readonly number[];
    }
  | { readonly file: string; readonly error: string };

/** Needs the program `pysigma`. @throws Error with the end of its output */
export async function askSqlite(options: {
  events: readonly AskedEvent[];
  folders: readonly string[];
  signal: AbortSignal;
}): Promise<Answer[]> {
  const folder = await mkdtemp(join(tmpdir(), 'picket-oracle-'));
  try {
    const file = join(folder, 'events.ndjson');
    await writeFile(file, options.events.map((one) => `${JSON.stringify(one)}\n`).join(''));
    const { stdout } = await execa(
      requireProgram('pysigma'),
      [join(import.meta.dirname, 'query.py'), file, ...options.folders],
      { maxBuffer: 500_000_000, stdin: 'ignore', cancelSignal: options.signal, timeout: 900_000 },
    );
    return stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Answer);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
