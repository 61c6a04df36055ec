// A rule file: one or many documents, `action: global|reset|repeat`, each rule parsed on its own so that one fault stops one rule.
import { parseYamlDocuments, type YamlDocument } from '../../platform/core/yaml.ts';
import { parseCorrelation } from './parse-correlation.ts';
import { parseFilter } from './parse-filter.ts';
import type { RuleDocument } from './parse-header.ts';
import { parseRule } from './parse-rule.ts';
import { type Problem, toProblem } from './problem.ts';
import type { CorrelationRule, SigmaFilter, SigmaRule } from './rule.ts';

export interface ParsedFile {
  readonly rules: SigmaRule[];
  readonly correlations: CorrelationRule[];
  readonly filters: SigmaFilter[];
  /** Documents of the file after actions, also of those refused (lint reads them). */
  readonly documents: RuleDocument[];
  readonly refused: Problem[];
}

/** Never throws: each fault is a problem with file, line and column. */
export function parseRuleFile({ text, file }: { text: string; file: string }): ParsedFile {
  const parsed: ParsedFile = { rules: [], correlations: [], filters: [], documents: [], refused: [] };
  let yaml: YamlDocument[];
  try {
    yaml = parseYamlDocuments({ text, file });
  } catch (error) {
    parsed.refused.push(toProblem(error, { file }));
    return parsed;
  }
  for (const document of applyActions(yaml, parsed.refused)) {
    parsed.documents.push(document);
    try {
      const kind = kindOf(document.content);
      if (kind === 'correlation') parsed.correlations.push(parseCorrelation(document));
      else if (kind === 'filter') parsed.filters.push(parseFilter(document));
      else parsed.rules.push(parseRule(document));
    } catch (error) {
      const { id, title } = document.content;
      parsed.refused.push(
        toProblem(error, document.placeOf([]), {
          ...(typeof id === 'string' ? { id } : {}),
          ...(typeof title === 'string' ? { title } : {}),
        }),
      );
    }
  }
  return parsed;
}

/** What a document is: its own block says it. */
export function kindOf(content: Readonly<Record<string, unknown>>): 'rule' | 'correlation' | 'filter' {
  return content['correlation'] !== undefined
    ? 'correlation'
    : content['filter'] !== undefined
      ? 'filter'
      : 'rule';
}

/**
 * Sigma rule collections. `global` documents add up (a later one wins) and are merged into every rule that
 * follows, over what the rule says itself, as sigmac and pySigma do; `reset` forgets them. `repeat` is the
 * rule before, or the global document when there is none yet, with this document merged over it. Mappings
 * merge key by key, lists and values replace. Correlations and filters stand for themselves. What is merged
 * keeps the place it was written at.
 */
function applyActions(yaml: readonly YamlDocument[], refused: Problem[]): RuleDocument[] {
  const documents: RuleDocument[] = [];
  let global: RuleDocument | undefined;
  let previous: RuleDocument | undefined;
  for (const parsed of yaml) {
    const { value } = parsed;
    const placeOf: RuleDocument['placeOf'] = (path) => parsed.placeOf(path);
    const refuse = (code: string, message: string, path: string[]): void => {
      refused.push({ code, message, place: placeOf(path) });
    };
    if (value === null || value === undefined) continue;
    if (typeof value !== 'object' || Array.isArray(value)) {
      refuse('SIGMA_DOCUMENT', 'a rule must be a mapping', []);
      continue;
    }
    const { action, ...content } = value as Record<string, unknown>;
    const document: RuleDocument = { content, placeOf };
    switch (action) {
      case undefined:
        if (kindOf(content) !== 'rule') documents.push(document);
        else {
          previous = global ? mergeDocuments(document, global) : document;
          documents.push(previous);
        }
        break;
      case 'global':
        global = global ? mergeDocuments(global, document) : document;
        break;
      case 'reset':
        global = undefined;
        break;
      case 'repeat': {
        const base = previous ?? global;
        if (base) {
          previous = mergeDocuments(base, document);
          documents.push(previous);
        } else refuse('SIGMA_ACTION', '`repeat` has no rule before it', ['action']);
        break;
      }
      default:
        refuse('SIGMA_ACTION', '`action` is none of global, reset, repeat', ['action']);
    }
  }
  return documents;
}

/** `over` wins; a value stands where the document that gave it was written. */
function mergeDocuments(base: RuleDocument, over: RuleDocument): RuleDocument {
  return {
    content: mergeValues(base.content, over.content) as Record<string, unknown>,
    placeOf: (path) => {
      const own = over.placeOf(path);
      // The nearest parent of a path that only the base has is not where it stands.
      return hasPath(over.content, path) || !hasPath(base.content, path) ? own : base.placeOf(path);
    },
  };
}

function hasPath(content: unknown, path: readonly string[]): boolean {
  let node = content;
  for (const key of path) {
    if (node === null || typeof node !== 'object' || !Object.hasOwn(node, key)) return false;
    node = (node as Record<string, unknown>)[key];
  }
  return path.length > 0;
}

function mergeValues(base: unknown, over: unknown): unknown {
  if (!isMapping(base) || !isMapping(over)) return over;
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    merged[key] = Object.hasOwn(merged, key) ? mergeValues(merged[key], value) : value;
  }
  return merged;
}

function isMapping(node: unknown): node is Record<string, unknown> {
  return node !== null && typeof node === 'object' && !Array.isArray(node) && !(node instanceof Date);
}
