// Compiles a residency policy into decisions: does this record leave for that destination, and with which fields.
import { Alert } from '../core/alert.ts';
import { contentHash } from '../core/canonical-json.ts';
import { PicketError } from '../core/errors.ts';
import type { JsonObject } from '../core/event.ts';
import { compileExpression, type Predicate } from '../core/expression/compile.ts';
import type { Expression } from '../core/expression/expression.ts';
import { parseKql } from '../core/kql/parse-kql.ts';
import type { FieldAct } from '../core/residency-ledger.ts';
import { type AlertActs, compileAlertChange, findUnchangedInAlert } from './change-alert.ts';
import {
  buildFieldTree,
  type CompiledAct,
  changeFields,
  compileAct,
  dropFreeText,
  dropWhole,
  type FieldTree,
  findUnchanged,
  newChange,
} from './field-tree.ts';
import { FREE_TEXT_FIELDS, ORIGINAL_FIELD } from './free-text.ts';
import { coversDestination, DEFAULT_RULE, type RecordKind, type ResidencyPolicy } from './policy.ts';
import { createScrubber, scrubEvent } from './scrub-values.ts';

export interface DecisionInput {
  readonly kind: RecordKind;
  /** A PicketEvent or an Alert as parsed JSON; never changed. */
  readonly record: JsonObject;
  /** Jurisdiction of whoever would receive it. */
  readonly destination: string;
}

export interface ResidencyDecision {
  readonly outcome: 'left' | 'stayed';
  /** Name of the rule that decided; `default` when none spoke. */
  readonly rule: string;
  /** What may leave; shares what no rule touches with the record. Absent when it stays. */
  readonly document?: JsonObject;
  readonly fields: readonly { readonly field: string; readonly act: FieldAct; readonly values: number }[];
}

export interface CompiledResidencyPolicy {
  readonly jurisdiction: string;
  /** Content hash of the policy. */
  readonly version: string;
  /** At the site, before anything leaves. */
  decide(input: DecisionInput): ResidencyDecision;
  /**
   * At the parent, on what came: undefined when some rule lets such a record leave and nothing that it
   * hides is there. Conditions (`where`) are not asked again, since the fields they read may be gone.
   */
  findBreach(input: DecisionInput): string | undefined;
}

/** Paths that carry routing; a policy that hides them would make records nobody could place. */
const ROUTING = [
  '@timestamp',
  'ecs',
  'event.id',
  'event.kind',
  'event.dataset',
  'event.module',
  'picket.schema',
  'picket.tenant',
  'picket.site',
  'picket.jurisdiction',
  'picket.class',
  'picket.time',
  'picket.received',
];

interface CompiledRule {
  readonly name: string;
  readonly kinds: ReadonlySet<string>;
  readonly classes: ReadonlySet<string>;
  readonly destinations: readonly string[];
  readonly where: Predicate;
  readonly leaves: boolean;
  readonly tree: FieldTree;
  readonly alertActs: AlertActs;
  readonly changeAlert: ReturnType<typeof compileAlertChange>;
}

/**
 * `hashKey`: at least 32 random bytes that never leave the jurisdiction; a parent that only checks has none.
 * `parseQuery` reads a `where` in words; default KQL.
 * @throws PicketError RESIDENCY_POLICY_INVALID with the rule's place in the file
 */
export function compileResidencyPolicy(options: {
  policy: ResidencyPolicy;
  hashKey?: Uint8Array;
  parseQuery?: (query: string) => Expression;
}): CompiledResidencyPolicy {
  const { policy } = options;
  if (options.hashKey && options.hashKey.length < 32) {
    throw new PicketError({ code: 'RESIDENCY_KEY_INVALID', message: 'the hash key needs at least 32 bytes' });
  }
  const hashKey = { key: options.hashKey ?? new Uint8Array(0), jurisdiction: policy.jurisdiction };
  const rules = policy.rules.map((_, at) =>
    compileRule({ policy, at, parseQuery: options.parseQuery ?? parseKql }),
  );
  const speaking = (rule: CompiledRule, input: DecisionInput, recordClass: string): boolean =>
    rule.kinds.has(input.kind) &&
    rule.classes.has(recordClass) &&
    coversDestination(rule.destinations, input.destination);
  return {
    jurisdiction: policy.jurisdiction,
    version: contentHash(policy),
    decide: (input) => {
      const recordClass = classOf(input);
      const rule = rules.find(
        (candidate) => speaking(candidate, input, recordClass) && candidate.where(input.record),
      );
      if (!rule?.leaves) return { outcome: 'stayed', rule: rule?.name ?? DEFAULT_RULE, fields: [] };
      if (!options.hashKey) {
        throw new PicketError({
          code: 'RESIDENCY_KEY_INVALID',
          message: 'no hash key: this policy can only check',
        });
      }
      const change = newChange();
      let document: JsonObject;
      if (input.kind === 'alert') {
        const alert = input.record as unknown as Alert;
        document = rule.changeAlert({ alert, hashKey, change }) as unknown as JsonObject;
      } else {
        document = changeFields({ record: input.record, tree: rule.tree, hashKey, change });
        const scrubber = createScrubber(change.secrets);
        if (scrubber) document = scrubEvent(document, scrubber);
      }
      return { outcome: 'left', rule: rule.name, document, fields: [...change.touched.values()] };
    },
    findBreach: (input) => {
      const recordClass = classOf(input);
      const open = rules.filter((rule) => rule.leaves && speaking(rule, input, recordClass));
      if (open.length === 0)
        return `no rule lets ${input.kind}s of class ${recordClass} leave for ${input.destination}`;
      let first: string | undefined;
      for (const rule of open) {
        const found = findHidden(rule, input);
        if (found.length === 0) return undefined;
        first ??= `rule ${rule.name} hides ${found.join(', ')}`;
      }
      return first;
    },
  };
}

