// What a rule says of one event: the words that matching (detect/sigma), correlation and alerts share.
import type { MatchReason } from '../platform/core/alert.ts';
import type { PicketEvent } from '../platform/core/event.ts';
import type { Level } from '../platform/core/names.ts';

/** A loaded rule as alerts carry it; the same object for every match of the rule. */
export interface RuleInfo {
  /** The rule's own id (Sigma `id`), stable over its versions. */
  readonly id: string;
  readonly name: string;
  readonly level: Level;
  readonly kind: 'plain' | 'correlation';
  /** Content hash of the rule's text, hex. */
  readonly version: string;
  /** Content hash or name of its folder. */
  readonly pack: string;
  readonly tags: readonly string[];
  readonly guide?: string | undefined;
  readonly falsepositives?: readonly string[] | undefined;
  /** SEMANTICS, Matches, alerts, scope. */
  readonly scope: 'site' | 'fleet';
  /** Fields that make the key of a plain rule; undefined takes the dataset's (rules/entities/entity-fields.yaml). */
  readonly entity_fields?: readonly string[] | undefined;
}

/** One rule × one event. */
export interface Match {
  readonly rule: RuleInfo;
  readonly event: PicketEvent;
  /** Why it held; worked out only when asked, since most matches are folded into an episode. */
  reasons(): MatchReason[];
}
