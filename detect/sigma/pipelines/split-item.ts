// Takes one detection item apart into items of other fields: `hashes_fields` and `extract_fields`.
import { sigmaError } from '../problem.ts';
import type { DetectionNode, SigmaValue } from '../rule.ts';
import { parseSigmaText, toPlain } from '../sigma-text.ts';
import { matchStart } from './pattern.ts';
import { joinParts, markApplied } from './replace-item.ts';
import type { Transformation } from './transformations.ts';
import type { WorkItem } from './work-rule.ts';

const ALGORITHM_OF_LENGTH: Readonly<Record<number, string>> = {
  32: 'MD5',
  40: 'SHA1',
  64: 'SHA256',
  128: 'SHA512',
};

type Of<T extends Transformation['type']> = Extract<Transformation, { type: T }>;

/**
 * `Hashes: [SHA1=…, MD5=…]` becomes equality over a field an algorithm; a bare hash is known by its length.
 * An item of another field, or with a value that is no text, stays.
 * @throws PicketError SIGMA_PIPELINE when no value names a known algorithm
 */
export function splitHashes(
  detection: WorkItem,
  transformation: Of<'hashes_fields'>,
  id: string | undefined,
): DetectionNode {
  const { valid_hash_algos, field_prefix, drop_algo_prefix, field_to_parse } = transformation;
  const texts = plainTexts(detection);
  if (detection.field === undefined || !field_to_parse.includes(detection.field) || !texts) return detection;
  const byField = new Map<string, SigmaValue[]>();
  for (const text of texts) {
    const parts = text.split(text.includes('|') ? '|' : '=');
    const hash = (parts.length === 2 ? (parts[1] as string) : (parts[0] as string)).replaceAll(
      /^[*?]+|[*?]+$/g,
      '',
    );
    const algorithm =
      parts.length === 2
        ? (parts[0] as string).replace(/^\*+/, '').toUpperCase()
        : (ALGORITHM_OF_LENGTH[hash.length] ?? '');
    if (!valid_hash_algos.includes(algorithm)) continue;
    const field = `${field_prefix}${drop_algo_prefix ? '' : algorithm}`;
    byField.set(field, [...(byField.get(field) ?? []), { type: 'text', text: parseSigmaText(hash) }]);
  }
  if (byField.size === 0) {
    throw sigmaError(
      'SIGMA_PIPELINE',
      `no hash in \`${detection.field}\` is one of ${valid_hash_algos.join(', ')}`,
      detection.place,
    );
  }
  const of = [...byField].map(
    ([field, values]): WorkItem =>
      markApplied(
        { ...detection, field: field === 'keyword' ? undefined : field, modifiers: [], values },
        id,
      ),
  );
  return joinParts({ of, linking: detection.linking, negated: detection.negated });
}

/** Each named group of the pattern becomes the value of a field; what does not match is left out or stays. */
export function extractFields(
  detection: WorkItem,
  transformation: Of<'extract_fields'>,
  id: string | undefined,
): DetectionNode {
  const { regex, field_prefix, preserve_unmatched } = transformation;
  const texts = plainTexts(detection);
  if (!texts) return detection;
  const of = texts.flatMap((text, at): DetectionNode[] => {
    const groups = Object.entries(matchStart(regex, text)?.groups ?? {}).filter(([, value]) => value);
    if (groups.length === 0) {
      const kept = preserve_unmatched && !matchStart(regex, text);
      return kept ? [{ ...detection, values: [detection.values[at] as SigmaValue] }] : [];
    }
    const items = groups.map(
      ([name, value]): WorkItem =>
        markApplied(
          {
            ...detection,
            field: field_prefix ? `${field_prefix}.${name}` : name,
            modifiers: [],
            values: [readCaptured(value as string)],
          },
          id,
        ),
    );
    return [joinParts({ of: items, linking: 'all', negated: detection.negated })];
  });
  if (of.length === 0) return detection;
  return joinParts({ of, linking: detection.linking, negated: detection.negated });
}

/** The values as texts, undefined when one is something else. */
function plainTexts(detection: WorkItem): string[] | undefined {
  const texts = detection.values.map((value) => (value.type === 'text' ? toPlain(value.text) : undefined));
  return texts.every((text) => text !== undefined) ? texts : undefined;
}

/** Numbers without leading zeros become numbers, `null` and `none` null, the rest text, as in pySigma. */
function readCaptured(value: string): SigmaValue {
  if (/^(?:null|none)$/i.test(value)) return { type: 'null' };
  const number = Number(value);
  if (value === '0' || (!value.startsWith('0') && value.trim() !== '' && Number.isFinite(number)))
    return { type: 'number', value: number };
  return { type: 'text', text: parseSigmaText(value) };
}
