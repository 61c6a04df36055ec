// Changes the values of a detection item: replacements, types, case, placeholders.
import { parseNetwork } from '../../../platform/core/network.ts';
import { sigmaError } from '../problem.ts';
import type { DetectionItem, SigmaValue } from '../rule.ts';
import { parseSigmaText, placeholdersOf, plainText, type SigmaText, toPlain } from '../sigma-text.ts';
import { fillPlaceholders } from './fill-placeholders.ts';
import type { Pipeline } from './pipeline.ts';
import { replaceString } from './replace-string.ts';
import type { Transformation } from './transformations.ts';

/** The same array when nothing changed. @throws PicketError SIGMA_PIPELINE, SIGMA_PLACEHOLDER with the item's place */
export function transformValues(options: {
  detection: DetectionItem;
  transformation: Transformation;
  vars: Pipeline['vars'];
}): readonly SigmaValue[] {
  const { detection, transformation, vars } = options;
  const changed = detection.values.map((value) => changeValue({ value, transformation, vars, detection }));
  return changed.every((value, at) => value === detection.values[at]) ? detection.values : changed;
}

function changeValue(options: {
  value: SigmaValue;
  transformation: Transformation;
  vars: Pipeline['vars'];
  detection: DetectionItem;
}): SigmaValue {
  const { value, transformation, vars, detection } = options;
  if (transformation.type === 'set_value') return readSetValue(transformation);
  if (value.type === 'any') {
    const of = value.of.map((alternative) => changeValue({ ...options, value: alternative }));
    return of.every((one, at) => one === value.of[at]) ? value : { type: 'any', of };
  }
  if (transformation.type === 'value_placeholders' || transformation.type === 'wildcard_placeholders')
    return toNetworks(fillPlaceholders({ value, transformation, vars, place: detection.place }), detection);
  if (value.type === 'number') {
    const text: SigmaText = [String(value.value)];
    if (transformation.type === 'replace_string')
      return { type: 'text', text: replaceString(text, transformation) };
    return transformation.type === 'convert_type' && transformation.target_type === 'str'
      ? { type: 'text', text }
      : value;
  }
  return value.type === 'text' ? changeText(value, options) : value;
}

/** What filled `cidr|expand` is read as networks; placeholders that are left wait for a later item. */
function toNetworks(value: SigmaValue, detection: DetectionItem): SigmaValue {
  if (!detection.modifiers.includes('cidr')) return value;
  if (value.type === 'any') return { type: 'any', of: value.of.map((one) => toNetworks(one, detection)) };
  if (value.type !== 'text' || placeholdersOf(value.text).length > 0) return value;
  const network = plainText(value.text) ?? '';
  if (!parseNetwork(network))
    throw sigmaError('SIGMA_VALUE', `not an IPv4 or IPv6 network: ${toPlain(value.text)}`, detection.place);
  return { type: 'cidr', value: network };
}

function changeText(
  value: Extract<SigmaValue, { type: 'text' }>,
  { transformation, detection }: { transformation: Transformation; detection: DetectionItem },
): SigmaValue {
  const { text } = value;
  switch (transformation.type) {
    case 'replace_string':
      return { ...value, text: replaceString(text, transformation) };
    case 'map_string': {
      const key = toPlain(text);
      const mapped = Object.hasOwn(transformation.mapping, key) ? transformation.mapping[key] : undefined;
      if (!mapped) return value;
      const of = mapped.map((to): SigmaValue => ({ ...value, text: parseSigmaText(to) }));
      return of.length === 1 ? (of[0] as SigmaValue) : { type: 'any', of };
    }
    case 'case':
      return { ...value, text: text.map((part) => changeCase(part, transformation.method)) };
    case 'regex':
      // Made for backends that compare with case: here `ignore_case_*` is how texts compare, `plain` has case.
      return transformation.method === 'plain' ? { ...value, cased: true } : value;
    case 'convert_type': {
      if (transformation.target_type === 'str') return value;
      const plain = plainText(text);
      if (plain === undefined || plain.trim() === '' || !Number.isFinite(Number(plain)))
        throw sigmaError('SIGMA_PIPELINE', `\`${toPlain(text)}\` is no number`, detection.place);
      return { type: 'number', value: Number(plain) };
    }
    default:
      return value;
  }
}

function changeCase(part: SigmaText[number], method: 'lower' | 'upper' | 'snake_case'): SigmaText[number] {
  if (typeof part !== 'string') return part;
  if (method === 'upper') return part.toUpperCase();
  return (method === 'lower' ? part : part.replaceAll(/(?<!^)(?=[A-Z])/g, '_')).toLowerCase();
}

function readSetValue({ value, force_type }: Extract<Transformation, { type: 'set_value' }>): SigmaValue {
  if (value === null) return { type: 'null' };
  if (force_type === 'num' || (force_type == null && typeof value === 'number'))
    return { type: 'number', value: Number(value) };
  if (typeof value === 'boolean') return { type: 'boolean', value };
  return { type: 'text', text: parseSigmaText(String(value)) };
}
