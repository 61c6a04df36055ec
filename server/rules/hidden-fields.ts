// What a jurisdiction's residency rules hide of events of a class on their way to a parent.
import { FREE_TEXT_FIELDS } from '../../platform/residency/free-text.ts';
import { coversDestination, type ResidencyPolicy } from '../../platform/residency/policy.ts';

/** `stays`: nothing of the class leaves. Fields by path; a path that leads to an object hides all in it. */
export interface HiddenFields {
  readonly stays: boolean;
  readonly fields: readonly { readonly field: string; readonly act: 'drop' | 'mask' | 'hash' }[];
}

/**
 * Of several rules that let the class leave (by conditions that cannot be known beforehand), what the most open
 * one hides; a field of which only some values are hidden counts as open.
 */
export function findHiddenFields(options: {
  policy: ResidencyPolicy | undefined;
  recordClass: string;
  destination: string;
}): HiddenFields {
  const { policy, recordClass, destination } = options;
  const speaking = (policy?.rules ?? []).filter(
    ({ kinds, classes, destinations }) =>
      kinds.includes('event') &&
      (classes as readonly string[]).includes(recordClass) &&
      coversDestination(destinations, destination),
  );
  // The first without a condition decides for all that come to it.
  const last = speaking.findIndex(({ where }) => where === undefined);
  const asked = last < 0 ? speaking : speaking.slice(0, last + 1);
  const leaving = asked.filter(({ decision }) => decision === 'leave');
  const [first, ...others] = leaving.map((rule) => [
    ...rule.fields.filter(({ values }) => values === 'all').map(({ field, act }) => ({ field, act })),
    ...(rule.free_text === 'keep'
      ? []
      : [...FREE_TEXT_FIELDS, ...(policy?.free_text_fields ?? [])].map((field) => ({
          field,
          act: 'drop' as const,
        }))),
  ]);
  if (!first) return { stays: true, fields: [] };
  return {
    stays: false,
    fields: first.filter(({ field }) => others.every((fields) => fields.some((one) => one.field === field))),
  };
}

/** The act that hides a field; undefined when it is open. */
export function actOn(hidden: HiddenFields, field: string): 'drop' | 'mask' | 'hash' | undefined {
  return hidden.fields.find((one) => field === one.field || field.startsWith(`${one.field}.`))?.act;
}