function findHidden(rule: CompiledRule, { kind, record }: DecisionInput): string[] {
  if (kind === 'event') return findUnchanged(record, rule.tree);
  const alert = Alert.safeParse(record);
  return alert.success ? findUnchangedInAlert(alert.data, rule.alertActs) : ['the whole (it is no alert)'];
}

function classOf({ kind, record }: DecisionInput): string {
  const holder = kind === 'alert' ? record : ((record['picket'] ?? {}) as JsonObject);
  return String(holder['class']);
}

function compileRule(options: {
  policy: ResidencyPolicy;
  at: number;
  parseQuery: (query: string) => Expression;
}): CompiledRule {
  const { policy, at, parseQuery } = options;
  const rule = policy.rules[at] as ResidencyPolicy['rules'][number];
  const place = { path: `rules.${at}` };
  for (const { field } of rule.fields) {
    if (
      ROUTING.some((path) => path === field || path.startsWith(`${field}.`) || field.startsWith(`${path}.`))
    ) {
      const message = `rule ${rule.name}: ${field} routes records and cannot be changed`;
      throw new PicketError({ code: 'RESIDENCY_POLICY_INVALID', message, place });
    }
  }
  let where: Predicate = () => true;
  try {
    if (rule.where !== undefined)
      where = compileExpression(typeof rule.where === 'string' ? parseQuery(rule.where) : rule.where);
  } catch (error) {
    const message = `rule ${rule.name}: ${error instanceof Error ? error.message : String(error)}`;
    throw new PicketError({
      code: 'RESIDENCY_POLICY_INVALID',
      message,
      place: { path: `${place.path}.where` },
      cause: error,
    });
  }
  const acts = rule.fields.map(compileAct);
  const freeText = rule.free_text === 'drop' ? [...FREE_TEXT_FIELDS, ...policy.free_text_fields] : [];
  const eventActs: CompiledAct[] = [...acts, ...freeText.map(dropFreeText)];
  // SEMANTICS: the raw record never leaves when any field of its class is changed.
  if (eventActs.length > 0 || rule.classes.some((name) => changesFields(policy, name)))
    eventActs.push(dropWhole(ORIGINAL_FIELD));
  // What is derived follows its source: the fields that the class's events lose, the alert loses too.
  const inherited = policy.rules
    .filter(
      (other) =>
        other.kinds.includes('event') &&
        other.decision === 'leave' &&
        other.classes.some((name) => rule.classes.includes(name)) &&
        destinationsMeet(other.destinations, rule.destinations),
    )
    .flatMap((other) => other.fields.map(compileAct));
  const alertActs: AlertActs = {
    acts: [...acts, ...inherited],
    policyActs: policy.rules.flatMap((other) => other.fields.map(compileAct)),
    freeText,
    dropSummaries: rule.free_text === 'drop',
  };
  return {
    name: rule.name,
    kinds: new Set(rule.kinds),
    classes: new Set(rule.classes),
    destinations: rule.destinations,
    where,
    leaves: rule.decision === 'leave',
    tree: buildFieldTree(eventActs),
    alertActs,
    changeAlert: compileAlertChange(alertActs),
  };
}

/** True when two lists of destinations may speak of one place. */
function destinationsMeet(first: readonly string[], second: readonly string[]): boolean {
  return (
    first.some((destination) => coversDestination(second, destination)) ||
    second.some((destination) => coversDestination(first, destination))
  );
}

function changesFields(policy: ResidencyPolicy, recordClass: string): boolean {
  return policy.rules.some(
    (rule) => rule.fields.length > 0 && (rule.classes as readonly string[]).includes(recordClass),
  );
}
