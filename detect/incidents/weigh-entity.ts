// What sharing an entity says of two alerts: its type's weight times its rarity; and the bounds of joining.
import type { Alert } from '../../platform/core/alert.ts';
import { type Entity, type EntityType, entityKey } from '../../platform/core/entity.ts';
import type { RarityTable } from './rarity.ts';

/** What joining needs of an alert. */
export interface AlertNode {
  readonly id: string;
  readonly tenant: string;
  /** ms since the epoch. */
  readonly first: number;
  readonly last: number;
  readonly entities: readonly Entity[];
}

export interface JoinLimits {
  /** The longest gap between two alerts' spans of time. */
  readonly window_ms: number;
  /** θ: an edge needs at least this weight. */
  readonly least_weight: number;
  /** Alerts above which θ rises (leastWeight in partition.ts). */
  readonly size_cap: number;
}

export const DEFAULT_LIMITS: JoinLimits = { window_ms: 24 * 3_600_000, least_weight: 0.4, size_cap: 200 };

/** How much one shared entity of a type says, before rarity: a hash says more than an account. */
export const TYPE_WEIGHT: Readonly<Record<EntityType, number>> = {
  hash: 1,
  process: 1,
  image: 1,
  pod: 1,
  certificate: 1,
  'service-account': 0.9,
  host: 0.9,
  user: 0.9,
  address: 0.8,
  domain: 0.8,
  'cloud-account': 0.4,
};

/** Values that stand for everything and so for nothing; compared in lower case, without regard to scope. */
export const NEVER_JOINS: Readonly<Partial<Record<EntityType, ReadonlySet<string>>>> = {
  user: new Set([
    'system',
    'root',
    'administrator',
    'guest',
    'nobody',
    'daemon',
    'www-data',
    'anonymous',
    'anonymous logon',
    'local service',
    'network service',
    's-1-5-18',
    's-1-5-19',
    's-1-5-20',
    's-1-5-7',
    'kubernetes-admin',
    'kube-apiserver',
  ]),
  address: new Set(['0.0.0.0', '::', '::1', '127.0.0.1', '255.255.255.255', '169.254.169.254']),
  host: new Set(['localhost', 'localhost.localdomain']),
  domain: new Set(['localhost', 'local', 'in-addr.arpa']),
  'service-account': new Set(['default/default', 'kube-system/default']),
};

/** Weight of sharing an entity: its type's weight × its rarity; 0 for what joins nothing. */
export function weighEntity(entity: Entity, rarity: RarityTable): number {
  const value = entity.value.toLowerCase();
  if (NEVER_JOINS[entity.type]?.has(value)) return 0;
  if (entity.type === 'address' && (value.startsWith('127.') || /^(?:22[4-9]|23\d)\./.test(value))) return 0;
  return TYPE_WEIGHT[entity.type] * rarityOf(rarity.spread[entityKey(entity)] ?? 0);
}

/** 1 for what was seen nowhere else, a half at a spread of 8, falling with its logarithm. */
export function rarityOf(spread: number): number {
  return 1 / (1 + Math.log2(1 + spread / 8));
}

/** What joining needs of an alert. */
export function nodeOf(alert: Pick<Alert, 'id' | 'tenant' | 'first' | 'last' | 'entities'>): AlertNode {
  return {
    id: alert.id,
    tenant: alert.tenant,
    first: Date.parse(alert.first),
    last: Date.parse(alert.last),
    entities: alert.entities,
  };
}
