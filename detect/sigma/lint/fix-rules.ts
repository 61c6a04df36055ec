// Mends what the linter can mend without changing what a rule means: each edit is kept only when the meaning stays.
import { readFileSync, writeFileSync } from 'node:fs';
import { canonicalJson } from '../../../platform/core/canonical-json.ts';
import type { Expression, StringMode } from '../../../platform/core/expression/expression.ts';
import { listRuleFiles } from '../load-rules.ts';
import { mapRule } from '../map-rule.ts';
import { parseRuleFile } from '../parse-file.ts';
import type { SigmaFilter, SigmaRule } from '../rule.ts';
import type { Fix, LintFinding } from './finding.ts';
import { lintRuleText } from './lint-rules.ts';

/** One fix can show another: a doubled wildcard is needless only once it is one. */
const MOST_ROUNDS = 10;

export interface FixedText {
  readonly text: string;
  /** What was mended, in the order it was. */
  readonly fixed: readonly LintFinding[];
}

/** The mended text of a file; mending it again changes nothing. */
export function fixRuleText(options: {
  text: string;
  file: string;
  disable?: readonly string[];
  makeId?: () => string;
}): FixedText {
  const { file, disable = [] } = options;
  const makeId = options.makeId === undefined ? {} : { makeId: options.makeId };
  let { text } = options;
  const fixed: LintFinding[] = [];
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const { findings } = lintRuleText({ text, file, ...makeId });
    const fixable = findings.filter(({ code, fix }) => fix && fix.length > 0 && !disable.includes(code));
    const mended = applyFixes({ text, file, findings: fixable });
    if (mended.fixed.length === 0) break;
    ({ text } = mended);
    fixed.push(...mended.fixed);
  }
  return { text, fixed };
}

/** Mends the files of folders in place. @throws PicketError RULES_UNREADABLE */
export function fixRules(options: { folders: readonly string[]; disable?: readonly string[] }): {
  files: number;
  fixed: LintFinding[];
} {
  const fixed: LintFinding[] = [];
  let files = 0;
  for (const file of new Set(options.folders.flatMap(listRuleFiles))) {
    const text = readFileSync(file, 'utf8');
    const mended = fixRuleText({ text, file, ...(options.disable ? { disable: options.disable } : {}) });
    if (mended.text === text) continue;
    writeFileSync(file, mended.text);
    files++;
    fixed.push(...mended.fixed);
  }
  return { files, fixed };
}

/** Fixes that touch one another wait for the next round. */
function applyFixes(options: { text: string; file: string; findings: readonly LintFinding[] }): FixedText {
  const { file, findings } = options;
  const taken: { start: number; end: number }[] = [];
  const chosen = findings.filter(({ fix = [] }) => {
    const free = fix.every(({ start, end }) => taken.every((one) => end < one.start || start > one.end));
    if (free) taken.push(...fix);
    return free;
  });
  const apply = (some: readonly LintFinding[]): string =>
    edit(
      options.text,
      some.flatMap(({ fix = [] }) => fix),
    );
  const meaning = describeMeaning(options.text, file);
  if (keeps(meaning, describeMeaning(apply(chosen), file))) return { text: apply(chosen), fixed: chosen };
  const kept: LintFinding[] = [];
  for (const finding of chosen) {
    if (keeps(meaning, describeMeaning(apply([...kept, finding]), file))) kept.push(finding);
  }
  return { text: apply(kept), fixed: kept };
}

function edit(text: string, edits: Fix): string {
  return [...edits]
    .sort((one, other) => other.start - one.start)
    .reduce((done, { start, end, text: put }) => done.slice(0, start) + put + done.slice(end), text);
}

/** What was loaded must be loaded still and mean the same; what was refused may be loaded now. */
function keeps(before: readonly (string | undefined)[], after: readonly (string | undefined)[]): boolean {
  return before.length === after.length && before.every((one, at) => one === undefined || one === after[at]);
}

/** For each document, what it means in one text; undefined for one that is refused. */
export function describeMeaning(text: string, file: string): (string | undefined)[] {
  const { documents, rules, correlations, filters } = parseRuleFile({ text, file });
  const byPlace = new Map<string, string>();
  const at = ({ line, column }: { line?: number; column?: number }): string => `${line}:${column}`;
  for (const rule of rules) byPlace.set(at(rule.place), describeRule(rule));
  for (const filter of filters) byPlace.set(at(filter.place), describeFilter(filter));
  for (const { place, version: _, id: __, ...rest } of correlations)
    byPlace.set(at(place), canonicalJson(withoutHeader(rest)));
  return documents.map((document) => byPlace.get(at(document.placeOf([]))));
}

function describeRule(rule: SigmaRule): string {
  return canonicalJson({ logsource: rule.logsource, means: describeDetection(rule) });
}

function describeFilter(filter: SigmaFilter): string {
  const { condition, selections, logsource, rules, ...header } = filter;
  const means = describeDetection({
    ...header,
    kind: 'rule',
    level: 'medium',
    picket: { scope: 'site', entity_fields: [] },
    logsource,
    selections,
    conditions: [condition],
  });
  const references = rules === 'any' ? rules : rules.map(({ reference }) => reference);
  return canonicalJson({ logsource, references, means });
}

function describeDetection(rule: SigmaRule): unknown {
  try {
    return simplify(mapRule(rule, []).expression);
  } catch {
    // A placeholder that a pipeline fills: the values themselves are compared.
    const plain = JSON.stringify([[...rule.selections], rule.conditions], (key, value: unknown) =>
      key === 'place' || key === 'modifiers' ? undefined : value,
    );
    return JSON.parse(plain) as unknown;
  }
}

/** What a correlation rule means by, its header but for the level left out. */
const CORRELATION_KEYS = [
  'type',
  'rules',
  'groupBy',
  'aliases',
  'timespan_ms',
  'condition',
  'field',
  'percentile',
  'extended',
  'generate',
  'level',
] as const;

function withoutHeader(rule: Record<string, unknown>): Record<string, unknown> {
  const kept = Object.fromEntries(CORRELATION_KEYS.map((key) => [key, rule[key]]));
  return JSON.parse(JSON.stringify(kept)) as Record<string, unknown>;
}

/** Any comparison of texts as one pattern, each run of `*` once. */
function writePattern(mode: StringMode, value: string): string {
  const inner = mode === 'wildcard' ? value : value.replaceAll(/[\\*?]/g, '\\$&');
  const before = mode === 'contains' || mode === 'endswith' ? '*' : '';
  const after = mode === 'contains' || mode === 'startswith' ? '*' : '';
  return `${before}${inner}${after}`.replaceAll(/(\\.)|\*+/gs, (_, escaped?: string) => escaped ?? '*');
}

/** Flattened, parts once and in order, texts in lower case where case does not count: equal texts mean the same. */
function simplify(expression: Expression): Expression {
  if (expression.op === 'not') return { op: 'not', of: simplify(expression.of) };
  if (expression.op === 'leaf') {
    const { test } = expression;
    if (test.kind !== 'string') return expression;
    const pattern = writePattern(test.mode, test.cased ? test.value : test.value.toLowerCase());
    return { ...expression, test: { ...test, mode: 'wildcard', value: pattern } };
  }
  if (expression.op === 'constant') return expression;
  const parts = new Map<string, Expression>();
  for (const part of expression.of.map(simplify)) {
    const inner = part.op === expression.op ? part.of : [part];
    for (const one of inner) parts.set(canonicalJson(one), one);
  }
  const of = [...parts].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, part]) => part);
  return of.length === 1 ? (of[0] as Expression) : { op: expression.op, of };
}
