// Why pySigma's SQLite backend and Picket differ on a rule and an event: a reading of Sigma that, put into the reference, makes it answer as SQLite does.
import type { JsonObject } from '../../../../platform/core/event.ts';
import {
  type ReadableRule,
  ReadEvent,
  type Readings,
  ruleHolds,
  SIGMA_READINGS,
} from '../reference-engine.ts';

export interface Class {
  readonly name: string;
  /** Who is right, and why. */
  readonly right: string;
  /** What is read otherwise. */
  readonly readings: Partial<Readings>;
}

/** The table in docs/sigma.md says the same in the same order. */
export const CLASSES: readonly Class[] = [
  {
    name: 'letters beyond ASCII',
    right: 'Picket: the specification compares without case and names no alphabet; SQLite folds A to Z only',
    readings: { lower: (text) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) },
  },
  {
    name: 'networks as patterns',
    right:
      'Picket: `cidr` is membership of an address; the backend asks how the text begins, so `127.0.0.7x` is in 127.0.0.0/8',
    readings: { isWithin: beginsLikeNetwork },
  },
  {
    name: 'numbers with leading zeros',
    right:
      'open: the specification does not say whether the text `00` is the number 0; Picket reads its value, a TEXT column its digits',
    readings: { numberIn: (text) => (String(Number(text)) === text ? Number(text) : undefined) },
  },
  {
    name: 'letters beyond ASCII in regular expressions',
    right:
      'Picket: the specification names PCRE, to which `İ` is no `i`; Python takes it, `ı`, `ſ` and the Kelvin sign for ASCII letters',
    readings: {
      searched: (text, flags) =>
        flags.includes('i')
          ? text.replace(/[İı]/g, 'i').replaceAll('ſ', 's').replaceAll('\u212a', 'k')
          : text,
    },
  },
];

/** The class whose reading makes the reference answer `bySqlite`; undefined when none does. */
export function explainDifference(options: {
  rule: ReadableRule;
  event: JsonObject;
  bySqlite: boolean;
}): Class | undefined {
  const { rule, event, bySqlite } = options;
  return CLASSES.find(
    ({ readings }) => ruleHolds(rule, new ReadEvent(event, { ...SIGMA_READINGS, ...readings })) === bySqlite,
  );
}

/**
 * As the backend's patterns: whole groups of the text (of 8 bits for IPv4, of 16 for IPv6) are the
 * network's, and anything may follow; letters in any case, also where the text is no address.
 */
function beginsLikeNetwork(text: string, network: string): boolean {
  const lower = text.toLowerCase();
  const [base = '', length] = network.split('/');
  if (base.includes('.')) {
    const groups = Math.ceil(Number(length ?? 32) / 8);
    const written = lower.split('.');
    if (groups === 4) return lower === base;
    if (written.length <= groups) return false;
    const begin = [...written.slice(0, groups), '0', '0', '0'].slice(0, 4);
    return SIGMA_READINGS.isWithin(begin.join('.'), network);
  }
  const groups = Math.ceil(Number(length ?? 128) / 16);
  const written = lower.split(':');
  if (groups === 8) return lower === base;
  if (written.length <= groups) return false;
  const begin = written.slice(0, groups).map((group) => group.padStart(4, '0'));
  return SIGMA_READINGS.isWithin(`${begin.join(':')}::`, network);
}
