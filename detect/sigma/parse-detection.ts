// Reads the `detection:` of a rule: named selections into trees of items, and the conditions over them.
import type { PicketError } from '../../platform/core/errors.ts';
import type { YamlDocument } from '../../platform/core/yaml.ts';
import { applyModifiers } from './apply-modifiers.ts';
import { parseCondition } from './parse-condition.ts';
import { sigmaError } from './problem.ts';
import type { Condition, DetectionGroup, DetectionItem, DetectionNode, SigmaValue } from './rule.ts';

type PlaceOf = YamlDocument['placeOf'];

/** Keys of `detection` that are no selections. */
const NOT_SELECTIONS = new Set(['condition', 'timeframe']);

export interface ParsedDetection {
  readonly selections: ReadonlyMap<string, DetectionNode>;
  readonly conditions: readonly Condition[];
  /** Selections that no condition uses: harmless, but linted. */
  readonly unused: readonly string[];
}

/** @throws PicketError SIGMA_DETECTION and those of parseCondition and applyModifiers, each with its place */
export function parseDetection(options: {
  detection: unknown;
  path: readonly string[];
  placeOf: PlaceOf;
  /** A further key that is no selection (`rules` of a filter). */
  reserved?: string;
}): ParsedDetection {
  const { detection, path, placeOf } = options;
  if (!isMapping(detection))
    throw sigmaError('SIGMA_DETECTION', `\`${path.join('.')}\` must be a mapping`, placeOf(path));
  const selections = new Map<string, DetectionNode>();
  for (const [name, node] of Object.entries(detection)) {
    if (NOT_SELECTIONS.has(name) || name === options.reserved) continue;
    selections.set(name, parseSelection(node, [...path, name], placeOf));
  }
  if (selections.size === 0)
    throw sigmaError('SIGMA_DETECTION', `no selection in \`${path.join('.')}\``, placeOf(path));
  const written = detection['condition'];
  const texts = Array.isArray(written) ? (written as unknown[]) : [written];
  if (texts.length === 0 || written === undefined || written === null) {
    throw sigmaError('SIGMA_CONDITION', '`condition` is missing', placeOf(path));
  }
  const names = [...selections.keys()];
  const used = new Set<string>();
  const conditions = texts.map((text, at) => {
    const place = placeOf(
      Array.isArray(written) ? [...path, 'condition', String(at)] : [...path, 'condition'],
    );
    if (typeof text !== 'string') throw sigmaError('SIGMA_CONDITION', 'a condition must be a text', place);
    return parseCondition({ text, names, place, used });
  });
  return { selections, conditions, unused: names.filter((name) => !used.has(name)) };
}

function isMapping(node: unknown): node is Record<string, unknown> {
  return node !== null && typeof node === 'object' && !Array.isArray(node) && !(node instanceof Date);
}

/** A mapping is AND of its items; a list of mappings is OR; a list of values are keywords. */
function parseSelection(node: unknown, path: readonly string[], placeOf: PlaceOf): DetectionNode {
  if (isMapping(node)) {
    const of = Object.entries(node).map(([key, value]) =>
      parseItem({ key, value, path: [...path, key], placeOf }),
    );
    if (of.length === 0) throw sigmaError('SIGMA_DETECTION', 'an empty selection', placeOf(path));
    return group('all', of);
  }
  if (Array.isArray(node)) {
    const elements = node as unknown[];
    if (elements.length === 0) throw sigmaError('SIGMA_DETECTION', 'an empty selection', placeOf(path));
    if (elements.every((element) => !isMapping(element) && !Array.isArray(element))) {
      return parseItem({ key: '', value: elements, path, placeOf });
    }
    return group(
      'any',
      elements.map((element, at) => parseSelection(element, [...path, String(at)], placeOf)),
    );
  }
  if (node === null || node === undefined)
    throw sigmaError('SIGMA_DETECTION', 'an empty selection', placeOf(path));
  return parseItem({ key: '', value: node, path, placeOf });
}

function group(linking: 'any' | 'all', of: readonly DetectionNode[]): DetectionNode {
  return of.length === 1
    ? (of[0] as DetectionNode)
    : ({ kind: 'group', linking, of } satisfies DetectionGroup);
}

function parseItem(options: {
  key: string;
  value: unknown;
  path: readonly string[];
  placeOf: PlaceOf;
}): DetectionItem {
  const { key, value, path, placeOf } = options;
  const [field = '', ...modifiers] = key.split('|');
  const place = placeOf(path);
  const written = Array.isArray(value) ? (value as unknown[]) : [value];
  const linking = modifiers.includes('all') ? 'all' : 'any';
  if (written.length === 0) {
    throw sigmaError('SIGMA_VALUE', `\`${key}\` has an empty list`, place);
  }
  const values = written.map((element, at): SigmaValue => {
    const where = Array.isArray(value) ? placeOf([...path, String(at)]) : place;
    try {
      return applyModifiers({ written: element, modifiers, place: where });
    } catch (error) {
      // A modifier is at fault where it is written: at the key.
      const code = (error as PicketError).code;
      if (code?.startsWith('SIGMA_MODIFIER')) throw sigmaError(code, (error as Error).message, place);
      throw error;
    }
  });
  return {
    kind: 'item',
    field: field === '' ? undefined : field,
    modifiers,
    values,
    linking,
    negated: modifiers.includes('neq'),
    place,
  };
}
