// One document with a `filter:` block becomes a SigmaFilter (Sigma Filters 2.1).
import { z } from 'zod';
import { parseDetection } from './parse-detection.ts';
import { parseHeader, type RuleDocument } from './parse-header.ts';
import { readLogsource } from './parse-rule.ts';
import { sigmaError } from './problem.ts';
import type { Condition, SigmaFilter } from './rule.ts';

/** Our block in a filter: strict, since it is ours. */
const FilterBlock = z.strictObject({
  reason: z.string().min(1).optional(),
  /** A day (its beginning in UTC) or an instant with its zone. */
  expires: z.union([z.iso.date(), z.iso.datetime({ offset: true })]).optional(),
});

/** @throws PicketError SIGMA_FILTER, SIGMA_PICKET_BLOCK and those of parseHeader, readLogsource and parseDetection, with the place */
export function parseFilter({ content, placeOf }: RuleDocument): SigmaFilter {
  const { picket, ...rest } = content;
  const { level: _, status: __, picket: ___, ...header } = parseHeader({ content: rest, placeOf });
  const block = content['filter'];
  if (block === null || typeof block !== 'object' || Array.isArray(block)) {
    throw sigmaError('SIGMA_FILTER', '`filter` must be a mapping', placeOf(['filter']));
  }
  const { selections, conditions } = parseDetection({
    detection: block,
    path: ['filter'],
    placeOf,
    reserved: 'rules',
  });
  if (conditions.length !== 1)
    throw sigmaError('SIGMA_FILTER', 'a filter has one condition', placeOf(['filter', 'condition']));
  return {
    ...header,
    kind: 'filter',
    logsource: readLogsource(content['logsource'], placeOf(['logsource'])),
    rules: readReferences((block as Record<string, unknown>)['rules'], placeOf),
    selections,
    condition: conditions[0] as Condition,
    ...readBlock(picket, placeOf),
  };
}

/** A list of ids and names, one of them, or `any`. An empty list would narrow every rule: it must be said. */
function readReferences(value: unknown, placeOf: RuleDocument['placeOf']): SigmaFilter['rules'] {
  const path = ['filter', 'rules'];
  if (typeof value === 'string' && value.toLowerCase() === 'any') return 'any';
  const elements = Array.isArray(value) ? (value as unknown[]) : [value];
  if (value === undefined || value === null || elements.length === 0) {
    throw sigmaError('SIGMA_FILTER', '`filter.rules` names the rules to narrow, or `any`', placeOf(path));
  }
  return elements.map((reference, at) => {
    const place = placeOf(Array.isArray(value) ? [...path, String(at)] : path);
    if (typeof reference !== 'string' || reference === '')
      throw sigmaError('SIGMA_FILTER', '`filter.rules` must be ids or names of rules', place);
    return { reference, place };
  });
}

function readBlock(
  value: unknown,
  placeOf: RuleDocument['placeOf'],
): Pick<SigmaFilter, 'reason' | 'expires'> {
  const parsed = FilterBlock.safeParse(value ?? {});
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const key = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
    throw sigmaError(
      'SIGMA_PICKET_BLOCK',
      issue?.message ?? 'not a valid `picket` block',
      placeOf(['picket', ...(issue?.path ?? []).map(String), ...key]),
    );
  }
  const { reason, expires } = parsed.data;
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(expires === undefined ? {} : { expires: new Date(expires).toISOString() }),
  };
}
