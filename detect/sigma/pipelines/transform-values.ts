// Changes the values of a detection item: replacements, types, case, placeholders.
import { sigmaError } from '../problem.ts';
import type { DetectionItem, SigmaValue } from '../rule.ts';
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
  if (value.type === 'any') {
    return {
      type: 'any',
      of: value.of.map((alternative) => changeValue({ ...options, value: alternative })),
    };
  }
  const text = value.type === 'text' ? value.text : undefined;
  const withText = (changed: SigmaText): SigmaValue => ({
    ...(value as Extract<SigmaValue, { type: 'text' }>),
    text: changed,
  });
  switch (transformation.type) {
    case 'replace_string':
      return text ? withText(replaceString(text, transformation)) : value;
    case 'map_string': {
      const plain = text && plainText(text);
      const mapped =
        plain !== undefined && Object.hasOwn(transformation.mapping, plain)
          ? transformation.mapping[plain]
          : undefined;
      return mapped ? either(mapped.map((to) => withText(parseSigmaText(to)))) : value;
    }
    case 'case':
      return text
        ? withText(
            text.map((part) =>
              typeof part !== 'string'
                ? part
                : transformation.method === 'lower'
                  ? part.toLowerCase()
                  : part.toUpperCase(),
            ),
          )
        : value;
    case 'set_value': {
      const { value: set, force_type } = transformation;
      if (set === null) return { type: 'null' };
      if (force_type === 'num' || (force_type == null && typeof set === 'number'))
        return { type: 'number', value: Number(set) };
      if (typeof set === 'boolean' && force_type == null) return { type: 'boolean', value: set };
      return { type: 'text', text: parseSigmaText(String(set)) };
    }
    case 'convert_type': {
      if (transformation.target_type === 'str')
        return value.type === 'number' ? { type: 'text', text: [String(value.value)] } : value;
      const plain = text && plainText(text);
      if (plain === undefined) return value;
      if (plain.trim() === '' || !Number.isFinite(Number(plain))) {
        throw sigmaError('SIGMA_PIPELINE', `\`${plain}\` is no number`, detection.place);
      }
      return { type: 'number', value: Number(plain) };
    }
    case 'wildcard_placeholders':
      return text
        ? withText(
            joinText(
              text.flatMap((part): TextPart[] => (isChosen(part, transformation) ? [{ wild: '*' }] : [part])),
            ),
          )
        : value;
    case 'value_placeholders':
      return text
        ? either(
            fillPlaceholders({ text, transformation, vars, detection }).map((filled) => withText(filled)),
          )
        : value;
    default:
      return value;
  }
}

function either(of: readonly SigmaValue[]): SigmaValue {
  return of.length === 1 ? (of[0] as SigmaValue) : { type: 'any', of };
}

function isChosen(
  part: TextPart,
  { include, exclude }: { include?: string[] | null | undefined; exclude?: string[] | null | undefined },
): part is { placeholder: string } {
  if (typeof part === 'string' || !('placeholder' in part)) return false;
  return (!include || include.includes(part.placeholder)) && !exclude?.includes(part.placeholder);
}

function fillPlaceholders(options: {
  text: SigmaText;
  transformation: Extract<Transformation, { type: 'value_placeholders' }>;
  vars: Pipeline['vars'];
  detection: DetectionItem;
}): SigmaText[] {
  const { text, transformation, vars, detection } = options;
  if (placeholdersOf(text).length === 0) return [text];
  let results: SigmaText[] = [[]];
  for (const part of text) {
    let alternatives: SigmaText[] = [[part]];
    if (isChosen(part, transformation)) {
      const values = Object.hasOwn(vars, part.placeholder) ? vars[part.placeholder] : undefined;
      if (!values) {
        throw sigmaError(
          'SIGMA_PLACEHOLDER',
          `no variable \`${part.placeholder}\` for \`%${part.placeholder}%\``,
          detection.place,
        );
      }
      alternatives = values.map((value) => parseSigmaText(String(value)));
    }
    results = results.flatMap((result) => alternatives.map((alternative) => joinText(result, alternative)));
  }
  return results;
}

function replaceString(
  text: SigmaText,
  options: Extract<Transformation, { type: 'replace_string' }>,
): SigmaText {
  const regex = new RegExp(options.regex.replaceAll('(?P<', '(?<'), 'g');
  // Python writes back references as \1 and \g<1>.
  const replacement = options.replacement
    .replaceAll('$', '$$$$')
    .replaceAll(/\\g<(\w+)>|\\(\d)/g, (_, name?: string, digit?: string) =>
      digit ? `$${digit}` : /^\d+$/.test(name ?? '') ? `$${name}` : `$<${name}>`,
    );
  if (options.skip_special) {
    return joinText(
      text.flatMap((part) => {
        if (typeof part !== 'string') return [part];
        const replaced = part.replace(regex, replacement);
        return options.interpret_special ? [...parseSigmaText(replaced)] : [replaced];
      }),
    );
  }
  const whole = text
    .map((part) =>
      typeof part === 'string'
        ? part.replace(/[\\*?]/g, '\\$&')
        : 'wild' in part
          ? part.wild
          : `%${part.placeholder}%`,
    )
    .join('');
  return parseSigmaText(whole.replace(regex, replacement));
}
