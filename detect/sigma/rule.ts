// The typed form of a Sigma rule: what the parser makes, pipelines transform and the engine compiles.
import type { Place } from '../../platform/core/errors.ts';
import type { Comparison, Expression, StringMode } from '../../platform/core/expression/expression.ts';
import type { Level } from '../../platform/core/names.ts';
import type { SigmaText } from './sigma-text.ts';

export const STATUSES = ['stable', 'test', 'experimental', 'deprecated', 'unsupported'] as const;
export type Status = (typeof STATUSES)[number];

/** Sigma logsource; `definition` and own keys are kept but not used for routing. */
export interface Logsource {
  readonly category?: string;
  readonly product?: string;
  readonly service?: string;
  readonly definition?: string;
}

/** One value of a detection item after its modifiers were applied. */
export type SigmaValue =
  | { readonly type: 'text'; readonly text: SigmaText; readonly cased?: boolean }
  | { readonly type: 'number'; readonly value: number }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'null' }
  | { readonly type: 'exists'; readonly value: boolean }
  | {
      readonly type: 'regex';
      readonly pattern: string;
      readonly flags: string;
      /** The pattern in parts while it holds placeholders (`re|expand`), which a pipeline must fill. */
      readonly template?: SigmaText;
    }
  | { readonly type: 'cidr'; readonly value: string }
  | { readonly type: 'compare'; readonly with: Comparison; readonly value: number | string }
  | {
      readonly type: 'field';
      readonly mode: Exclude<StringMode, 'wildcard'>;
      readonly other: string;
      readonly cased?: boolean;
    }
  | {
      readonly type: 'time_part';
      readonly part: 'minute' | 'hour' | 'day' | 'week' | 'month' | 'year';
      readonly value: number;
    }
  /** Alternatives that one written value stands for (windash, base64offset): joined by OR, also under `all`. */
  | { readonly type: 'any'; readonly of: readonly SigmaValue[] };

export interface DetectionItem {
  readonly kind: 'item';
  /** Undefined for keywords (searched in the whole event). */
  readonly field: string | undefined;
  readonly modifiers: readonly string[];
  readonly values: readonly SigmaValue[];
  /** How the values join. */
  readonly linking: 'any' | 'all';
  /** `neq`: the item is denied as a whole. */
  readonly negated: boolean;
  readonly place: Place;
}

/** A group of items or groups: the named selections of a rule are such trees. */
export interface DetectionGroup {
  readonly kind: 'group';
  readonly linking: 'any' | 'all';
  readonly of: readonly DetectionNode[];
}

export type DetectionNode = DetectionItem | DetectionGroup;

/** A condition with its quantifiers already resolved to selection names. */
export type Condition =
  | { readonly op: 'and' | 'or'; readonly of: readonly Condition[] }
  | { readonly op: 'not'; readonly of: Condition }
  | { readonly op: 'selection'; readonly name: string };

/** A correlation type of ours with what it needs besides the standard's keys (docs/correlation.md). */
export type OwnCorrelation =
  | { readonly type: 'first_seen'; readonly field: readonly string[]; readonly learn_until: string }
  | { readonly type: 'absence' }
  | { readonly type: 'beacon'; readonly least: number; readonly score: number };

/** Our own block of a rule (`picket:`): where it is worked, whom it is about, how to triage. */
export interface PicketAttributes {
  readonly scope: 'site' | 'fleet';
  /** Fields of the event that make the alert's key, ECS names. */
  readonly entity_fields: readonly string[];
  readonly guide?: string;
  /** Source format of the records in the tests beside the rule. */
  readonly test_source?: string;
  /** A correlation of a type that Sigma has not: it stands here, and `correlation.type` is left out. */
  readonly correlation?: OwnCorrelation;
}

