// Checks the keys of a document: ids, titles, dates, levels, relations, names like known ones.

import { LEVELS } from '../../../platform/core/names.ts';
import { STATUSES } from '../rule.ts';
import type { LintCode } from './catalogue.ts';
import { type Checked, showValue } from './finding.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const RELATIONS = ['derived', 'obsolete', 'merged', 'renamed', 'similar'];
const SHARED_KEYS =
  'title id name taxonomy status description license author references date modified related tags scope fields falsepositives level sigma-version picket action';
/** Keys of each kind of document, ours among them, and those of SigmaHQ's own rules. */
const KEYS = {
  rule: new Set(`${SHARED_KEYS} logsource detection regression_tests_path simulation`.split(' ')),
  correlation: new Set(`${SHARED_KEYS} correlation generate`.split(' ')),
  filter: new Set(`${SHARED_KEYS} logsource filter`.split(' ')),
};
/** Keys that only describe: a name like one of them is mended. */
const DESCRIPTIVE = new Set(
  'description license author references date modified related falsepositives fields tags'.split(' '),
);
const LENGTHS: readonly [key: string, most: number, code: LintCode][] = [
  ['title', 256, 'LINT_TITLE_LONG'],
  ['name', 256, 'LINT_NAME_LONG'],
  ['taxonomy', 256, 'LINT_TAXONOMY_LONG'],
  ['description', 65_535, 'LINT_DESCRIPTION_LONG'],
];

export function checkHeader(checked: Checked, makeId: () => string): void {
  const { document, kind, edit, report } = checked;
  const { content, placeOf } = document;
  checkKeys(checked);
  const { id } = content;
  if (id === undefined || id === null) {
    report('LINT_ID_MISSING', ['id'], {
      fix: edit.insertAfter(placeOf(['title']), 'title', `id: ${makeId()}`),
    });
  } else if (typeof id !== 'string' || !UUID.test(id)) report('LINT_ID', ['id']);
  for (const [key, most, code] of LENGTHS) {
    const value = content[key];
    if (typeof value === 'string' && value.length > most) report(code, [key]);
  }
  const { taxonomy, date, modified } = content;
  if (typeof taxonomy === 'string' && taxonomy.toLowerCase() !== 'sigma')
    report('LINT_TAXONOMY', ['taxonomy']);
  const version = content['sigma-version'];
  if (version !== undefined && showValue(version).split('.')[0] !== '2')
    report('LINT_SIGMA_VERSION', ['sigma-version']);
  const missing = (key: string, code: LintCode): void => {
    if (content[key] === undefined || content[key] === null || content[key] === '') report(code, [key]);
  };
  missing('description', 'LINT_DESCRIPTION_MISSING');
  missing('author', 'LINT_AUTHOR_MISSING');
  missing('date', 'LINT_DATE_MISSING');
  if (kind === 'filter') {
    for (const [key, code] of [
      ['level', 'LINT_FILTER_LEVEL'],
      ['status', 'LINT_FILTER_STATUS'],
    ] as const)
      if (content[key] !== undefined) report(code, [key], { fix: edit.removeKey(placeOf([key]), key) });
  } else {
    missing('level', 'LINT_LEVEL_MISSING');
    missing('status', 'LINT_STATUS_MISSING');
    for (const [key, known, code] of [
      ['level', LEVELS, 'LINT_LEVEL_CASE'],
      ['status', STATUSES, 'LINT_STATUS_CASE'],
    ] as const) {
      const value = content[key];
      if (typeof value !== 'string' || value === value.toLowerCase()) continue;
      const lower = value.toLowerCase();
      if (known.some((one) => one === lower))
        report(code, [key], { fix: edit.setValue(placeOf([key]), key, lower) });
    }
  }
  for (const key of ['date', 'modified'] as const) checkDate(checked, key);
  if (isDay(date) && isDay(modified) && modified < date) report('LINT_DATE_ORDER', ['modified']);
  checkRelated(checked);
}

function checkKeys({ document, kind, edit, report }: Checked): void {
  const { content, placeOf } = document;
  for (const key of Object.keys(content)) {
    if (KEYS[kind].has(key)) continue;
    const lower = key.toLowerCase();
    if (key !== lower && !Object.hasOwn(content, lower)) {
      report('LINT_KEY_CASE', [key], { fix: edit.renameKey(placeOf([key]), key, lower) });
      continue;
    }
    const close = [...KEYS[kind]].find((known) => isClose(key, known) && content[known] === undefined);
    if (close === undefined) continue;
    report('LINT_KEY_UNKNOWN', [key], {
      message: `\`${key}\` is no key of Sigma's: \`${close}\`?`,
      fix: DESCRIPTIVE.has(close) ? edit.renameKey(placeOf([key]), key, close) : undefined,
    });
  }
}

function checkDate({ document, edit, report }: Checked, key: 'date' | 'modified'): void {
  const value = document.content[key];
  if (value === undefined || value === null || isDay(value)) return;
  const match = typeof value === 'string' ? /^(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})$/.exec(value.trim()) : null;
  const day = match ? `${match[1]}-${match[2]?.padStart(2, '0')}-${match[3]?.padStart(2, '0')}` : undefined;
  report('LINT_DATE', [key], {
    message: `\`${key}\` is no day like 2026-11-23`,
    fix: isDay(day) ? edit.setWord(document.placeOf([key]), key, day) : undefined,
  });
}

function isDay(value: unknown): value is string {
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(value)) return false;
  const time = Date.parse(value);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(value);
}

function checkRelated({ document, report }: Checked): void {
  const { related, status } = document.content;
  const entries = Array.isArray(related) ? (related as ({ id?: unknown; type?: unknown } | null)[]) : [];
  if (status === 'deprecated' && entries.length === 0) report('LINT_DEPRECATED', ['status']);
  entries.forEach((entry, at) => {
    if (typeof entry?.id === 'string' && !UUID.test(entry.id))
      report('LINT_RELATED_ID', ['related', String(at), 'id']);
    if (typeof entry?.type === 'string' && !RELATIONS.includes(entry.type))
      report('LINT_RELATED_TYPE', ['related', String(at), 'type']);
  });
}

/** At most two letters apart, as Levenshtein counts, and long enough for that to say something. */
function isClose(one: string, other: string): boolean {
  if (Math.abs(one.length - other.length) > 2 || other.length < 4) return false;
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let at = 1; at <= one.length; at++) {
    const next = [at];
    for (let to = 1; to <= other.length; to++) {
      const same = one[at - 1] === other[to - 1] ? 0 : 1;
      next.push(
        Math.min((row[to] as number) + 1, (next[to - 1] as number) + 1, (row[to - 1] as number) + same),
      );
    }
    row = next;
  }
  return (row[other.length] as number) <= 2;
}
