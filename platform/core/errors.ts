// Errors that carry a stable code, a place and a cause, so that a person and a script can both act on them.

/** Where a fault lies: a file with line and column, a key path, a record's position, or a peer. */
export interface Place {
  readonly file?: string;
  /** 1-based. */
  readonly line?: number;
  /** 1-based. */
  readonly column?: number;
  /** Dotted key path inside a document, e.g. `sites.0.jurisdiction`. */
  readonly path?: string;
  /** Any other position in words, e.g. `byte 1204` or `record 3 of the request`. */
  readonly at?: string;
}

/**
 * The one error type that crosses a boundary. `code` is stable (`PICKET_` in front is left out: it is
 * SCREAMING_SNAKE such as `CONFIG_UNKNOWN_KEY`) and is what API problems, logs and dead letters carry.
 */
export class PicketError extends Error {
  override readonly name = 'PicketError';
  readonly code: string;
  readonly place: Place | undefined;

  constructor(options: { code: string; message: string; place?: Place | undefined; cause?: unknown }) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.place = options.place;
  }
}

/** `file:line:column (path)` for people; empty string when nothing is known. */
export function describePlace(place: Place | undefined): string {
  if (!place) return '';
  const { file, line, column } = place;
  // A column of a query that stands in no file says nothing by its number alone.
  const bare = file === undefined && line === undefined && column !== undefined;
  const position = bare
    ? `column ${column}`
    : [file, line, column].filter((part) => part !== undefined).join(':');
  const inside = place.path ?? place.at;
  if (!inside) return position;
  return position ? `${position} (${inside})` : inside;
}

/** The message of anything thrown, without its stack. */
export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The stable code of anything thrown; `INTERNAL` for what is not ours. */
export function errorCode(error: unknown): string {
  return error instanceof PicketError ? error.code : 'INTERNAL';
}
