// Removes values that a rule hid in one field from every other place of the same record.
import type { JsonObject } from '../core/event.ts';
import { REMOVED } from './change-value.ts';
import type { Change } from './field-tree.ts';

/** A text shorter than this is hidden only where it is the whole value: inside others it would be noise. */
const SHORTEST_INSIDE = 4;

/** What lies deeper than this cannot be looked at and does not leave. */
const DEEPEST = 200;

/** Routing and closed vocabularies: a parent works by them, and they say nothing of a person. */
const KEPT_PATHS = new Set([
  '@timestamp',
  'ecs',
  'event.id',
  'event.kind',
  'event.category',
  'event.type',
  'event.outcome',
  'event.module',
  'event.dataset',
  'picket',
]);

/** Field names that stand in every record; a value that happens to be one of them is no reason to lose the field. */
const KEPT_KEYS = new Set(
  (
    '@timestamp ecs event picket user host process source destination client server network file registry url dns ' +
    'tls http agent observer orchestrator kubernetes container cloud service rule threat vulnerability package ' +
    'related log error labels tags group winlog falco trivy netflow name id ip address port domain email hash path ' +
    'type action category kind outcome dataset module version field value parent target roles full_name status code'
  ).split(' '),
);

export interface Scrubber {
  /** The text with every secret replaced, or undefined when the whole of it was one that is removed. */
  text(value: string): string | undefined;
  /** True when a secret stands in it. */
  holds(value: string): boolean;
}

/** A longer secret is looked for as text: the engine refuses a regular expression of some ten thousand characters. */
const LONGEST_IN_PATTERN = 512;

/** So many characters of secrets go into one regular expression. */
const PATTERN_LENGTH = 8_192;

/** Undefined when there is nothing to hide. Case is ignored. */
export function createScrubber(secrets: Change['secrets']): Scrubber | undefined {
  if (secrets.size === 0) return undefined;
  const replacements = new Map([...secrets].map(([text, by]) => [text.toLowerCase(), by]));
  // As written and in lower case: folding changes the length of some letters (`İ`).
  const inside = [...new Set([...secrets.keys(), ...replacements.keys()])]
    .filter((text) => text.length >= SHORTEST_INSIDE)
    .sort((a, b) => b.length - a.length);
  const long = [
    ...new Set(inside.filter((text) => text.length > LONGEST_IN_PATTERN).map((text) => text.toLowerCase())),
  ];
  const patterns = compilePatterns(inside.filter((text) => text.length <= LONGEST_IN_PATTERN));
  const replaceLong = (value: string, secret: string): string => {
    const lower = value.toLowerCase();
    if (!lower.includes(secret)) return value;
    const by = replacements.get(secret) ?? REMOVED;
    // Where folding moved the letters the place is not known: nothing of the text stays.
    if (lower.length !== value.length) return REMOVED;
    let kept = '';
    let from = 0;
    for (let at = lower.indexOf(secret); at >= 0; at = lower.indexOf(secret, from)) {
      kept += value.slice(from, at) + by;
      from = at + secret.length;
    }
    return kept + value.slice(from);
  };
  return {
    text: (value) => {
      const whole = value.trim().toLowerCase();
      if (replacements.has(whole)) return replacements.get(whole);
      let text = value;
      for (const secret of long) if (secret.length <= text.length) text = replaceLong(text, secret);
      for (const pattern of patterns)
        text = text.replace(pattern, (found) => replacements.get(found.toLowerCase()) ?? REMOVED);
      return text;
    },
    holds: (value) => {
      const lower = value.toLowerCase();
      if (replacements.has(lower.trim())) return true;
      return (
        long.some((secret) => lower.includes(secret)) ||
        patterns.some((pattern) => value.search(pattern) >= 0)
      );
    },
  };
}

/** One regular expression for as many texts as it can hold; what a stranger wrote decides how many texts there are. */
function compilePatterns(texts: readonly string[]): RegExp[] {
  const groups: string[][] = [];
  let room = 0;
  for (const text of texts) {
    const escaped = text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
    if (escaped.length > room) {
      groups.push([]);
      room = PATTERN_LENGTH;
    }
    groups.at(-1)?.push(escaped);
    room -= escaped.length;
  }
  return groups.map((group) => new RegExp(group.join('|'), 'giu'));
}

/** A copy of an event without the secrets, in values and in keys. */
export function scrubEvent(event: JsonObject, scrubber: Scrubber): JsonObject {
  return scrubMembers({ object: event, path: '', depth: 0, scrubber });
}

function scrubMembers(options: {
  object: JsonObject;
  path: string;
  depth: number;
  scrubber: Scrubber;
}): JsonObject {
  const { object, path, depth, scrubber } = options;
  const scrubbed: JsonObject = {};
  for (const [key, member] of Object.entries(object)) {
    const here = path === '' ? key : `${path}.${key}`;
    if (KEPT_PATHS.has(here)) {
      scrubbed[key] = here === 'picket' ? scrubPeer(member, scrubber) : member;
      continue;
    }
    if (!KEPT_KEYS.has(key) && scrubber.holds(key)) continue;
    const kept = scrubValue({ value: member, path: here, depth: depth + 1, scrubber });
    if (kept === undefined) continue;
    if (key === '__proto__') Object.defineProperty(scrubbed, key, { value: kept, enumerable: true });
    else scrubbed[key] = kept;
  }
  return scrubbed;
}

function scrubValue(options: { value: unknown; path: string; depth: number; scrubber: Scrubber }): unknown {
  const { value, depth, scrubber } = options;
  if (typeof value === 'string') return scrubber.text(value);
  if (value === null || typeof value !== 'object') return value;
  if (depth > DEEPEST) return undefined;
  if (Array.isArray(value)) {
    return value
      .map((element: unknown) => scrubValue({ ...options, value: element, depth: depth + 1 }))
      .filter((element) => element !== undefined);
  }
  return scrubMembers({ object: value as JsonObject, path: options.path, depth, scrubber });
}

/** Of `picket.*` only the sender's address can hold a value of the record. */
function scrubPeer(picket: unknown, scrubber: Scrubber): unknown {
  const { source } = picket as { source?: JsonObject };
  const peer = source?.['peer'];
  if (typeof peer !== 'string' || !scrubber.holds(peer)) return picket;
  const kept = scrubber.text(peer);
  const { peer: _, ...rest } = source as JsonObject;
  return { ...(picket as JsonObject), source: kept === undefined ? rest : { ...rest, peer: kept } };
}
