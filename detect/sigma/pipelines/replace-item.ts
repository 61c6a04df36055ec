// What a pipeline puts in the place of one detection item: several items that keep its linking and its denial.
import type { DetectionNode } from '../rule.ts';
import type { WorkItem } from './work-rule.ts';

/** The item with the id of a pipeline item that touched it. */
export function markApplied(item: WorkItem, id: string | undefined): WorkItem {
  return id === undefined ? item : { ...item, applied: [...(item.applied ?? []), id] };
}

/**
 * The nodes joined as asked. Of a denied item each part is denied already, so that by De Morgan the joining
 * turns: `not (a or b)` is `not a and not b`.
 */
export function joinParts(options: {
  of: readonly DetectionNode[];
  linking: 'any' | 'all';
  negated: boolean;
}): DetectionNode {
  const { of, linking, negated } = options;
  if (of.length === 1) return of[0] as DetectionNode;
  const turned = linking === 'any' ? 'all' : 'any';
  return { kind: 'group', linking: negated ? turned : linking, of };
}
