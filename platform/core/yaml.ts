// Reads YAML (js-yaml, YAML 1.2 core schema) and remembers where each key stands, so that a fault can name its line.
import {
  CORE_SCHEMA,
  constructFromEvents,
  EVENT_ID,
  floatCoreTag,
  getScalarValue,
  intCoreTag,
  NOT_RESOLVED,
  parseEvents,
  SCALAR_STYLE,
  YAMLException,
} from 'js-yaml';
import { describeError, PicketError, type Place } from './errors.ts';

export interface YamlDocument {
  /** Plain data; null for an empty document. */
  readonly value: unknown;
  /** The place of a key path, or of its nearest parent that is in the text. */
  placeOf(path: readonly string[]): Place;
}

type YamlEvent = ReturnType<typeof parseEvents>[number];

/** One document. @throws PicketError YAML_INVALID with its place, also when there are several documents */
export function parseYaml(options: { text: string; file: string }): YamlDocument {
  const documents = parseYamlDocuments(options);
  if (documents.length > 1) {
    throw new PicketError({
      code: 'YAML_INVALID',
      message: 'more than one document in the file',
      place: documents[1]?.placeOf([]) ?? { file: options.file },
    });
  }
  return documents[0] ?? { value: null, placeOf: () => ({ file: options.file }) };
}

/** The core schema, but what is written with leading zeros (`00000429`) stays a text, as it was meant. */
const ZEROS_ARE_TEXT = CORE_SCHEMA.withTags(
  ...[intCoreTag, floatCoreTag].map((tag) => ({
    ...tag,
    resolve: (source: string, explicit: boolean, name: string): number | typeof NOT_RESOLVED =>
      !explicit && /^[-+]?0\d+$/.test(source) ? NOT_RESOLVED : tag.resolve(source, explicit, name),
  })),
);

/** All documents of a text. With `zerosAreText`, digits after a leading zero are no number. Duplicate keys, more than 1,000 aliases, aliases that lead into themselves or to more than a million nodes are refused. @throws PicketError YAML_INVALID with its place */
export function parseYamlDocuments(options: {
  text: string;
  file: string;
  zerosAreText?: boolean;
}): YamlDocument[] {
  const { text, file } = options;
  try {
    const events = parseEvents(text, { filename: file });
    const values = constructFromEvents(events, {
      source: text,
      filename: file,
      maxAliases: 1_000,
      ...(options.zerosAreText ? { schema: ZEROS_ARE_TEXT } : {}),
    });
    for (const value of values) measure(value, new Map());
    const lines = lineStarts(text);
    const offsets = locateKeys(events, text);
    return values.map((value, at) => ({
      value,
      placeOf: (path) => placeOf({ file, lines, offsets: offsets[at] ?? new Map<string, number>(), path }),
    }));
  } catch (error) {
    if (error instanceof YAMLException) {
      const place: Place = error.mark
        ? { file, line: error.mark.line + 1, column: error.mark.column + 1 }
        : { file };
      throw new PicketError({ code: 'YAML_INVALID', message: error.reason, place, cause: error });
    }
    throw new PicketError({
      code: 'YAML_INVALID',
      message: describeError(error),
      place: { file },
      cause: error,
    });
  }
}

/** A scalar of a text, for those who change it in place. */
export interface YamlScalar {
  /** Offsets inside of its quotes. */
  readonly start: number;
  readonly end: number;
  readonly quote: '' | "'" | '"' | 'block';
  readonly value: string;
  /** It has an anchor or a tag. */
  readonly marked: boolean;
  /** The scalar that follows at once, with nothing opened or closed between: the value of a key that has one. */
  readonly next: YamlScalar | undefined;
}

const QUOTES: ReadonlyMap<number, YamlScalar['quote']> = new Map([
  [SCALAR_STYLE.PLAIN, ''],
  [SCALAR_STYLE.SINGLE_QUOTED, "'"],
  [SCALAR_STYLE.DOUBLE_QUOTED, '"'],
]);

