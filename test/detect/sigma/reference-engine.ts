// A plain engine that reads each rule in the most obvious way, and shares nothing with the fast one but the typed rule; the two must agree.
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import type {
  Condition,
  DetectionItem,
  DetectionNode,
  SigmaRule,
  SigmaValue,
} from '../../../detect/sigma/rule.ts';
import type { SigmaText } from '../../../detect/sigma/sigma-text.ts';

/** A parsed rule, or what pipelines made of one. */
export type ReadableRule = Pick<SigmaRule, 'selections' | 'conditions'>;

/** Readings of the specification that another engine may not share, so that a difference can be laid to one of them. */
export interface Readings {
  /** What letters of one text are the same without case. */
  lower(text: string): string;
  /** The number that a text says, if any. */
  numberIn(text: string): number | undefined;
  /** Whether an address is in a network, both as written. */
  isWithin(address: string, network: string): boolean;
  /** The text as a regular expression with these flags sees it. */
  searched(text: string, flags: string): string;
}

/** Sigma's: case of every script, numbers by value, networks of addresses, texts as they are. */
export const SIGMA_READINGS: Readings = {
  lower: lowerEach,
  numberIn,
  isWithin,
  searched: (text) => text,
};

/** An event with what was read of it, so that hundreds of rules do not read the same field again. */
export class ReadEvent {
  readonly event: object;
  readonly readings: Readings;
  readonly #found = new Map<string, readonly unknown[]>();
  readonly #lower = new Map<string, string>();

  constructor(event: object, readings: Readings = SIGMA_READINGS) {
    this.event = event;
    this.readings = readings;
  }

  /** Values of a field; of the whole event when undefined. */
  valuesOf(field: string | undefined): readonly unknown[] {
    const key = field ?? '';
    let values = this.#found.get(key);
    if (!values) {
      values = field === undefined ? scalarsOf(this.event) : valuesAt(this.event, field.split('.'));
      this.#found.set(key, values);
    }
    return values;
  }

  lower(text: string): string {
    let lower = this.#lower.get(text);
    if (lower === undefined) this.#lower.set(text, (lower = this.readings.lower(text)));
    return lower;
  }
}

/** True when any condition of the rule holds for the event; the logsource is not looked at. */
export function ruleHolds(rule: ReadableRule, event: ReadEvent): boolean {
  return rule.conditions.some((condition) => conditionHolds(condition, rule, event));
}

function conditionHolds(condition: Condition, rule: ReadableRule, event: ReadEvent): boolean {
  switch (condition.op) {
    case 'selection': {
      const selection = rule.selections.get(condition.name);
      if (!selection) throw new Error(`no selection ${condition.name}`);
      return nodeHolds(selection, event);
    }
    case 'not':
      return !conditionHolds(condition.of, rule, event);
    case 'and':
      return condition.of.every((part) => conditionHolds(part, rule, event));
    case 'or':
      return condition.of.some((part) => conditionHolds(part, rule, event));
  }
}

function nodeHolds(node: DetectionNode, event: ReadEvent): boolean {
  if (node.kind === 'item') return itemHolds(node, event);
  if (node.linking === 'all') return node.of.every((part) => nodeHolds(part, event));
  return node.of.some((part) => nodeHolds(part, event));
}

function itemHolds(item: DetectionItem, event: ReadEvent): boolean {
  const holds = (value: SigmaValue): boolean => valueHolds(value, item, event);
  const joined = item.linking === 'all' ? item.values.every(holds) : item.values.some(holds);
  return item.negated ? !joined : joined;
}

