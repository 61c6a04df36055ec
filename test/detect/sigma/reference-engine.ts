// A plain engine that reads each rule in the most obvious way: no index, no sharing, no memory; the fast engine must agree with it.
import ipaddr from 'ipaddr.js';
import type {
  Condition,
  DetectionItem,
  DetectionNode,
  SigmaRule,
  SigmaValue,
} from '../../../detect/sigma/rule.ts';
import type { SigmaText } from '../../../detect/sigma/sigma-text.ts';

/** True when any condition of the rule holds for the event; the logsource is not looked at. */
export function ruleHolds(rule: SigmaRule, event: object): boolean {
  return rule.conditions.some((condition) => conditionHolds(condition, rule, event));
}

function conditionHolds(condition: Condition, rule: SigmaRule, event: object): boolean {
  if (condition.op === 'selection')
    return nodeHolds(rule.selections.get(condition.name) as DetectionNode, event);
  if (condition.op === 'not') return !conditionHolds(condition.of, rule, event);
  const holds = (part: Condition): boolean => conditionHolds(part, rule, event);
  return condition.op === 'and' ? condition.of.every(holds) : condition.of.some(holds);
}

function nodeHolds(node: DetectionNode, event: object): boolean {
  if (node.kind === 'item') return itemHolds(node, event);
  const holds = (part: DetectionNode): boolean => nodeHolds(part, event);
  return node.linking === 'all' ? node.of.every(holds) : node.of.some(holds);
}

function itemHolds(item: DetectionItem, event: object): boolean {
  const found = item.field === undefined ? scalarsOf(event) : valuesAt(event, item.field);
  const holds = (value: SigmaValue): boolean => valueHolds(value, found, item.field === undefined, event);
  const joined = item.linking === 'all' ? item.values.every(holds) : item.values.some(holds);
  return joined !== item.negated;
}

function valueHolds(value: SigmaValue, found: unknown[], keyword: boolean, event: object): boolean {
  const present = found.filter((one) => one !== null);
  if (value.type === 'any') return value.of.some((one) => valueHolds(one, found, keyword, event));
  if (value.type === 'null') return !keyword && present.length === 0;
  if (value.type === 'exists') return value.value === present.length > 0;
  if (
    value.type === 'text' &&
    !keyword &&
    value.text.length > 0 &&
    value.text.every((part) => typeof part === 'object' && 'wild' in part && part.wild === '*')
  ) {
    return present.length > 0;
  }
  return present.some((one) => {
    switch (value.type) {
      case 'time_part':
      case 'compare':
        return compares(value, one);
      case 'cidr': {
        if (typeof one !== 'string') return false;
        try {
          const [base = '', bits] = value.value.split('/');
          const network = ipaddr.process(base);
          const address = ipaddr.process(one.replace(/%.*$/, ''));
          return (
            address.kind() === network.kind() &&
            address.match(network as never, Number(bits ?? (network.kind() === 'ipv4' ? 32 : 128)))
          );
        } catch {
          return false;
        }
      }
      default:
        break;
    }
    if (typeof one === 'object') return false;
    const text = (one as string | number | boolean).toString();
    switch (value.type) {
      case 'text':
        return wildcardRegex(value.text, keyword, value.cased === true).test(
          value.cased ? text : text.toLowerCase(),
        );
      case 'number':
        return keyword
          ? text.includes(String(value.value))
          : text.trim() !== '' && Number(text) === value.value;
      case 'boolean':
        return text.toLowerCase() === String(value.value);
      case 'regex':
        return new RegExp(value.pattern, value.flags).test(text);
      case 'field':
        return valuesAt(event, value.other).some((other) => {
          if (other === null || typeof other === 'object') return false;
          const [a, b] = value.cased
            ? [text, (other as string | number | boolean).toString()]
            : [text.toLowerCase(), (other as string | number | boolean).toString().toLowerCase()];
          if (value.mode === 'equals') return a === b;
          if (value.mode === 'contains') return a.includes(b);
          return value.mode === 'startswith' ? a.startsWith(b) : a.endsWith(b);
        });
      default:
        return false;
    }
  });
}

function compares(value: Extract<SigmaValue, { type: 'compare' | 'time_part' }>, one: unknown): boolean {
  if (typeof one !== 'number' && typeof one !== 'string') return false;
  const time = typeof one === 'number' ? one : Date.parse(one);
  if (value.type === 'time_part') {
    const date = new Date(time);
    if (Number.isNaN(time) || value.part === 'week') return false;
    const parts = {
      minute: date.getUTCMinutes(),
      hour: date.getUTCHours(),
      day: date.getUTCDate(),
      month: date.getUTCMonth() + 1,
      year: date.getUTCFullYear(),
    };
    return parts[value.part] === value.value;
  }
  const wanted = typeof value.value === 'number' ? value.value : Date.parse(value.value);
  const number =
    typeof value.value === 'string'
      ? time
      : typeof one === 'string' && one.trim() === ''
        ? Number.NaN
        : Number(one);
  return { lt: number < wanted, lte: number <= wanted, gt: number > wanted, gte: number >= wanted }[
    value.with
  ];
}

function wildcardRegex(text: SigmaText, keyword: boolean, cased: boolean): RegExp {
  const source = text
    .map((part) => {
      if (typeof part === 'string')
        return (cased ? part : part.toLowerCase()).replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
      if ('placeholder' in part) return '(?!)';
      return part.wild === '*' ? '[^]*' : '[^]';
    })
    .join('');
  return new RegExp(keyword ? source : `^${source}$`);
}

/** Every value at a dotted path; lists and lists of objects give each of theirs. */
export function valuesAt(node: unknown, path: string): unknown[] {
  if (Array.isArray(node)) return (node as unknown[]).flatMap((element) => valuesAt(element, path));
  if (path === '') return node === undefined ? [] : [node];
  if (node === null || typeof node !== 'object') return [];
  const found: unknown[] = [];
  for (const [key, value] of Object.entries(node)) {
    if (key === path) found.push(...valuesAt(value, ''));
    else if (path.startsWith(`${key}.`)) found.push(...valuesAt(value, path.slice(key.length + 1)));
  }
  return found;
}

function scalarsOf(node: unknown): unknown[] {
  if (node === null || node === undefined) return [];
  return typeof node === 'object' ? Object.values(node).flatMap(scalarsOf) : [node];
}
