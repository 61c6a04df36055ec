// A rule file: one or many documents, `action: global|reset|repeat`, each rule parsed on its own so that one fault stops one rule.
import { PicketError } from '../../platform/core/errors.ts';
import { parseYamlDocuments, type YamlDocument } from '../../platform/core/yaml.ts';
import { parseCorrelation } from './parse-correlation.ts';
import type { RuleDocument } from './parse-header.ts';
import { parseRule } from './parse-rule.ts';
import { type Problem, sigmaError, toProblem } from './problem.ts';
import type { CorrelationRule, SigmaRule } from './rule.ts';

export interface ParsedFile {
  readonly rules: SigmaRule[];
  readonly correlations: CorrelationRule[];
  /** Documents of the file after actions, also of those refused (lint reads them). */
  readonly documents: RuleDocument[];
  readonly refused: Problem[];
}

/** Never throws: each fault is a problem with file, line and column. */
export function parseRuleFile({ text, file }: { text: string; file: string }): ParsedFile {
  const parsed: ParsedFile = { rules: [], correlations: [], documents: [], refused: [] };
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
      if (document.content['correlation'] === undefined) parsed.rules.push(parseRule(document));
      else parsed.correlations.push(parseCorrelation(document));
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

/**
 * Sigma rule collections: `global` is merged into each later document, `reset` forgets it, `repeat` is the
 * document before with changes. What is merged keeps the place it was written at.
 */
function applyActions(yaml: readonly YamlDocument[], refused: Problem[]): RuleDocument[] {
  const documents: RuleDocument[] = [];
  let global: RuleDocument | undefined;
  let previous: RuleDocument | undefined;
  for (const parsed of yaml) {
    const { value } = parsed;
    const placeOf: RuleDocument['placeOf'] = (path) => parsed.placeOf(path);
    if (value === null || value === undefined) continue;
    if (typeof value !== 'object' || Array.isArray(value)) {
      refused.push(toProblem(sigmaError('SIGMA_DOCUMENT', 'a rule must be a mapping'), placeOf([])));
      continue;
    }
    const { action, ...content } = value as Record<string, unknown>;
    const document: RuleDocument = { content, placeOf };
    if (action === 'global') global = global ? mergeDocuments(global, document) : document;
    else if (action === 'reset') global = undefined;
    else if (action === 'repeat') {
      if (!previous) {
        refused.push(
          toProblem(sigmaError('SIGMA_ACTION', '`repeat` has no rule before it'), placeOf(['action'])),
        );
        continue;
      }
      previous = mergeDocuments(previous, document);
      documents.push(previous);
    } else if (action === undefined) {
      previous = global ? mergeDocuments(global, document) : document;
      documents.push(previous);
    } else {
      refused.push(
        toProblem(
          new PicketError({ code: 'SIGMA_ACTION', message: '`action` is none of global, reset, repeat' }),
          placeOf(['action']),
        ),
      );
    }
  }
  return documents;
}

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