/** Whether what the rule writes is true of the field: of some value that is there, or of its absence. */
function valueHolds(value: SigmaValue, item: DetectionItem, event: ReadEvent): boolean {
  const there = event.valuesOf(item.field).filter((one) => one !== null);
  const keyword = item.field === undefined;
  switch (value.type) {
    case 'any':
      return value.of.some((one) => valueHolds(one, item, event));
    case 'null':
      return !keyword && there.length === 0;
    case 'exists':
      return value.value ? there.length > 0 : !keyword && there.length === 0;
    case 'text':
      // `'*'` asks for presence alone: an object passes too.
      if (value.text.length > 0 && value.text.every(isRun)) return there.length > 0;
      return there.some((one) => textHolds({ value, one, keyword, event }));
    case 'number':
      return there.some((one) =>
        keyword ? (textOf(one) ?? '').includes(String(value.value)) : numberOf(one, event) === value.value,
      );
    case 'boolean':
      return there.some((one) => textOf(one)?.toLowerCase() === String(value.value));
    case 'regex': {
      const regex = new RegExp(value.pattern, value.flags);
      return there.some((one) => {
        const text = textOf(one);
        return text !== undefined && regex.test(event.readings.searched(text, value.flags));
      });
    }
    case 'cidr':
      return there.some((one) => typeof one === 'string' && event.readings.isWithin(one, value.value));
    case 'compare':
      return there.some((one) => compares({ one, how: value.with, wanted: value.value, event }));
    case 'time_part':
      return there.some((one) => partOf(one, value.part) === value.value);
    case 'field':
      return event
        .valuesOf(value.other)
        .some((other) => there.some((one) => relates(one, other, value, event)));
  }
}

function isRun(part: SigmaText[number] | undefined): boolean {
  return typeof part === 'object' && 'wild' in part && part.wild === '*';
}

/** Lower case letter by letter; the two small sigmas are one letter. */
function lowerEach(text: string): string {
  return Array.from(text, (letter) => (letter === 'ς' ? 'σ' : letter.toLowerCase())).join('');
}

/** The text of a scalar, as rules compare it; undefined of null, lists and objects. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? `${value}` : undefined;
}

/** A number, or what digits in a text say. */
function numberOf(value: unknown, event: ReadEvent): number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'string' ? event.readings.numberIn(value) : undefined;
}

function numberIn(text: string): number | undefined {
  return /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text.trim()) ? Number(text) : undefined;
}

function textHolds(options: {
  value: Extract<SigmaValue, { type: 'text' }>;
  one: unknown;
  keyword: boolean;
  event: ReadEvent;
}): boolean {
  const { value, one, keyword, event } = options;
  const text = textOf(one);
  if (text === undefined) return false;
  const parts = value.cased
    ? value.text
    : value.text.map((part) => (typeof part === 'string' ? event.lower(part) : part));
  const around: SigmaText = keyword ? [{ wild: '*' }, ...parts, { wild: '*' }] : parts;
  return fits({ parts: around, text: value.cased ? text : event.lower(text), failed: new Set() }, 0, 0);
}

/** Where a part of a pattern is looked for: parts from `part` on must make up the text from `at` to its end. */
interface Fit {
  readonly parts: SigmaText;
  readonly text: string;
  /** Places (of part and text) that were tried in vain. */
  readonly failed: Set<number>;
}

function fits(fit: Fit, part: number, at: number): boolean {
  const { parts, text, failed } = fit;
  const wanted = parts[part];
  if (wanted === undefined) return at === text.length;
  if (typeof wanted === 'string')
    return text.startsWith(wanted, at) && fits(fit, part + 1, at + wanted.length);
  if ('placeholder' in wanted) return false;
  if (wanted.wild === '?') return at < text.length && fits(fit, part + 1, at + 1);
  const place = part * (text.length + 1) + at;
  if (failed.has(place)) return false;
  const found = fitsSomewhere(fit, part + 1, at);
  if (!found) failed.add(place);
  return found;
}

/** After `*` the next part may stand anywhere from `at` on. */
function fitsSomewhere(fit: Fit, part: number, at: number): boolean {
  const { parts, text } = fit;
  const next = parts[part];
  if (next === undefined) return true;
  if (typeof next !== 'string') {
    for (let start = at; start <= text.length; start++) if (fits(fit, part, start)) return true;
    return false;
  }
  // A literal that ends the pattern can stand at the end only.
  if (part === parts.length - 1) return text.length - next.length >= at && text.endsWith(next);
  for (let start = text.indexOf(next, at); start >= 0; start = text.indexOf(next, start + 1)) {
    if (fits(fit, part, start)) return true;
  }
  return false;
}

