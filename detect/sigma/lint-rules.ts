// Checks rule files for what still loads but should not be published, as sigma-cli's validators do.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describeError } from '../../platform/core/errors.ts';
import { listRuleFiles } from './load-rules.ts';
import { parseDetection } from './parse-detection.ts';
import { parseRuleFile } from './parse-file.ts';
import type { RuleDocument } from './parse-header.ts';
import type { Problem } from './problem.ts';

export interface LintProblem extends Problem {
  /** `error`: the rule is not loaded. */
  readonly severity: 'error' | 'warning';
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const MAX_TITLE = 256;
const RELATED = ['derived', 'obsolete', 'merged', 'obsoletes', 'renamed', 'similar', 'correlation'];
const TOP_KEYS = new Set(
  'id title name status level description author date modified license references tags falsepositives fields related picket logsource detection correlation taxonomy scope generate regression_tests_path simulation action custom'.split(
    ' ',
  ),
);
/** Sigma tags appendix, and ours. */
const TAGS: readonly RegExp[] = [
  /^attack\.(?:t\d{4}(?:\.\d{3})?|g\d{4}|s\d{4}|ds\d{4}|[a-z]+(?:-[a-z]+)*)$/,
  /^car\.\d{4}-\d{2}-\d{3}$/,
  /^cve\.\d{4}[-.]\d{4,}$/,
  /^d3fend\.[a-z0-9_-]+$/i,
  /^detection\.(?:dfir|emerging-threats|threat-hunting)$/,
  /^stp\.\d[auk]?$/,
  /^tlp\.(?:red|amber|amber-strict|green|clear|white)$/,
  /^picket\.[a-z0-9-]+$/,
];

/** Every fault of every rule file, in the order of files and lines. Never throws. */
export function lintRules(options: { folders: readonly string[] }): LintProblem[] {
  const problems: LintProblem[] = [];
  const ids = new Map<string, string>();
  for (const folder of options.folders) {
    let files: string[] = [];
    try {
      files = listRuleFiles(folder);
    } catch (error) {
      problems.push({
        severity: 'error',
        code: 'RULES_UNREADABLE',
        message: describeError(error),
        place: { file: folder },
      });
    }
    for (const file of files) problems.push(...lintRuleText({ text: readFileSync(file, 'utf8'), file, ids }));
  }
  return problems;
}

/** Lints one file; `ids` gathers ids over files, to find the same one twice. */
export function lintRuleText(options: {
  text: string;
  file: string;
  ids: Map<string, string>;
}): LintProblem[] {
  const { text, file, ids } = options;
  const parsed = parseRuleFile({ text, file });
  const problems: LintProblem[] = parsed.refused.map((problem) => ({ severity: 'error', ...problem }));
  if (!/^[a-z0-9][a-z0-9_-]{1,90}\.ya?ml$/.test(basename(file))) {
    problems.push(warning('LINT_FILENAME', 'a file name is lower-case words joined by `_` or `-`', { file }));
  }
  for (const document of parsed.documents) problems.push(...lintDocument(document, ids));
  return problems.sort((a, b) => (a.place.line ?? 0) - (b.place.line ?? 0));
}

function warning(code: string, message: string, place: Problem['place']): LintProblem {
  return { severity: 'warning', code, message, place };
}

function lintDocument({ content, placeOf }: RuleDocument, ids: Map<string, string>): LintProblem[] {
  const problems: LintProblem[] = [];
  const warn = (code: string, message: string, ...path: string[]): void => {
    problems.push(warning(code, message, placeOf(path)));
  };
  const { id, title } = content;
  if (typeof id !== 'string') warn('LINT_ID_MISSING', '`id` is missing', 'id');
  else {
    if (!UUID.test(id)) warn('LINT_ID', '`id` is no UUID', 'id');
    const place = placeOf(['id']);
    const taken = ids.get(id);
    if (taken !== undefined) warn('LINT_ID_TAKEN', `\`id\` is already used in ${taken}`, 'id');
    else ids.set(id, `${place.file ?? ''}:${place.line ?? 1}`);
  }
  if (typeof title === 'string' && title.length > MAX_TITLE)
    warn('LINT_TITLE', `\`title\` is over ${MAX_TITLE} characters`, 'title');
  for (const key of Object.keys(content)) {
    if (!TOP_KEYS.has(key)) warn('LINT_KEY_UNKNOWN', `unknown key \`${key}\``, key);
  }
  for (const key of ['level', 'status', 'description', 'author', 'date'] as const) {
    if (content[key] === undefined || content[key] === null)
      warn('LINT_KEY_MISSING', `\`${key}\` is missing`, key);
  }
  for (const key of ['date', 'modified'] as const) {
    const value = content[key];
    if (value === undefined || value === null) continue;
    const text = value instanceof Date ? value.toISOString().slice(0, 10) : (value as string);
    if (typeof text !== 'string' || !DATE.test(text) || Number.isNaN(Date.parse(text)))
      warn('LINT_DATE', `\`${key}\` is not like 2026-11-23`, key);
  }
  const { date, modified } = content;
  if (typeof date === 'string' && typeof modified === 'string' && modified < date) {
    warn('LINT_DATE', '`modified` is before `date`', 'modified');
  }
  lintLists(content, warn);
  lintDetection({ content, placeOf }, problems);
  return problems;
}

function lintLists(
  content: Record<string, unknown>,
  warn: (code: string, message: string, ...path: string[]) => void,
): void {
  for (const key of ['tags', 'references', 'falsepositives', 'fields'] as const) {
    const value = content[key];
    if (value === undefined || value === null) continue;
    if (!Array.isArray(value)) {
      warn('LINT_LIST', `\`${key}\` must be a list`, key);
      continue;
    }
    const seen = new Set<unknown>();
    (value as unknown[]).forEach((element, at) => {
      if (seen.has(element))
        warn('LINT_DUPLICATE', `\`${String(element)}\` twice in \`${key}\``, key, String(at));
      seen.add(element);
      if (key === 'tags' && !TAGS.some((pattern) => pattern.test(String(element)))) {
        warn('LINT_TAG', `\`${String(element)}\` is no tag of Sigma's`, key, String(at));
      }
      if (key === 'falsepositives' && String(element).trim().length < 4) {
        warn('LINT_FALSE_POSITIVE', 'a false positive note needs words', key, String(at));
      }
    });
  }
  const { related } = content;
  if (Array.isArray(related)) {
    (related as { id?: unknown; type?: unknown }[]).forEach((entry, at) => {
      if (!UUID.test(String(entry?.id)))
        warn('LINT_RELATED', '`related` has an id that is no UUID', 'related', String(at));
      if (!RELATED.includes(String(entry?.type)))
        warn('LINT_RELATED', `\`${String(entry?.type)}\` is no kind of relation`, 'related', String(at));
    });
  }
}

function lintDetection({ content, placeOf }: RuleDocument, problems: LintProblem[]): void {
  if (content['correlation'] !== undefined) return;
  try {
    const { unused } = parseDetection({ detection: content['detection'], path: ['detection'], placeOf });
    for (const name of unused) {
      problems.push(
        warning(
          'LINT_SELECTION_UNUSED',
          `selection \`${name}\` is in no condition`,
          placeOf(['detection', name]),
        ),
      );
    }
  } catch {
    // Already an error of the parser, with its place.
  }
  const visit = (node: unknown, path: string[]): void => {
    if (Array.isArray(node)) {
      (node as unknown[]).forEach((child, at) => visit(child, [...path, String(at)]));
      return;
    }
    if (node === null || typeof node !== 'object' || node instanceof Date) return;
    for (const [key, value] of Object.entries(node)) {
      const [, ...modifiers] = key.split('|');
      const place = placeOf([...path, key]);
      if (modifiers.includes('all') && !(Array.isArray(value) && value.length > 1)) {
        problems.push(warning('LINT_ALL_SINGLE', '`all` with a single value does nothing', place));
      }
      if (new Set(modifiers).size < modifiers.length)
        problems.push(warning('LINT_MODIFIER_TWICE', 'the same modifier twice', place));
      const values = Array.isArray(value) ? (value as unknown[]) : [value];
      if (modifiers.length > 0 && new Set(values.map(String)).size < values.length) {
        problems.push(warning('LINT_VALUE_TWICE', 'the same value twice', place));
      }
      if (
        modifiers.includes('contains') &&
        values.some((text) => typeof text === 'string' && /^\*|[^\\]\*$/.test(text))
      ) {
        problems.push(warning('LINT_WILDCARD', '`contains` with a wildcard at an end', place));
      }
      visit(value, [...path, key]);
    }
  };
  visit(content['detection'], ['detection']);
}
