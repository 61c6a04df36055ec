// Checks one item of a detection: its modifiers and its values.
import { parseSigmaText, type SigmaText, toPlain } from '../sigma-text.ts';
import { type Checked, type Fix, showValue } from './finding.ts';

interface Item {
  readonly checked: Checked;
  readonly key: string;
  readonly value: unknown;
  readonly path: readonly string[];
  /** Keys of the mapping, its own among them. */
  readonly siblings: readonly string[];
}

const OPENINGS = ['contains', 'startswith', 'endswith'] as const;
/** Modifiers that read a value as something else than a text with wildcards. */
const NO_TEXT = [
  're',
  'cidr',
  'exists',
  'fieldref',
  'lt',
  'lte',
  'gt',
  'gte',
  'base64',
  'base64offset',
  'expand',
];

export function checkItem(item: Item): void {
  const { checked, key, value, path } = item;
  const [field = '', ...modifiers] = key.split('|');
  const values = Array.isArray(value) ? (value as unknown[]) : [value];
  checkModifiers(item, field, modifiers, values);
  const place = (at: number) => (Array.isArray(value) ? [...path, String(at)] : path);
  const seen = new Set<string>();
  values.forEach((one, at) => {
    // Texts differ by case only under `cased` and for patterns.
    const folded =
      typeof one === 'string' &&
      !modifiers.includes('cased') &&
      !modifiers.includes('re') &&
      !modifiers.some((name) => name.startsWith('base64'))
        ? one.toLowerCase()
        : one;
    const same = JSON.stringify(folded) ?? 'null';
    if (seen.has(same))
      checked.report('LINT_VALUE_TWICE', place(at), {
        message: `\`${showValue(one)}\` twice`,
        fix:
          typeof one === 'object'
            ? undefined
            : checked.edit.removeElement(checked.document.placeOf(place(at)), showValue(one)),
      });
    seen.add(same);
    if (one === null && values.length > 1) checked.report('LINT_NULL_IN_LIST', place(at));
    if (typeof one === 'string') checkText(item, one, place(at), modifiers);
  });
  checkWildcards(item, field, modifiers, values);
}

function checkModifiers(
  { checked, key, path, siblings }: Item,
  field: string,
  modifiers: readonly string[],
  values: readonly unknown[],
): void {
  const { edit, document, report } = checked;
  const rename = (to: string): Fix | undefined =>
    siblings.includes(to) ? undefined : edit.renameKey(document.placeOf(path), key, to);
  const without = (drop: (modifier: string, at: number) => boolean): string =>
    [field, ...modifiers.filter((modifier, at) => !drop(modifier, at))].join('|');
  const has = (modifier: string): boolean => modifiers.includes(modifier);
  if (has('all') && values.length === 1) {
    report('LINT_ALL_SINGLE', path, {
      fix: field === '' ? undefined : rename(without((name) => name === 'all')),
    });
  } else if (has('all') && has('re')) report('LINT_ALL_RE', path);
  else if (
    has('all') &&
    field !== '' &&
    ![...OPENINGS, 'cidr', 'lt', 'lte', 'gt', 'gte', 'fieldref'].some(has) &&
    !values.some((one) => typeof one === 'string' && /[*?]/.test(one))
  )
    report('LINT_ALL_WHOLE', path);
  if (has('base64offset') && !has('contains')) report('LINT_BASE64OFFSET_WHOLE', path);
  if (has('windash') && has('all')) report('LINT_WINDASH_ALL', path);
  const twice = modifiers.find((modifier, at) => modifiers.indexOf(modifier) < at && modifier !== 'base64');
  if (twice !== undefined)
    report('LINT_MODIFIER_TWICE', path, {
      message: `\`${twice}\` twice`,
      fix: rename(without((name, at) => name === twice && modifiers.indexOf(name) < at)),
    });
}

function checkText(
  { checked }: Item,
  text: string,
  path: readonly string[],
  modifiers: readonly string[],
): void {
  const { report } = checked;
  if (/[^\P{Cc}\u007f-\u009f]/u.test(text)) report('LINT_CONTROL_CHARACTER', path);
  if (modifiers.some((name) => NO_TEXT.includes(name))) return;
  if (/^-?\d+$/.test(text) && modifiers.length === 0) report('LINT_NUMBER_AS_TEXT', path);
  const parsed = parseSigmaText(text);
  if (parsed.some((part) => typeof part === 'string' && /[*?]/.test(part)))
    report('LINT_WILDCARD_ESCAPED', path);
}

