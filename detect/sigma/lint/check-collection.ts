// Checks over all documents of all files: what must be there once, and references that must lead somewhere.
import { basename } from 'node:path';
import { describePlace, type Place } from '../../../platform/core/errors.ts';
import type { RuleDocument } from '../parse-header.ts';
import type { LintCode } from './catalogue.ts';

export interface CollectedDocument {
  readonly document: RuleDocument;
  readonly kind: 'rule' | 'correlation' | 'filter';
}

/** Reports a finding about the document at an index of the list. */
export type ReportAt = (at: number, code: LintCode, path: readonly string[], message: string) => void;

export function checkCollection(collected: readonly CollectedDocument[], report: ReportAt): void {
  for (const [key, code] of [
    ['id', 'LINT_ID_TAKEN'],
    ['title', 'LINT_TITLE_TWICE'],
    ['name', 'LINT_NAME_TWICE'],
  ] as const) {
    const seen = new Map<string, RuleDocument>();
    collected.forEach(({ document }, at) => {
      const value = document.content[key];
      if (typeof value !== 'string' || value === '') return;
      const taken = seen.get(value.toLowerCase());
      if (taken) report(at, code, [key], `\`${key}\` is already that of ${standsAt(taken.placeOf([key]))}`);
      else seen.set(value.toLowerCase(), document);
    });
  }
  checkReferences(collected, report);
}

/** Files of the same name in several folders. */
export function findSameNames(files: readonly string[]): { file: string; other: string }[] {
  const seen = new Map<string, string>();
  return files.flatMap((file) => {
    const other = seen.get(basename(file));
    if (other !== undefined) return [{ file, other }];
    seen.set(basename(file), file);
    return [];
  });
}

function standsAt({ file, line }: Place): string {
  return describePlace({ ...(file === undefined ? {} : { file }), ...(line === undefined ? {} : { line }) });
}

function checkReferences(collected: readonly CollectedDocument[], report: ReportAt): void {
  const known = new Set<string>();
  const titles = new Set<string>();
  for (const { document, kind } of collected) {
    if (kind === 'filter') continue;
    const { id, name, title } = document.content;
    for (const one of [id, name]) if (typeof one === 'string') known.add(one.toLowerCase());
    if (typeof title === 'string') titles.add(title.toLowerCase());
  }
  collected.forEach(({ document, kind }, at) => {
    if (kind === 'rule') return;
    const block = document.content[kind] as { rules?: unknown } | null;
    const rules = block?.rules;
    const elements = Array.isArray(rules) ? (rules as unknown[]) : [rules];
    elements.forEach((reference, index) => {
      if (typeof reference !== 'string' || (kind === 'filter' && reference.toLowerCase() === 'any')) return;
      if (known.has(reference.toLowerCase())) return;
      const path = [kind, 'rules', ...(Array.isArray(rules) ? [String(index)] : [])];
      if (titles.has(reference.toLowerCase()))
        report(at, 'LINT_REFERENCE_TITLE', path, `\`${reference}\` is a title: ids and names are references`);
      else report(at, 'LINT_REFERENCE_UNKNOWN', path, `no rule has the id or name \`${reference}\``);
    });
  });
}
