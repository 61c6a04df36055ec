// Checks rule files for what still loads but should not be published, and for all that keeps a rule from loading.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describeError } from '../../../platform/core/errors.ts';
import { listRuleFiles } from '../load-rules.ts';
import { kindOf, parseRuleFile } from '../parse-file.ts';
import { LINT_CHECKS, type LintCode } from './catalogue.ts';
import { type CollectedDocument, checkCollection, findSameNames } from './check-collection.ts';
import { checkDetection, checkLogsource } from './check-detection.ts';
import { checkHeader } from './check-header.ts';
import { checkLists } from './check-lists.ts';
import { YamlEditor } from './edit-yaml.ts';
import type { Checked, LintFinding, Report } from './finding.ts';

/** Findings of one file, with its documents for the checks over all files. */
export interface LintedFile {
  readonly file: string;
  readonly findings: LintFinding[];
  readonly documents: readonly CollectedDocument[];
}

/** Every finding of every rule file, in the order of files and lines, without the codes left out. Never throws. */
export function lintRules(options: {
  folders: readonly string[];
  disable?: readonly string[];
}): LintFinding[] {
  const unreadable: LintFinding[] = [];
  const files: string[] = [];
  for (const folder of options.folders) {
    try {
      files.push(...listRuleFiles(folder));
    } catch (error) {
      unreadable.push({
        severity: 'error',
        code: 'RULES_UNREADABLE',
        message: describeError(error),
        place: { file: folder },
      });
    }
  }
  const linted = [...new Set(files)].map((file): LintedFile => {
    try {
      return lintRuleText({ text: readFileSync(file, 'utf8'), file });
    } catch (error) {
      const message = describeError(error);
      return {
        file,
        documents: [],
        findings: [{ severity: 'error', code: 'RULES_UNREADABLE', message, place: { file } }],
      };
    }
  });
  lintTogether(linted);
  const found = [...unreadable, ...linted.flatMap(({ findings }) => findings.sort(byPlace))];
  return found.filter(({ code }) => !options.disable?.includes(code));
}

/** One file alone. */
export function lintRuleText(options: {
  text: string;
  file: string;
  /** Makes the id that a fix gives; a random UUID unless said. */
  makeId?: () => string;
}): LintedFile {
  const { text, file, makeId = randomUUID } = options;
  const parsed = parseRuleFile({ text, file });
  const findings: LintFinding[] = parsed.refused.map((problem) => ({ severity: 'error', ...problem }));
  const edit = new YamlEditor(text);
  checkFile(text, file, findings);
  const documents = parsed.documents.map((document): CollectedDocument => {
    const kind = kindOf(document.content);
    const { id, title } = document.content;
    const about = {
      ...(typeof id === 'string' ? { id } : {}),
      ...(typeof title === 'string' ? { title } : {}),
    };
    const report: Report = (code, path, details = {}) => {
      findings.push({
        severity: LINT_CHECKS[code].severity,
        code,
        message: details.message ?? LINT_CHECKS[code].says,
        place: details.place ?? document.placeOf(path),
        rule: about,
        ...(details.fix ? { fix: details.fix } : {}),
      });
    };
    checkDocument({ document, kind, edit, report }, makeId);
    return { document, kind };
  });
  return { file, findings: findings.sort(byPlace), documents };
}

function checkDocument(checked: Checked, makeId: () => string): void {
  const { document, kind, report } = checked;
  checkHeader(checked, makeId);
  checkLists(checked);
  if (kind !== 'correlation') {
    checkLogsource(checked);
    checkDetection(checked);
    return;
  }
  const block = document.content['correlation'];
  if (block === null || typeof block !== 'object' || Array.isArray(block)) return;
  const { generate, rules } = block as Record<string, unknown>;
  if ((block as Record<string, unknown>)['group-by'] === undefined)
    report('LINT_CORRELATION_UNGROUPED', ['correlation']);
  if ((generate ?? document.content['generate'] ?? false) === false && rules !== undefined)
    report('LINT_CORRELATION_ONLY', ['correlation', 'rules']);
}

function checkFile(text: string, file: string, findings: LintFinding[]): void {
  const name = basename(file);
  const report = (code: LintCode, details: Partial<LintFinding> = {}): void => {
    const { severity, says } = LINT_CHECKS[code];
    findings.push({ severity, code, message: says, place: { file }, ...details });
  };
  if (!/^[a-z0-9]+(?:[_-][a-z0-9]+)*\.ya?ml$/.test(name)) report('LINT_FILE_NAME');
  if (name.length < 10 || name.length > 90) report('LINT_FILE_NAME_LENGTH');
  if (text.startsWith('\ufeff')) report('LINT_BYTE_ORDER_MARK', { fix: [{ start: 0, end: 1, text: '' }] });
  const breaks = [...text.matchAll(/\r\n/g)].map(({ index }) => ({ start: index, end: index + 1, text: '' }));
  if (breaks.length > 0) report('LINT_LINE_BREAKS', { fix: breaks });
}

/** Checks over all files at once, added to the findings of each. */
function lintTogether(linted: readonly LintedFile[]): void {
  for (const { file, other } of findSameNames(linted.map((one) => one.file))) {
    const { severity } = LINT_CHECKS.LINT_FILE_NAME_TWICE;
    linted
      .find((one) => one.file === file)
      ?.findings.push({
        severity,
        code: 'LINT_FILE_NAME_TWICE',
        message: `the same name as ${other}`,
        place: { file },
      });
  }
  const collected = linted.flatMap((one) =>
    one.documents.map((document) => ({ ...document, findings: one.findings })),
  );
  checkCollection(collected, (at, code, path, message) => {
    const one = collected[at];
    if (!one) return;
    const { id, title } = one.document.content;
    one.findings.push({
      severity: LINT_CHECKS[code].severity,
      code,
      message,
      place: one.document.placeOf(path),
      rule: { ...(typeof id === 'string' ? { id } : {}), ...(typeof title === 'string' ? { title } : {}) },
    });
  });
}

function byPlace(one: LintFinding, other: LintFinding): number {
  return (
    (one.place.line ?? 0) - (other.place.line ?? 0) || (one.place.column ?? 0) - (other.place.column ?? 0)
  );
}
