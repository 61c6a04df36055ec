// Makes signals: one for each key that an event (or an inner correlation's firing point) has for a correlation.
import { createHash } from 'node:crypto';
import { canonicalJson } from '../../platform/core/canonical-json.ts';
import { scalarText } from '../../platform/core/expression/compile.ts';
import { readField, splitField } from '../../platform/core/fields.ts';
import type { Match } from '../match.ts';
import { type Correlation, isNumeric, MAX_KEYS } from './correlation.ts';

/** One signal of SEMANTICS, Correlation: (rule, event, key, t), with what the condition and the alert need of it. */
export interface Signal {
  readonly correlation: Correlation;
  /** Id of the rule that matched, or of the inner correlation that fired. */
  readonly rule: string;
  readonly event: string;
  /** `@timestamp`, ms since the epoch. */
  readonly t: number;
  /** Field → value, with `picket.site.id` for rules of scope `site`. */
  readonly key: Readonly<Record<string, string>>;
  readonly tenant: string;
  /** Site of the event; '' for what an inner correlation of scope `fleet` says. */
  readonly site: string;
  /** What tells signals of one rule and event apart: the inner key's hash, or the value of `first_seen`; else ''. */
  readonly source: string;
  /** Folded values of value_count; empty when absent. */
  readonly values: readonly string[];
  /** Numbers of the numeric types. */
  readonly numbers: readonly number[];
  /** Takes the signal back: an inner correlation fires here no longer. */
  readonly withdrawn?: true;
  /** What the alert will say of the event: JSON of StoredEvidence[]. */
  readonly describe: () => string | undefined;
}

/** Counts what made no signal: `group-by-absent`, `group-by-list-cut`, `value-not-a-number`, `value-absent`. */
export type CountReason = (reason: string, by: number) => void;

/**
 * The signals of one match for one correlation. An absent group-by field makes none (counted), save for
 * plain rules, which leave the field out of the key; a list makes one key an element, at most 64.
 */
export function makeSignals(options: {
  correlation: Correlation;
  rule: string;
  /** The event, or any document with the fields. */
  document: unknown;
  event: string;
  t: number;
  tenant: string;
  site: string;
  /** What the alert will say of the event (any JSON); asked once, for all keys and correlations that share it. */
  describe: () => object;
  count: CountReason;
}): Signal[] {
  const { document, describe, ...rest } = options;
  return build({
    ...rest,
    describe: () => JSON.stringify([{ rule: options.rule, body: describe() }]),
    source: '',
    read: (field) => scalarsAt(document, field),
  });
}

/** The signals of a match of an event, for each of these correlations. */
export function signalsOfMatch(options: {
  match: Match;
  correlations: readonly Correlation[];
  describe: () => object;
  count: CountReason;
}): Signal[] {
  const { match, correlations, describe, count } = options;
  const { rule, event } = match;
  return correlations.flatMap((correlation) =>
    makeSignals({
      correlation,
      rule: rule.id,
      document: event,
      event: event.event.id,
      t: Date.parse(event['@timestamp']),
      tenant: event.picket.tenant,
      site: event.picket.site.id,
      describe,
      count,
    }),
  );
}

/** What a change of an inner correlation's firing points means for one that it feeds. */
export function makeOuterSignals(options: {
  outer: Correlation;
  inner: Correlation;
  key: Readonly<Record<string, string>>;
  tenant: string;
  point: { readonly t: number; readonly event: string };
  evidence: string | undefined;
  withdrawn: boolean;
  count: CountReason;
}): Signal[] {
  const { outer, inner, key, tenant, point, withdrawn, count } = options;
  const signals = build({
    correlation: outer,
    rule: inner.rule.id,
    event: point.event,
    t: point.t,
    tenant,
    site: key['picket.site.id'] ?? '',
    source: hashKey(key),
    describe: () => options.evidence,
    // Counted once, when the point is added.
    count: withdrawn ? () => undefined : count,
    read: (field) => (key[field] === undefined ? [] : [key[field]]),
  });
  return withdrawn ? signals.map((signal) => ({ ...signal, withdrawn: true as const })) : signals;
}

