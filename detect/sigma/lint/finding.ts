// What a check reports, and the change of text that would mend it.
import type { Place } from '../../../platform/core/errors.ts';
import type { RuleDocument } from '../parse-header.ts';
import type { Problem } from '../problem.ts';
import type { LintCode } from './catalogue.ts';
import type { YamlEditor } from './edit-yaml.ts';
import type { Severity } from './lint-check.ts';

/** Replaces the characters from `start` to `end` of a file's text. */
export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Edits that only make sense together. */
export type Fix = readonly TextEdit[];

export interface LintFinding extends Problem {
  /** `error`: the rule is not loaded. */
  readonly severity: Severity;
  readonly fix?: Fix;
}

/** One finding of a check, at a key path of the document. */
export type Report = (
  code: LintCode,
  path: readonly string[],
  details?: { readonly message?: string; readonly fix?: Fix | undefined; readonly place?: Place },
) => void;

/** What each check of a document is given. */
export interface Checked {
  readonly document: RuleDocument;
  readonly kind: 'rule' | 'correlation' | 'filter';
  readonly edit: YamlEditor;
  readonly report: Report;
}

/** A value of a document as its text shows it. */
export function showValue(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
