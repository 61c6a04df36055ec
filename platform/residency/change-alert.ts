// Residency for what is derived: an alert's reasons, key, entities and summaries follow the fields they came from.
import { createHmac } from 'node:crypto';
import type { Alert } from '../core/alert.ts';
import type { EntityType } from '../core/entity.ts';
import type { JsonObject } from '../core/event.ts';
import { shortId } from '../core/short-id.ts';
import { type HashKey, hashValue, isChanged, maskValue, REMOVED } from './change-value.ts';
import { type Change, type CompiledAct, count, dropFreeText, keepSecret } from './field-tree.ts';
import { SUMMARY_FIELD } from './free-text.ts';
import { createScrubber, type Scrubber } from './scrub-values.ts';

/** Which entities are made of which ECS fields; a field may feed several types. */
const ENTITY_FIELDS: readonly (readonly [EntityType, RegExp])[] = [
  [
    'user',
    /(?:^|\.)user(?:\.(?:effective|target|changes))?(?:\.(?:name|id|uid))?$|username|(?:Target|Subject)User|UserSid/i,
  ],
  ['address', /(?:^|\.)(?:ip|address|sourceIPs|IpAddress|SourceIp|DestinationIp)(?:$|\.)|^related\.ip$/i],
  [
    'host',
    /^(?:host|observer|agent)\.(?:name|hostname)$|(?:^|\.)(?:Workstation(?:Name)?|Computer(?:Name)?)$|^related\.hosts$/i,
  ],
  ['process', /^process\./i],
  ['domain', /(?:^|\.)(?:domain|registered_domain)$|^dns\.question|^url\.domain$/i],
  ['hash', /(?:^|\.)hash(?:$|\.)|^related\.hash$/i],
  ['pod', /^(?:kubernetes|orchestrator)\.(?:pod|resource)|objectRef/i],
  ['service-account', /service_?account/i],
  ['image', /(?:^|\.)image(?:$|\.)/i],
  ['certificate', /x509|certificate|fingerprint|ja[34]s?/i],
  ['cloud-account', /^cloud\.account/i],
];

/** The acts of a rule with the entity types that its fields make, ready for alerts. */
export interface AlertActs {
  readonly acts: readonly CompiledAct[];
  /** The acts of all rules of the policy: an alert's id must not depend on which of them decides. */
  readonly policyActs: readonly CompiledAct[];
  /** Fields of free text; their values are dropped from reasons and key. */
  readonly freeText: readonly string[];
  readonly dropSummaries: boolean;
}

/** True when a rule's field speaks of `field` or of an object around it. */
function speaksOf(ruleField: string, field: string): boolean {
  return field === ruleField || field.startsWith(`${ruleField}.`) || ruleField.startsWith(`${field}.`);
}

function entityTypesOf(field: string): EntityType[] {
  return ENTITY_FIELDS.filter(([, pattern]) => pattern.test(field)).map(([type]) => type);
}

/** Compiles once for a rule; the result changes one alert at a time. */
export function compileAlertChange(
  options: AlertActs,
): (input: { alert: Alert; hashKey: HashKey; change: Change }) => Alert {
  const { acts, freeText, dropSummaries } = options;
  const typeActs = acts.flatMap((act) => entityTypesOf(act.field).map((type) => [type, act] as const));
  return ({ alert, hashKey, change }) => {
    const actOf = (field: string, value: string): CompiledAct | undefined => {
      const mine = acts.filter((act) => speaksOf(act.field, field) && act.covers(value));
      if (mine.length > 0) return strictest(mine);
      return freeText.some((text) => speaksOf(text, field)) ? dropFreeText(field) : undefined;
    };
    const changeText = (field: string, value: string): string => {
      const act = actOf(field, value);
      return act ? changeOne({ value, act, hashKey, change }) : value;
    };
    const reasons = alert.reasons.map((reason) => ({
      ...reason,
      value: changeText(reason.field, reason.value),
    }));
    const key = Object.fromEntries(
      Object.entries(alert.key).map(([field, value]) => [field, changeText(field, value)]),
    );
    const entities = alert.entities.flatMap((entity) => {
      const mine = typeActs.filter(([type, act]) => type === entity.type && act.covers(entity.value));
      if (mine.length === 0) return [entity];
      const act = strictest(mine.map(([, typeAct]) => typeAct));
      const value = changeOne({ value: entity.value, act, hashKey, change });
      // `name@domain`: the name alone stands elsewhere.
      const [name, domain] = entity.value.split('@');
      if (name && domain && act.hides(name))
        keepSecret(change, name, act.act === 'hash' ? hashValue(name, hashKey) : undefined);
      // A masked or removed value would join what has nothing in common.
      return act.act === 'hash' ? [{ ...entity, value }] : [];
    });
    let events = alert.events;
    if (dropSummaries) {
      events = alert.events.map(({ summary, ...event }) => {
        if (summary !== undefined) count(change, { field: SUMMARY_FIELD, act: 'drop' });
        return event;
      });
    }
    const changed: Alert = { ...alert, reasons, key, entities, events };
    const scrubber = createScrubber(change.secrets);
    const scrubbed = scrubber ? scrubAlert(changed, scrubber) : changed;
    const hidesKey = Object.entries(alert.key).some(
      ([field, value]) =>
        scrubbed.key[field] !== value ||
        options.policyActs.some((act) => speaksOf(act.field, field) && act.covers(value)),
    );
    return hidesKey ? hideIds(scrubbed, hashKey) : scrubbed;
  };
}

