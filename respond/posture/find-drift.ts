// Compares what a firewall holds with what it held after our last change: addresses that went or came, rules that are not ours.
import { canonicalAddress } from '../../platform/core/network.ts';
import type { DeniedAddress } from './render-nftables.ts';

/** What a firewall holds of ours, without what changes by itself (counters, remaining times). */
export interface FirewallState {
  readonly denied: ReadonlySet<string>;
  /** All but the elements of sets. */
  readonly rules: string;
}

export interface Drift {
  readonly code: 'TABLE_GONE' | 'ADDRESS_GONE' | 'ADDRESS_ADDED' | 'RULES_CHANGED';
  /** In words, for people. */
  readonly what: string;
}

/** A set's elements, as our own script and `nft list table` write them. */
const ELEMENTS = /elements = \{([^}]*)\}/g;

/** A lease that ends within this may have been ended by the kernel already. */
const NEAR_END_MS = 2_000;

/** Of a ruleset as text; undefined when there is none. */
export function readFirewall(text: string | undefined): FirewallState | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const denied = new Set<string>();
  for (const [, elements = ''] of text.matchAll(ELEMENTS)) {
    for (const element of elements.split(',')) {
      const [first = ''] = element.trim().split(/\s+/);
      const address = canonicalAddress(first) ?? first;
      if (address !== '') denied.add(address);
    }
  }
  const rules = text
    .replaceAll(ELEMENTS, '')
    .replaceAll(/^\s*#.*$/gm, '')
    .replaceAll(/counter packets \d+ bytes \d+/g, 'counter')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return { denied, rules };
}

/**
 * What differs. `applied` are the addresses that the last change denied: one whose lease is over, or about to
 * be, is ended by the kernel and has not drifted.
 */
export function findDrift(options: {
  before: FirewallState;
  after: FirewallState | undefined;
  applied: readonly DeniedAddress[];
  now: number;
}): Drift[] {
  const { before, after, applied, now } = options;
  if (!after) return [{ code: 'TABLE_GONE', what: 'nothing of it is there' }];
  const found: Drift[] = [];
  const lasting = applied.filter(({ until }) => until > now + NEAR_END_MS);
  const gone = lasting
    .map(({ address }) => canonicalAddress(address) ?? address)
    .filter((address) => before.denied.has(address) && !after.denied.has(address));
  if (gone.length > 0) found.push({ code: 'ADDRESS_GONE', what: `not denied any more: ${listSome(gone)}` });
  const added = [...after.denied].filter((address) => !before.denied.has(address));
  if (added.length > 0) found.push({ code: 'ADDRESS_ADDED', what: `denied by others: ${listSome(added)}` });
  if (after.rules !== before.rules) found.push({ code: 'RULES_CHANGED', what: 'its rules are others' });
  return found;
}

function listSome(addresses: readonly string[]): string {
  const shown = addresses.slice(0, 5).join(', ');
  return addresses.length > 5 ? `${shown} and ${addresses.length - 5} more` : shown;
}
