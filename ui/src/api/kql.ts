// Writes KQL: quoted values, and filters joined to what the analyst typed.

/** `field: "value"`, with quotes and backslashes escaped. */
export function kqlTerm(field: string, value: string): string {
  return `${field}: ${kqlQuote(value)}`;
}

/** `field: ("a" or "b")`; undefined for no value, which asks nothing. */
export function kqlOneOf(field: string, values: readonly string[]): string | undefined {
  if (values.length === 0) return undefined;
  if (values.length === 1) return kqlTerm(field, values[0] as string);
  return `${field}: (${values.map(kqlQuote).join(' or ')})`;
}

/** All parts hold; each is put in brackets when there are several. */
export function kqlAnd(parts: readonly (string | undefined)[]): string {
  const given = parts.filter((part): part is string => part !== undefined && part.trim() !== '');
  return given.length === 1 ? (given[0] as string) : given.map((part) => `(${part})`).join(' and ');
}

function kqlQuote(value: string): string {
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