/** Membership as Node's own lists know it; IPv4 written as IPv6 (`::ffff:10.0.0.1`) is IPv4. */
function isWithin(address: string, network: string): boolean {
  const [base = '', length] = network.split('/');
  const bare = address.replace(/%.*$/, '');
  const list = new BlockList();
  const family = (text: string): 'ipv4' | 'ipv6' | undefined =>
    isIPv4(text) ? 'ipv4' : isIPv6(text) ? 'ipv6' : undefined;
  const of = family(bare);
  const listed = family(base);
  if (!of || !listed) return false;
  list.addSubnet(base, Number(length ?? (listed === 'ipv4' ? 32 : 128)), listed);
  return list.check(bare, of);
}

/** Milliseconds since the epoch of an ISO 8601 text. */
function instantOf(value: unknown): number | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d/.test(value)) return undefined;
  const time = new Date(value).getTime();
  return Number.isNaN(time) ? undefined : time;
}

function compares(options: {
  one: unknown;
  how: 'lt' | 'lte' | 'gt' | 'gte';
  wanted: number | string;
  event: ReadEvent;
}): boolean {
  const { one, how, wanted, event } = options;
  const right = typeof wanted === 'number' ? wanted : instantOf(wanted);
  const left = typeof wanted === 'number' ? numberOf(one, event) : instantOf(one);
  if (left === undefined || right === undefined) return false;
  if (left === right) return how === 'lte' || how === 'gte';
  return left < right === (how === 'lt' || how === 'lte');
}

type TimePart = Extract<SigmaValue, { type: 'time_part' }>['part'];

/** A part of a time in UTC, read off its ISO 8601 form; numbers are milliseconds since the epoch. */
function partOf(one: unknown, part: TimePart): number | undefined {
  const time = typeof one === 'number' ? one : instantOf(one);
  if (time === undefined || Number.isNaN(new Date(time).getTime())) return undefined;
  const date = new Date(time);
  if (part === 'week') return weekOf(date);
  const written = /^([+-]?\d+)-(\d\d)-(\d\d)T(\d\d):(\d\d)/.exec(date.toISOString()) ?? [];
  return Number(written[{ year: 1, month: 2, day: 3, hour: 4, minute: 5 }[part]]);
}

const DAY_MS = 86_400_000;

/** ISO 8601: weeks begin on Monday, and week 1 is the one with 4 January. */
function weekOf(date: Date): number {
  const monday = (time: number): number => {
    const day = Math.floor(time / DAY_MS);
    return day - ((((day + 3) % 7) + 7) % 7);
  };
  const fourth = (year: number): number => monday(new Date(0).setUTCFullYear(year, 0, 4));
  const own = monday(date.getTime());
  const year = date.getUTCFullYear();
  const first =
    own >= fourth(year + 1) ? fourth(year + 1) : own >= fourth(year) ? fourth(year) : fourth(year - 1);
  return (own - first) / 7 + 1;
}

function relates(
  one: unknown,
  other: unknown,
  value: Extract<SigmaValue, { type: 'field' }>,
  event: ReadEvent,
): boolean {
  const [left, right] = [textOf(one), textOf(other)];
  if (left === undefined || right === undefined) return false;
  const text = value.cased ? left : event.lower(left);
  const wanted = value.cased ? right : event.lower(right);
  if (value.mode === 'equals') return text === wanted;
  if (value.mode === 'startswith') return text.startsWith(wanted);
  return value.mode === 'endswith' ? text.endsWith(wanted) : text.includes(wanted);
}

/** Every value at a path, whose keys may be written in one (`{"a.b": 1}`); lists give each of theirs. */
export function valuesAt(node: unknown, path: readonly string[]): unknown[] {
  if (Array.isArray(node)) return (node as unknown[]).flatMap((element) => valuesAt(element, path));
  if (path.length === 0) return node === undefined ? [] : [node];
  if (node === null || typeof node !== 'object') return [];
  return path.flatMap((_, at) => {
    const key = path.slice(0, at + 1).join('.');
    return Object.hasOwn(node, key)
      ? valuesAt((node as Record<string, unknown>)[key], path.slice(at + 1))
      : [];
  });
}

function scalarsOf(node: unknown): unknown[] {
  if (node === null || node === undefined) return [];
  return typeof node === 'object' ? Object.values(node).flatMap(scalarsOf) : [node];
}