/**
 * An alert's id is a plain hash of its key and of what leaves in clear (rule, scope, anchor): who has the id
 * could try names and addresses until one fits. With the key that never leaves, the id still is the same each time.
 */
function hideIds(alert: Alert, { key }: HashKey): Alert {
  const hide = (id: string): string => shortId(createHmac('sha256', key).update(`alert-id\n${id}`).digest());
  const { superseded_by } = alert;
  return {
    ...alert,
    id: hide(alert.id),
    ...(superseded_by === undefined ? {} : { superseded_by: hide(superseded_by) }),
  };
}

function strictest(acts: readonly CompiledAct[]): CompiledAct {
  const order = { hash: 1, mask: 2, drop: 3 };
  return acts.reduce((strict, act) => (order[act.act] > order[strict.act] ? act : strict));
}

function changeOne(options: { value: string; act: CompiledAct; hashKey: HashKey; change: Change }): string {
  const { value, act, hashKey, change } = options;
  if (value === '' || value === REMOVED || isChanged(act.act, value)) return value;
  count(change, act);
  const replaced =
    act.act === 'drop' ? REMOVED : act.act === 'hash' ? hashValue(value, hashKey) : maskValue(value);
  if (act.hides(value)) keepSecret(change, value, act.act === 'drop' ? undefined : replaced);
  return replaced;
}

function scrubAlert(alert: Alert, scrubber: Scrubber): Alert {
  const scrub = (text: string): string => scrubber.text(text) ?? REMOVED;
  return {
    ...alert,
    reasons: alert.reasons.map((reason) => ({ ...reason, value: scrub(reason.value) })),
    key: Object.fromEntries(Object.entries(alert.key).map(([field, value]) => [field, scrub(value)])),
    entities: alert.entities.map((entity) => ({ ...entity, value: scrub(entity.value) })),
    events: alert.events.map((event) =>
      event.summary === undefined ? event : { ...event, summary: scrub(event.summary) },
    ),
  };
}

/** What of an alert a parent must not see under these acts: field names, empty when all is well. */
export function findUnchangedInAlert(alert: Alert, { acts, freeText, dropSummaries }: AlertActs): string[] {
  const found = new Set<string>();
  const look = (field: string, value: string): void => {
    if (value === '' || value === REMOVED) return;
    for (const act of acts) {
      if (
        speaksOf(act.field, field) &&
        act.covers(value) &&
        !isChanged(act.act, value) &&
        !isAnyChanged(value)
      )
        found.add(field);
    }
    if (freeText.some((text) => speaksOf(text, field)) && !isAnyChanged(value)) found.add(field);
  };
  for (const reason of alert.reasons) look(reason.field, reason.value);
  for (const [field, value] of Object.entries(alert.key)) look(field, value);
  for (const entity of alert.entities) {
    for (const act of acts) {
      if (
        entityTypesOf(act.field).includes(entity.type) &&
        act.covers(entity.value) &&
        !isAnyChanged(entity.value)
      )
        found.add(`entities.${entity.type}`);
    }
  }
  if (dropSummaries && alert.events.some((event) => event.summary !== undefined)) found.add(SUMMARY_FIELD);
  return [...found];
}

/** Another field's act may have been done here first (a value that was hashed where it stood before). */
function isAnyChanged(value: string): boolean {
  return value.includes(REMOVED) || isChanged('hash', value) || isChanged('mask', value);
}

/** Reads an alert as a plain document, for rules' conditions. */
export function asDocument(alert: Alert): JsonObject {
  return alert as unknown as JsonObject;
}
