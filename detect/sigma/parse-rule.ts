// One document of a rule file becomes a SigmaRule.
import type { Place } from '../../platform/core/errors.ts';
import { parseDetection } from './parse-detection.ts';
import { parseHeader, type RuleDocument } from './parse-header.ts';
import { sigmaError } from './problem.ts';
import type { Logsource, SigmaRule } from './rule.ts';

/** @throws PicketError with the place, see parseHeader and parseDetection; SIGMA_LOGSOURCE */
export function parseRule(document: RuleDocument): SigmaRule {
  const header = parseHeader(document);
  const { content, placeOf } = document;
  const { selections, conditions } = parseDetection({
    detection: content['detection'],
    path: ['detection'],
    placeOf,
  });
  return {
    kind: 'rule',
    ...header,
    logsource: readLogsource(content['logsource'], placeOf(['logsource'])),
    selections,
    conditions,
  };
}

/** Category, product and service in lower case. @throws PicketError SIGMA_LOGSOURCE */
export function readLogsource(value: unknown, place: Place): Logsource {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw sigmaError('SIGMA_LOGSOURCE', '`logsource` must be a mapping', place);
  }
  const logsource: { -readonly [key in keyof Logsource]: Logsource[key] } = {};
  for (const key of ['category', 'product', 'service', 'definition'] as const) {
    const text = (value as Record<string, unknown>)[key];
    if (text === undefined || text === null) continue;
    if (typeof text !== 'string')
      throw sigmaError('SIGMA_LOGSOURCE', `\`logsource.${key}\` must be a text`, place);
    logsource[key] = key === 'definition' ? text : text.toLowerCase();
  }
  if (!logsource.category && !logsource.product && !logsource.service) {
    throw sigmaError('SIGMA_LOGSOURCE', '`logsource` needs a category, product or service', place);
  }
  return logsource;
}
