// What is remembered of one exporter: its templates and its sampling, kept over a restart.
import type { SourceState } from '../../source.ts';
import { type FlowValues, numberAt } from './information-elements.ts';
import { readRate } from './sampling.ts';
import { makeTemplate, type Template, type TemplateField } from './template.ts';

const MAXIMUM_TEMPLATES = 2_048;
const MAXIMUM_SAMPLERS = 4_096;
/** Scope type Interface of NetFlow v9 (RFC 3954 section 6.1). */
const V9_SCOPE_INTERFACE = 2;

interface StoredExporter {
  templates: { id: number; scopes: number; options: boolean; fields: [number, number, number][] }[];
  rates: [string, number][];
}

export interface Exporter {
  template(id: number): Template | undefined;
  /** False when the exporter already has too many. */
  learn(template: Template): boolean;
  /** RFC 7011 section 8.1; without id, all of data (`options` false) or options templates. */
  withdraw(which: { id: number } | { options: boolean }): void;
  /** Learns from one options record how samplers sample. */
  learnOptions(values: FlowValues, scopes: ReadonlyMap<number, number>): void;
  /** 1 in N that holds for a flow; undefined when the exporter does not say. */
  rateOf(values: FlowValues): number | undefined;
  /** Writes to the state what changed. */
  save(): void;
}

/** Reads what an earlier run knew under `key` of the state; what cannot be read there is learned anew. */
export function openExporter(options: { state: SourceState; key: string }): Exporter {
  const { state, key } = options;
  const { templates, rates } = restore(state.get(key));
  let changed = false;

  return {
    template: (id) => templates.get(id),
    learn(template) {
      const known = templates.get(template.id);
      if (known === undefined && templates.size >= MAXIMUM_TEMPLATES) return false;
      if (known !== undefined && isSame(known, template)) return true;
      templates.set(template.id, template);
      changed = true;
      return true;
    },
    withdraw(which) {
      for (const template of templates.values()) {
        const meant = 'id' in which ? template.id === which.id : template.options === which.options;
        if (meant) changed = templates.delete(template.id) || changed;
      }
    },
    learnOptions(values, scopes) {
      const rate = readRate(values.forward);
      if (rate === undefined) return;
      const sampler = numberAt(values.forward, 48) ?? numberAt(values.forward, 302);
      const port = scopes.get(V9_SCOPE_INTERFACE) ?? numberAt(values.forward, 10);
      const name =
        sampler !== undefined ? `sampler:${sampler}` : port !== undefined ? `interface:${port}` : 'all';
      if (rates.get(name) === rate || (rates.size >= MAXIMUM_SAMPLERS && !rates.has(name))) return;
      rates.set(name, rate);
      changed = true;
    },
    rateOf(values) {
      const sampler = numberAt(values.forward, 48) ?? numberAt(values.forward, 302);
      return (
        readRate(values.forward) ??
        (sampler === undefined ? undefined : rates.get(`sampler:${sampler}`)) ??
        rates.get(`interface:${numberAt(values.forward, 10)}`) ??
        rates.get('all')
      );
    },
    save() {
      if (!changed) return;
      changed = false;
      const stored: StoredExporter = {
        templates: [...templates.values()].map(({ id, scopes, options: isOptions, fields }) => ({
          id,
          scopes,
          options: isOptions,
          fields: fields.map((field) => [field.id, field.length, field.enterprise]),
        })),
        rates: [...rates],
      };
      state.set(key, JSON.stringify(stored), { durable: true });
    },
  };
}

function restore(text: string | undefined): { templates: Map<number, Template>; rates: Map<string, number> } {
  const templates = new Map<number, Template>();
  const rates = new Map<string, number>();
  if (!text) return { templates, rates };
  try {
    const stored = JSON.parse(text) as StoredExporter;
    for (const { id, scopes, options, fields } of stored.templates) {
      const read = fields.map(
        ([field, length, enterprise]): TemplateField => ({ id: field, length, enterprise }),
      );
      templates.set(id, makeTemplate({ id, scopes, options, fields: read }));
    }
    for (const [name, rate] of stored.rates) rates.set(name, rate);
  } catch {
    // Templates come again within minutes; a state that cannot be read must not stop the source.
    templates.clear();
    rates.clear();
  }
  return { templates, rates };
}

function isSame(a: Template, b: Template): boolean {
  return (
    a.options === b.options &&
    a.scopes === b.scopes &&
    a.fields.length === b.fields.length &&
    a.fields.every((field, at) => {
      const other = b.fields[at];
      return field.id === other?.id && field.length === other.length && field.enterprise === other.enterprise;
    })
  );
}
