// Templates: how the fields of data records lie (RFC 3954 section 5.2 and 6.1, RFC 7011 section 3.4).

import { decodeValue } from './decode-value.ts';
import { ELEMENTS, type FlowValues, REVERSE_ENTERPRISE } from './information-elements.ts';

/** Length that stands for "given before the value" (RFC 7011 section 7). */
const VARIABLE = 65_535;
const MAXIMUM_FIELDS = 1_024;

export interface TemplateField {
  readonly id: number;
  /** Bytes, or 65535 for variable length. */
  readonly length: number;
  /** 0 for IANA's. NetFlow v9 scope fields have -1: their types are a list of their own. */
  readonly enterprise: number;
}

export interface Template {
  readonly id: number;
  /** How many leading fields are scope; 0 for a data template. */
  readonly scopes: number;
  readonly options: boolean;
  readonly fields: readonly TemplateField[];
  /** Least bytes of a record. */
  readonly minimum: number;
}

export function makeTemplate(options: Omit<Template, 'minimum'>): Template {
  const minimum = options.fields.reduce((sum, { length }) => sum + (length === VARIABLE ? 1 : length), 0);
  return { ...options, minimum };
}

/**
 * Reads `count` field specifiers at `at`. `enterprises`: IPFIX, where the first bit says that an enterprise
 * number follows. Undefined when they do not fit before `end` or are too many.
 */
export function readFields(options: {
  bytes: Buffer;
  at: number;
  end: number;
  count: number;
  enterprises: boolean;
}): { fields: TemplateField[]; at: number } | undefined {
  const { bytes, end, count, enterprises } = options;
  if (count > MAXIMUM_FIELDS) return undefined;
  const fields: TemplateField[] = [];
  let { at } = options;
  for (let index = 0; index < count; index++) {
    if (at + 4 > end) return undefined;
    const type = bytes.readUInt16BE(at);
    const length = bytes.readUInt16BE(at + 2);
    at += 4;
    let enterprise = 0;
    if (enterprises && type >= 0x8000) {
      if (at + 4 > end) return undefined;
      enterprise = bytes.readUInt32BE(at);
      at += 4;
    }
    fields.push({ id: enterprises ? type & 0x7fff : type, length, enterprise });
  }
  return { fields, at };
}

/** One data record at `at`; undefined when it breaks off before `end`. */
export function readRecord(options: {
  template: Template;
  bytes: Buffer;
  at: number;
  end: number;
}): { values: FlowValues; scopes: ReadonlyMap<number, number>; at: number } | undefined {
  const { template, bytes, end } = options;
  const forward = new Map<number, number | string>();
  const reverse = new Map<number, number | string>();
  const scopes = new Map<number, number>();
  let { at } = options;
  for (const field of template.fields) {
    let { length } = field;
    if (length === VARIABLE) {
      if (at + 1 > end) return undefined;
      length = bytes[at] as number;
      at += 1;
      if (length === 255) {
        if (at + 2 > end) return undefined;
        length = bytes.readUInt16BE(at);
        at += 2;
      }
    }
    if (at + length > end) return undefined;
    if (field.enterprise === -1) {
      const value = decodeValue({ bytes, at, length, type: 'unsigned' });
      if (typeof value === 'number') scopes.set(field.id, value);
    } else if (field.enterprise === 0 || field.enterprise === REVERSE_ENTERPRISE) {
      const element = ELEMENTS.get(field.id);
      const value = element && decodeValue({ bytes, at, length, type: element.type });
      const into = field.enterprise === 0 ? forward : reverse;
      // A field that is sent twice (inner and outer of a tunnel) keeps the first.
      if (value !== undefined && !into.has(field.id)) into.set(field.id, value);
    }
    at += length;
  }
  return { values: { forward, reverse }, scopes, at };
}
