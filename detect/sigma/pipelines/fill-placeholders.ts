// Fills the placeholders of a value (`expand`) from variables or with wildcards, in texts and in patterns.
import type { Place } from '../../../platform/core/errors.ts';
import { sigmaError } from '../problem.ts';
import type { SigmaValue } from '../rule.ts';
import { checkRegex } from '../safe-regex.ts';
import {
  joinText,
  parseSigmaText,
  placeholdersOf,
  plainText,
  type SigmaText,
  type TextPart,
} from '../sigma-text.ts';
import type { Pipeline } from './pipeline.ts';
import type { Transformation } from './transformations.ts';

type Filling = Extract<Transformation, { type: 'value_placeholders' | 'wildcard_placeholders' }>;

/** More alternatives than this for one value are refused. */
const MAX_ALTERNATIVES = 10_000;

/**
 * Several values of a variable become alternatives, joined by OR also under `all`. Left as they are:
 * placeholders that `include` and `exclude` leave to a later item.
 * @throws PicketError SIGMA_PLACEHOLDER for a variable that is missing or no text or number, SIGMA_REGEX
 */
export function fillPlaceholders(options: {
  value: SigmaValue;
  transformation: Filling;
  vars: Pipeline['vars'];
  place: Place;
}): SigmaValue {
  const { value, place } = options;
  if (value.type === 'text') {
    if (!hasChosen(value.text, options.transformation)) return value;
    return either(
      fill({ ...options, text: value.text, wildcard: { wild: '*' }, read: parseSigmaText }).map((text) => ({
        ...value,
        text,
      })),
    );
  }
  if (value.type !== 'regex' || !value.template || !hasChosen(value.template, options.transformation))
    return value;
  const { flags } = value;
  return either(
    fill({ ...options, text: value.template, wildcard: '.*', read: (written) => [written] }).map(
      (template) => {
        if (placeholdersOf(template).length > 0) return { ...value, template };
        const checked = checkRegex(plainText(template) ?? '', flags);
        if ('refused' in checked) throw sigmaError('SIGMA_REGEX', checked.refused, place);
        return { type: 'regex', pattern: checked.pattern, flags: checked.flags };
      },
    ),
  );
}

function either(of: readonly SigmaValue[]): SigmaValue {
  return of.length === 1 ? (of[0] as SigmaValue) : { type: 'any', of };
}

function hasChosen(text: SigmaText, transformation: Filling): boolean {
  return text.some((part) => isChosen(part, transformation));
}

function isChosen(part: TextPart, { include, exclude }: Filling): part is { placeholder: string } {
  if (typeof part === 'string' || !('placeholder' in part)) return false;
  return (!include || include.includes(part.placeholder)) && !exclude?.includes(part.placeholder);
}

function fill(options: {
  text: SigmaText;
  transformation: Filling;
  vars: Pipeline['vars'];
  place: Place;
  wildcard: TextPart;
  read: (written: string) => SigmaText;
}): SigmaText[] {
  const { text, transformation, vars, place, wildcard, read } = options;
  let results: SigmaText[] = [[]];
  for (const part of text) {
    let alternatives: SigmaText[] = [[part]];
    if (isChosen(part, transformation)) {
      alternatives =
        transformation.type === 'wildcard_placeholders'
          ? [[wildcard]]
          : readVariable(part.placeholder, vars, place).map(read);
    }
    if (results.length * alternatives.length > MAX_ALTERNATIVES)
      throw sigmaError('SIGMA_PLACEHOLDER', `over ${MAX_ALTERNATIVES} values for one`, place);
    results = results.flatMap((result) => alternatives.map((alternative) => joinText(result, alternative)));
  }
  return results;
}

function readVariable(name: string, vars: Pipeline['vars'], place: Place): string[] {
  const value = Object.hasOwn(vars, name) ? vars[name] : undefined;
  const values = Array.isArray(value) ? (value as unknown[]) : [value];
  if (value === undefined || values.length === 0)
    throw sigmaError('SIGMA_PLACEHOLDER', `no variable \`${name}\` for \`%${name}%\``, place);
  return values.map((one) => {
    if (typeof one !== 'string' && typeof one !== 'number')
      throw sigmaError('SIGMA_PLACEHOLDER', `variable \`${name}\` holds what is no text or number`, place);
    return String(one);
  });
}
