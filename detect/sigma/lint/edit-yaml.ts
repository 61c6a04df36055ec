// Changes single keys, values and list elements in the text of a YAML file, so that comments and layout stay.
import type { Place } from '../../../platform/core/errors.ts';
import { locateScalars, type YamlScalar } from '../../../platform/core/yaml.ts';
import type { Fix, TextEdit } from './finding.ts';

/** Each method gives the edits, or undefined where the text is of a form that is not touched. */
export class YamlEditor {
  readonly #text: string;
  readonly #lines: number[] = [0];
  readonly #scalars: ReadonlyMap<number, YamlScalar>;

  /** A text that is no YAML gives an editor that edits nothing. */
  constructor(text: string) {
    this.#text = text;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#lines.push(at + 1);
    this.#scalars = locateScalars(text);
  }

  /** Another name for the key at a place. */
  renameKey(place: Place, key: string, name: string): Fix | undefined {
    const scalar = this.#scalarAt(place, key);
    return scalar && this.#rewrite(scalar, name);
  }

  /** Another text for the scalar that is the value of the key at a place. */
  setValue(place: Place, key: string, value: string): Fix | undefined {
    const scalar = this.#valueOf(place, key);
    return scalar && this.#rewrite(scalar, value);
  }

  /** A plain word (`true`, a number) as the value of a key, whatever quotes its value has. */
  setWord(place: Place, key: string, word: string): Fix | undefined {
    const scalar = this.#valueOf(place, key);
    if (!scalar || scalar.quote === 'block' || scalar.marked) return undefined;
    const quoted = scalar.quote === '' ? 0 : 1;
    return [{ start: scalar.start - quoted, end: scalar.end + quoted, text: word }];
  }

  /** Another text for the list element at a place. */
  setElement(place: Place, element: string, value: string): Fix | undefined {
    const scalar = this.#scalarAt(place, element);
    return scalar && this.#rewrite(scalar, value);
  }

  /** Removes a list element that is not the first: its line, or it and the comma before it. */
  removeElement(place: Place, element: string): Fix | undefined {
    const scalar = this.#scalarAt(place, element);
    if (!scalar || scalar.quote === 'block' || scalar.marked) return undefined;
    const quoted = scalar.quote === '' ? 0 : 1;
    const [from, to] = [scalar.start - quoted, scalar.end + quoted];
    const lineStart = this.#text.lastIndexOf('\n', from - 1) + 1;
    const lineEnd = this.#endOfLine(to);
    const before = this.#text.slice(lineStart, from);
    if (/^[ \t]*-[ \t]+$/.test(before)) {
      if (!/^[ \t\r]*$/.test(this.#text.slice(to, lineEnd))) return undefined;
      return [{ start: lineStart, end: Math.min(lineEnd + 1, this.#text.length), text: '' }];
    }
    const comma = /,\s*$/.exec(this.#text.slice(0, from));
    return comma ? [{ start: comma.index, end: to, text: '' }] : undefined;
  }

  /** Removes the line of a key with a scalar value. */
  removeKey(place: Place, key: string): Fix | undefined {
    const scalar = this.#scalarAt(place, key);
    const value = this.#valueOf(place, key);
    if (!scalar || !value || value.quote === 'block') return undefined;
    const lineStart = this.#text.lastIndexOf('\n', scalar.start - 1) + 1;
    const lineEnd = this.#endOfLine(value.end);
    const own = this.#text.slice(lineStart, scalar.start);
    const rest = this.#text.slice(value.end, lineEnd);
    if (!/^[ \t]*['"]?$/.test(own) || !/^['"]?[ \t\r]*$/.test(rest)) return undefined;
    return [{ start: lineStart, end: Math.min(lineEnd + 1, this.#text.length), text: '' }];
  }

  /** A line of its own after the line of a key with a scalar value on it. */
  insertAfter(place: Place, key: string, line: string): Fix | undefined {
    const scalar = this.#scalarAt(place, key);
    const value = this.#valueOf(place, key);
    if (!scalar || !value || value.quote === 'block') return undefined;
    const lineStart = this.#text.lastIndexOf('\n', scalar.start - 1) + 1;
    const lineEnd = this.#endOfLine(value.end);
    const indent = this.#text.slice(lineStart, scalar.start);
    if (!/^[ \t]*$/.test(indent) || this.#text.slice(scalar.end, value.start).includes('\n'))
      return undefined;
    const carriage = this.#text[lineEnd - 1] === '\r' ? '\r' : '';
    return [{ start: lineEnd, end: lineEnd, text: `\n${indent}${line}${carriage}` }];
  }

  #endOfLine(offset: number): number {
    const end = this.#text.indexOf('\n', offset);
    return end < 0 ? this.#text.length : end;
  }

  /** The scalar at a place, when it says what is expected: a place may be that of a parent. */
  #scalarAt({ line, column }: Place, expected: string): YamlScalar | undefined {
    if (line === undefined || column === undefined) return undefined;
    const scalar = this.#scalars.get((this.#lines[line - 1] ?? 0) + column - 1);
    return scalar?.value === expected ? scalar : undefined;
  }

  #valueOf(place: Place, key: string): YamlScalar | undefined {
    return this.#scalarAt(place, key)?.next;
  }

  #rewrite(scalar: YamlScalar, text: string): TextEdit[] | undefined {
    if (scalar.marked || scalar.quote === 'block' || /[\p{Cc}\ufeff]/u.test(text)) return undefined;
    const { start, end, quote } = scalar;
    if (quote === "'") return [{ start, end, text: text.replaceAll("'", "''") }];
    if (quote === '"') return [{ start, end, text: text.replaceAll(/[\\"]/g, '\\$&') }];
    return [{ start, end, text: isPlain(text) ? text : `'${text.replaceAll("'", "''")}'` }];
  }
}

/** A text that YAML reads as itself without quotes, in a flow too. */
function isPlain(text: string): boolean {
  return (
    /^[\p{L}\\/_][\p{L}\p{N}\\/_ .|@-]*$/u.test(text) &&
    !/\s$/.test(text) &&
    !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text)
  );
}