/** What rules and correlation rules have in common. */
export interface RuleHeader {
  /** UUID; a rule without one takes its title's hash, so that alerts stay the same. */
  readonly id: string;
  readonly title: string;
  /** How correlation rules refer to it. */
  readonly name?: string;
  readonly status?: Status;
  readonly level: Level;
  readonly description?: string;
  readonly author?: string;
  readonly date?: string;
  readonly modified?: string;
  readonly license?: string;
  readonly references: readonly string[];
  readonly tags: readonly string[];
  readonly falsepositives: readonly string[];
  readonly fields: readonly string[];
  readonly related: readonly { readonly id: string; readonly type: string }[];
  readonly picket: PicketAttributes;
  /** Keys of the file that the specification does not know, as they are. */
  readonly custom?: Readonly<Record<string, unknown>>;
  readonly place: Place;
  /** SHA-256 of the rule's canonical content, hex. */
  readonly version: string;
}

export interface SigmaRule extends RuleHeader {
  readonly kind: 'rule';
  readonly logsource: Logsource;
  readonly selections: ReadonlyMap<string, DetectionNode>;
  /** Several conditions each match on their own. */
  readonly conditions: readonly Condition[];
  /** Filters that were applied, in their order; `version` stays that of the rule as written. */
  readonly filters?: readonly { readonly id: string; readonly title: string }[];
}

/** A Sigma filter (Sigma Filters 2.1): narrows rules without touching their files. Exceptions are filters. */
export interface SigmaFilter extends Omit<RuleHeader, 'level' | 'status' | 'picket'> {
  readonly kind: 'filter';
  /** Only rules whose logsource says the same for each part said here are narrowed. */
  readonly logsource: Logsource;
  /** Ids or names of the rules it narrows, each with the place it is written at; `any`: all of its logsource. */
  readonly rules: 'any' | readonly { readonly reference: string; readonly place: Place }[];
  readonly selections: ReadonlyMap<string, DetectionNode>;
  /** Joined to each rule's condition by AND, as written: what keeps matches out says `not selection`. */
  readonly condition: Condition;
  /** Our block (`picket:`): why it was made. */
  readonly reason?: string;
  /** Our block: the ISO 8601 instant from which it narrows nothing any more. */
  readonly expires?: string;
}

export type CorrelationType =
  | 'event_count'
  | 'value_count'
  | 'temporal'
  | 'temporal_ordered'
  | 'value_sum'
  | 'value_avg'
  | 'value_percentile'
  | 'value_median'
  // Ours, named in `picket.correlation` (docs/correlation.md).
  | 'first_seen'
  | 'absence'
  | 'beacon';

export type CorrelationOperator = 'gt' | 'gte' | 'lt' | 'lte' | 'eq' | 'neq';

/** Sigma Correlation Rules 2.1. */
export interface CorrelationRule extends RuleHeader {
  readonly kind: 'correlation';
  readonly type: CorrelationType;
  /** Ids or names of the rules it joins. */
  readonly rules: readonly string[];
  readonly groupBy: readonly string[];
  /** alias → rule id or name → field. */
  readonly aliases: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly timespan_ms: number;
  /** Bounds that hold together, e.g. gte 10 and lt 100. */
  readonly condition: readonly { readonly with: CorrelationOperator; readonly value: number }[];
  /** Field or fields of value_* types. */
  readonly field: readonly string[];
  /** value_percentile only, 0 to 100. */
  readonly percentile?: number;
  /** `first_seen`: ms since the epoch until which everything is taken as known. */
  readonly learn_until?: number;
  readonly beacon?: { readonly least: number; readonly score: number };
  /** Extended condition of temporal types over rule names (Sigma 2.1), already parsed. */
  readonly extended?: Condition;
  /** Whether the rules it names also raise alerts of their own. */
  readonly generate: boolean;
}

/** A rule that pipelines have mapped, ready for the engine, searches and explanations. */
export interface MappedRule {
  readonly rule: SigmaRule;
  /** After pipelines: what routing goes by. */
  readonly logsource: Logsource;
  readonly selections: ReadonlyMap<string, Expression>;
  readonly condition: Condition;
  /** The whole condition over the fields of the target. */
  readonly expression: Expression;
  /** The rule's `fields`, as the pipelines name them. */
  readonly fields?: readonly string[];
}
