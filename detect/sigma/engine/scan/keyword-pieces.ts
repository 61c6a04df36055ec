// The piece of a keyword that must stand in the JSON text of any event that holds the keyword.

/** Shorter pieces would be found in every line. */
const SHORTEST = 3;

/**
 * The longest run of characters that JSON always writes as themselves (RFC 8259, section 7: printable ASCII but
 * quotation mark, backslash and, since it may be escaped, slash; by code point escapes any character may hide, so
 * lines with those are not searched for pieces). Undefined when every run is short.
 */
export function keywordPiece(text: string): string | undefined {
  let best = '';
  for (const [run] of text.matchAll(/[\x20\x21\x23-\x2e\x30-\x5b\x5d-\x7e]+/g)) {
    if (run.length > best.length) best = run;
  }
  return best.length >= SHORTEST ? best : undefined;
}