function build(options: {
  correlation: Correlation;
  rule: string;
  event: string;
  t: number;
  tenant: string;
  site: string;
  source: string;
  describe: () => string | undefined;
  count: CountReason;
  read: (field: string) => readonly (string | number)[];
}): Signal[] {
  const { correlation, rule, event, t, tenant, site, source, describe, count, read } = options;
  const fieldOf = (name: string): string => correlation.aliases[name]?.[rule] ?? name;
  let keys: Record<string, string>[] = [correlation.rule.scope === 'site' ? { 'picket.site.id': site } : {}];
  for (const name of correlation.group_by) {
    const texts = distinctTexts(read(fieldOf(name)));
    if (texts.length === 0) {
      if (correlation.optionalKey) continue;
      count('group-by-absent', 1);
      return [];
    }
    const grown: Record<string, string>[] = [];
    for (const key of keys) for (const text of texts) grown.push({ ...key, [name]: text });
    if (grown.length > MAX_KEYS) count('group-by-list-cut', grown.length - MAX_KEYS);
    keys = grown.slice(0, MAX_KEYS);
  }
  const lists = correlation.fields.map((name) => read(fieldOf(name)));
  const base = { correlation, rule, event, t, tenant, site, describe };
  if (correlation.type === 'first_seen') {
    const values = tuples(lists);
    if (values.length === 0) count('value-absent', 1);
    return keys.flatMap((key) =>
      values.map((value) => ({
        ...base,
        key,
        source: source === '' ? value : canonicalJson([source, value]),
        values: [value],
        numbers: [],
      })),
    );
  }
  const numbers = isNumeric(correlation.type) ? readNumbers(lists[0] ?? [], count) : [];
  const values = correlation.type === 'value_count' ? tuples(lists) : [];
  return keys.map((key) => ({ ...base, key, source, values, numbers }));
}

/** The one text of a key within a correlation. */
export function keyText({ tenant, key }: Pick<Signal, 'tenant' | 'key'>): string {
  // Canonical JSON (RFC 8785) of [tenant, key], written out since it is made for every signal.
  const names = Object.keys(key);
  if (names.length > 1) names.sort();
  let text = `[${JSON.stringify(tenant)},{`;
  for (let at = 0; at < names.length; at++) {
    const name = names[at] as string;
    text += `${at > 0 ? ',' : ''}${JSON.stringify(name)}:${JSON.stringify(key[name])}`;
  }
  return `${text}}]`;
}

function hashKey(key: Readonly<Record<string, string>>): string {
  return createHash('sha256').update(canonicalJson(key)).digest('base64url').slice(0, 22);
}

/** Folded values as Sigma compares; of several fields every combination, at most 64, none when one is absent. */
function tuples(lists: readonly (readonly (string | number)[])[]): string[] {
  const folded = lists.map((list) => [...new Set(distinctTexts(list).map((text) => text.toLowerCase()))]);
  const [only, ...more] = folded;
  if (!only || more.length === 0) return only ?? [];
  let found: string[][] = [[]];
  for (const texts of folded)
    found = found.flatMap((one) => texts.map((text) => [...one, text])).slice(0, MAX_KEYS);
  return found.map((one) => canonicalJson(one));
}

/** Numbers as they are, texts that are wholly a decimal number as that; the rest is counted and left out. */
function readNumbers(list: readonly (string | number)[], count: CountReason): number[] {
  const numbers: number[] = [];
  for (const value of list) {
    const number =
      typeof value === 'number'
        ? value
        : /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(value)
          ? Number(value)
          : Number.NaN;
    if (Number.isFinite(number)) numbers.push(number);
    else count('value-not-a-number', 1);
  }
  if (list.length === 0) count('value-absent', 1);
  return numbers;
}

/** Distinct texts in document order; empty strings count as absent. */
function distinctTexts(list: readonly (string | number)[]): string[] {
  return [...new Set(list.map(String))].filter((text) => text !== '');
}

/** The scalars at a field, in document order. */
function scalarsAt(document: unknown, field: string): (string | number)[] {
  const scalars: (string | number)[] = [];
  for (const value of readField(document, splitField(field))) {
    if (typeof value === 'number') scalars.push(value);
    else {
      const text = scalarText(value);
      if (text !== undefined) scalars.push(text);
    }
  }
  return scalars;
}