/** Every scalar that has characters, by its offset; none of a text that is no YAML. */
export function locateScalars(text: string): Map<number, YamlScalar> {
  const scalars = new Map<number, YamlScalar>();
  let events: YamlEvent[] = [];
  try {
    events = parseEvents(text, {});
  } catch {
    return scalars;
  }
  let next: YamlScalar | undefined;
  for (const event of events.reverse()) {
    if (event.type !== EVENT_ID.SCALAR || event.valueStart < 0) {
      next = undefined;
      continue;
    }
    next = {
      start: event.valueStart,
      end: event.valueEnd,
      quote: QUOTES.get(event.style) ?? 'block',
      value: getScalarValue(text, event),
      marked: event.anchorStart >= 0 || event.tagStart >= 0,
      next,
    };
    scalars.set(next.start, next);
  }
  return scalars;
}

const MOST_NODES = 1_000_000;

/** Nodes of a value with its aliases written out: what reads documents walks them as plain trees. @throws Error */
function measure(value: unknown, known: Map<object, number | 'open'>): number {
  if (value === null || typeof value !== 'object') return 1;
  const held = known.get(value);
  if (held === 'open') throw new Error('an alias leads back into itself');
  if (held !== undefined) return held;
  known.set(value, 'open');
  let nodes = 1;
  for (const child of Object.values(value)) nodes += measure(child, known);
  if (nodes > MOST_NODES) throw new Error(`more than ${MOST_NODES} nodes with its aliases written out`);
  known.set(value, nodes);
  return nodes;
}

const SEPARATOR = '\u0000';

function placeOf(options: {
  file: string;
  lines: readonly number[];
  offsets: ReadonlyMap<string, number>;
  path: readonly string[];
}): Place {
  const { file, lines, offsets, path } = options;
  const shown = path.length === 0 ? {} : { path: path.join('.') };
  for (let length = path.length; length >= 0; length--) {
    const offset = offsets.get(path.slice(0, length).join(SEPARATOR));
    if (offset === undefined) continue;
    const line = lineAt(lines, offset);
    return { file, line: line + 1, column: offset - (lines[line] ?? 0) + 1, ...shown };
  }
  return { file, ...shown };
}

/** The last line that begins at or before the offset, the first when none does. */
function lineAt(lines: readonly number[], offset: number): number {
  let low = 0;
  let high = lines.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((lines[middle] as number) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** For each document, the text offset of each key (of a mapping) and element (of a sequence), by path. */
function locateKeys(events: readonly YamlEvent[], text: string): Map<string, number>[] {
  const documents: Map<string, number>[] = [];
  let offsets = new Map<string, number>();
  const open: {
    /** Keys from the document on, as `offsets` has them. */
    path: string;
    kind: 'document' | 'mapping' | 'sequence';
    next: number;
    key: string | undefined;
  }[] = [];

  const under = (path: string, key: string): string => (path === '' ? key : path + SEPARATOR + key);
  /** Path and bookkeeping of a node that begins at `offset`; a scalar in key position gives undefined. */
  const enter = (offset: number, scalar: string | undefined): string | undefined => {
    const parent = open.at(-1);
    if (!parent || parent.kind === 'document') {
      offsets.set('', offset);
      return '';
    }
    if (parent.kind === 'sequence') {
      const path = under(parent.path, String(parent.next++));
      offsets.set(path, offset);
      return path;
    }
    if (parent.key === undefined) {
      parent.key = scalar ?? '?';
      offsets.set(under(parent.path, parent.key), offset);
      return undefined;
    }
    const path = under(parent.path, parent.key);
    parent.key = undefined;
    return path;
  };

  for (const event of events) {
    switch (event.type) {
      case EVENT_ID.DOCUMENT:
        offsets = new Map();
        documents.push(offsets);
        open.push({ path: '', kind: 'document', next: 0, key: undefined });
        break;
      case EVENT_ID.MAPPING:
      case EVENT_ID.SEQUENCE: {
        const kind = event.type === EVENT_ID.MAPPING ? 'mapping' : 'sequence';
        open.push({ path: enter(event.start, undefined) ?? '', kind, next: 0, key: undefined });
        break;
      }
      case EVENT_ID.SCALAR:
        enter(event.valueStart, getScalarValue(text, event));
        break;
      case EVENT_ID.ALIAS:
        enter(event.anchorStart, undefined);
        break;
      case EVENT_ID.POP:
        open.pop();
        break;
    }
  }
  return documents;
}
