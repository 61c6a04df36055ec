// Makes signals of a match: one for each key that its event has for a correlation.
import { canonicalJson } from '../../platform/core/canonical-json.ts';
import { scalarText } from '../../platform/core/expression/compile.ts';
import { readField, splitField } from '../../platform/core/fields.ts';
import { type Correlation, MAX_KEYS } from './correlation.ts';

/** One signal of SEMANTICS, Correlation: (rule, event, key, t), with what the condition and the alert need of it. */
export interface Signal {
  readonly correlation: Correlation;
  /** Id of the rule that matched. */
  readonly rule: string;
  readonly event: string;
  /** `@timestamp`, ms since the epoch. */
  readonly t: number;
  /** Field → value, with `picket.site.id` for rules of scope `site`. */
  readonly key: Readonly<Record<string, string>>;
  readonly tenant: string;
  /** Folded values of value_count's field; empty when absent. */
  readonly values: readonly string[];
  /** What the alert will say of the event (any JSON); asked only when the signal is new. */
  readonly describe: () => object;
}

/** Counts what made no signal: `group-by-absent`, `group-by-list-cut`. */
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
  describe: () => object;
  count: CountReason;
}): Signal[] {
  const { correlation, rule, document, count } = options;
  const base: Record<string, string> =
    correlation.rule.scope === 'site' ? { 'picket.site.id': options.site } : {};
  let keys: Record<string, string>[] = [base];
  for (const name of correlation.group_by) {
    const field = correlation.aliases[name]?.[rule] ?? name;
    const values = textsAt(document, field);
    if (values.length === 0) {
      if (correlation.optionalKey) continue;
      count('group-by-absent', 1);
      return [];
    }
    const grown: Record<string, string>[] = [];
    for (const key of keys) for (const value of values) grown.push({ ...key, [name]: value });
    if (grown.length > MAX_KEYS) count('group-by-list-cut', grown.length - MAX_KEYS);
    keys = grown.slice(0, MAX_KEYS);
  }
  const values =
    correlation.field === undefined
      ? []
      : [
          ...new Set(
            textsAt(document, correlation.aliases[correlation.field]?.[rule] ?? correlation.field).map(
              (text) => text.toLowerCase(),
            ),
          ),
        ];
  return keys.map((key) => ({
    correlation,
    rule,
    event: options.event,
    t: options.t,
    key,
    tenant: options.tenant,
    values,
    describe: options.describe,
  }));
}

/** The one text of a key within a correlation. */
export function keyText(signal: Pick<Signal, 'tenant' | 'key'>): string {
  return canonicalJson([signal.tenant, signal.key]);
}

/** Distinct texts of the scalars at a field, in document order; empty strings count as absent. */
function textsAt(document: unknown, field: string): string[] {
  const texts = new Set<string>();
  for (const value of readField(document, splitField(field))) {
    const text = scalarText(value);
    if (text !== undefined && text !== '') texts.add(text);
  }
  return [...texts];
}
