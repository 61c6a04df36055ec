// Prints results: one JSON document or line for scripts, aligned columns for people.
import { stripVTControlCharacters } from 'node:util';
import { ConfigError } from '../../platform/core/config.ts';
import { describePlace, PicketError } from '../../platform/core/errors.ts';

/** One JSON value on stdout. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** One line for people on stdout. */
export function printLine(line: string): void {
  process.stdout.write(`${visible(line)}\n`);
}

/** Columns as wide as their widest cell; text from records cannot move the terminal's cursor. */
export function printTable(
  rows: readonly Readonly<Record<string, string | number | undefined>>[],
  columns: readonly string[],
): void {
  const cells = [
    columns.map((column) => column.toUpperCase()),
    ...rows.map((row) => columns.map((column) => visible(String(row[column] ?? '')))),
  ];
  const widths = columns.map((_, at) => Math.max(...cells.map((line) => line[at]?.length ?? 0)));
  for (const line of cells) {
    process.stdout.write(
      `${line.map((cell, at) => (at === line.length - 1 ? cell : cell.padEnd(widths[at] ?? 0))).join('  ')}\n`,
    );
  }
}

/** Control and bidirectional characters of hostile records made visible. */
export function visible(text: string): string {
  return stripVTControlCharacters(text).replace(
    // eslint-disable-next-line no-control-regex -- these are what must be shown
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Tells an error on stderr in one line (or one a problem), as JSON when asked; returns nothing. */
export function printError(error: unknown, json: boolean): void {
  if (error instanceof ConfigError) {
    for (const { code, message, place } of error.problems) tell(code, message, describePlace(place), json);
  } else if (error instanceof PicketError) tell(error.code, error.message, describePlace(error.place), json);
  else tell('INTERNAL', error instanceof Error ? (error.stack ?? error.message) : String(error), '', json);
}

function tell(code: string, message: string, place: string, json: boolean): void {
  const line = json
    ? JSON.stringify({ error: { code, message, ...(place ? { place } : {}) } })
    : // Some messages, which stand in lists without their place as well, name it themselves.
      `picket: ${place && !message.includes(`(${place})`) ? `${place}: ` : ''}${message} [${code}]`;
  process.stderr.write(`${line}\n`);
}
