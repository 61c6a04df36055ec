// Makes the draft of an exception from what an alert says: its key and what its rule found.
import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import { draftException, type FieldValue } from '../../detect/exceptions/draft-exception.ts';
import type { Alert } from '../../platform/core/alert.ts';
import { PicketError } from '../../platform/core/errors.ts';
import type { RecordStore } from '../../platform/records/record-store.ts';
import type { ExceptionDraft, ExceptionDraftRequest } from '../api/exception-contract.ts';
import type { RuleDesk } from './open-rule-desk.ts';

/** Fields of keys that say where the rule was worked, not what it found. */
const NOT_OFFERED = new Set(['picket.site.id']);
/** Reasons cut long values: what is cut names nothing. */
const MAX_VALUE = 500;

/** @throws PicketError ALERT_NOT_FOUND, RULE_NOT_FOUND, RULE_IS_CORRELATION, EXCEPTION_NO_FIELD */
export async function draftFromAlert(options: {
  request: z.infer<typeof ExceptionDraftRequest>;
  desk: RuleDesk;
  records: RecordStore;
  site: string;
  actor: string;
}): Promise<ExceptionDraft> {
  const { request, desk, records, site, actor } = options;
  const alert = (await records.get<Alert>('alerts', request.alert))?.value;
  if (!alert) throw new PicketError({ code: 'ALERT_NOT_FOUND', message: `no alert ${request.alert}` });
  const { loaded, pipelines } = desk.detection();
  if (alert.rule.kind === 'correlation')
    throw new PicketError({
      code: 'RULE_IS_CORRELATION',
      message: `${alert.rule.name} joins other rules: make the exception for one of them`,
    });
  const rule = loaded.rules.find((one) => one.rule.id === alert.rule.id)?.rule;
  if (!rule)
    throw new PicketError({
      code: 'RULE_NOT_FOUND',
      message: `the rule of this alert, ${alert.rule.name}, is not in force here`,
    });
  const values = valuesOf(alert);
  const key = new Set(Object.keys(alert.key));
  const wanted = (field: string): boolean =>
    request.fields ? request.fields.includes(field) : key.has(field);
  const draft = (chosen: readonly FieldValue[]): ReturnType<typeof draftException> & { id: string } => {
    const id = randomUUID();
    const made = draftException({
      id,
      title: request.title ?? `${alert.rule.name}: known`,
      author: actor,
      reason: request.reason ?? 'why this is harmless',
      expires: request.expires,
      rule,
      pipelines,
      values: chosen,
    });
    return { ...made, id };
  };
  // Only what a filter of this rule can name is offered.
  const unnamed = new Set(draft(values).unnamed);
  const offered = values.filter(({ field }) => !unnamed.has(field));
  const some = offered.filter(({ field }) => wanted(field));
  const chosen = some.length > 0 || request.fields ? some : offered.slice(0, 1);
  if (chosen.length === 0)
    throw new PicketError({
      code: 'EXCEPTION_NO_FIELD',
      message: request.fields
        ? `the alert has no value at ${request.fields.join(', ')} that an exception can name`
        : 'the alert has no value that an exception can name',
    });
  const { id, text } = draft(chosen);
  const works = alert.scope === 'site' ? alert.site.id : site;
  return {
    id,
    text,
    fields: offered.map((one) => ({ ...one, chosen: chosen.includes(one) })),
    site: works,
    here: works === site,
  };
}

/** Each field once: of the key first, then of the reasons. */
function valuesOf(alert: Alert): FieldValue[] {
  const values = new Map<string, string>();
  for (const [field, value] of Object.entries(alert.key))
    if (!NOT_OFFERED.has(field)) values.set(field, value);
  for (const { field, value } of alert.reasons) {
    const usable = field !== '*' && value !== '' && value.length < MAX_VALUE;
    if (usable && !values.has(field)) values.set(field, value);
  }
  return [...values].map(([field, value]) => ({ field, value }));
}