function checkWildcards(
  item: Item,
  field: string,
  modifiers: readonly string[],
  values: readonly unknown[],
): void {
  const { checked, key, value, path, siblings } = item;
  const { edit, document, report } = checked;
  const texts = values.filter((one) => typeof one === 'string');
  if (texts.length === 0 || modifiers.some((name) => NO_TEXT.includes(name)) || field === '') return;
  const setText = (at: number, from: string, to: string): Fix | undefined =>
    Array.isArray(value)
      ? edit.setElement(document.placeOf([...path, String(at)]), from, to)
      : edit.setValue(document.placeOf(path), key, to);
  const place = (at: number) => (Array.isArray(value) ? [...path, String(at)] : path);
  if (modifiers.length === 0 && values.length === 1 && texts[0] === '*') {
    const renamed = siblings.includes(`${field}|exists`)
      ? undefined
      : edit.renameKey(document.placeOf(path), key, `${field}|exists`);
    const set = Array.isArray(value) ? undefined : edit.setWord(document.placeOf(path), key, 'true');
    report('LINT_WILDCARD_ONLY', path, { fix: renamed && set ? [...renamed, ...set] : undefined });
    return;
  }
  const has = (modifier: string): boolean => modifiers.includes(modifier);
  values.forEach((one, at) => {
    if (typeof one !== 'string') return;
    const parsed = parseSigmaText(one);
    const trimmed = trim(parsed, {
      before: has('contains') || has('endswith'),
      after: has('contains') || has('startswith'),
    });
    if (trimmed !== undefined)
      report('LINT_WILDCARD_NEEDLESS', place(at), { fix: setText(at, one, write(trimmed)) });
    else if (parsed.some((part, index) => isRun(part) && isRun(parsed[index - 1]))) {
      const single = parsed.filter((part, index) => !(isRun(part) && isRun(parsed[index - 1])));
      report('LINT_WILDCARD_DOUBLE', place(at), { fix: setText(at, one, write(single)) });
    }
  });
  if (modifiers.some((name) => !['all', 'neq', 'cased'].includes(name)) || texts.length < values.length)
    return;
  const wanted = modifierFor(texts.map(parseSigmaText));
  if (!wanted) return;
  const name = [field, wanted, ...modifiers].join('|');
  const renamed = siblings.includes(name) ? undefined : edit.renameKey(document.placeOf(path), key, name);
  const changed = texts.map((one, at) => {
    const trimmed = trim(parseSigmaText(one), {
      before: wanted !== 'startswith',
      after: wanted !== 'endswith',
    });
    return trimmed && setText(at, one, write(trimmed));
  });
  report('LINT_WILDCARD_FOR_MODIFIER', path, {
    message: `\`${wanted}\` says what the wildcards at the ends say`,
    fix:
      renamed && changed.every((one) => one !== undefined)
        ? [...renamed, ...changed.flatMap((one) => one ?? [])]
        : undefined,
  });
}

function isRun(part: SigmaText[number] | undefined): boolean {
  return typeof part === 'object' && 'wild' in part && part.wild === '*';
}

/** Without the runs at the ends; undefined when there are none, or nothing else. */
function trim(text: SigmaText, ends: { before: boolean; after: boolean }): SigmaText | undefined {
  let parts = [...text];
  while (ends.before && isRun(parts[0])) parts = parts.slice(1);
  while (ends.after && isRun(parts.at(-1))) parts = parts.slice(0, -1);
  return parts.length === text.length || parts.length === 0 ? undefined : parts;
}

/** The modifier whose wildcards all the texts have at their ends, and no others. */
function modifierFor(texts: readonly SigmaText[]): (typeof OPENINGS)[number] | undefined {
  return OPENINGS.find((opening) =>
    texts.every((text) => {
      const inner = trim(text, { before: true, after: true });
      return (
        inner?.length === 1 &&
        typeof inner[0] === 'string' &&
        isRun(text[0]) === (opening !== 'startswith') &&
        isRun(text.at(-1)) === (opening !== 'endswith')
      );
    }),
  );
}

/** As a rule writes it: a backslash is doubled only where it would escape. */
function write(text: SigmaText): string {
  return text
    .map((part, at) => {
      if (typeof part !== 'string') return toPlain([part]);
      const next = text[at + 1];
      const escaped = part.replaceAll(/\\+(?=[*?])|[*?]|\\\\+/g, (found) =>
        found === '*' || found === '?' ? `\\${found}` : found.replaceAll('\\', '\\\\'),
      );
      return next === undefined ? escaped : escaped.replace(/(?<!\\)\\$/, '\\\\');
    })
    .join('');
}
