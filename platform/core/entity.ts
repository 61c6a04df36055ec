// Entities: what alerts are about and incidents join by; each has a type, a scope and a value.
import { z } from 'zod';
import { canonicalAddress, isPublicAddress } from './network.ts';

export const ENTITY_TYPES = [
  'host',
  'user',
  'process',
  'address',
  'domain',
  'hash',
  'pod',
  'service-account',
  'image',
  'certificate',
  'cloud-account',
] as const;
export const EntityType = z.enum(ENTITY_TYPES);
export type EntityType = z.infer<typeof EntityType>;

/**
 * `scope` is where the value means one thing: `global`, `tenant:<tenant>`, `cluster:<name>` or
 * `site:<id>` (SEMANTICS, Entities). Two entities are one when all three agree.
 */
export const Entity = z.object({ type: EntityType, scope: z.string(), value: z.string().min(1).max(1024) });
export type Entity = z.infer<typeof Entity>;

/** One text for one entity: a key for maps and joins. */
export function entityKey(entity: Entity): string {
  return `${entity.type}|${entity.scope}|${entity.value}`;
}

/** Where an entity was seen, to decide its scope. */
export interface EntityContext {
  tenant: string;
  site: string;
  /** Kubernetes cluster name; pods and service accounts fall to the site without it. */
  cluster?: string | undefined;
}

/** Local accounts that exist on every machine and are never a tenant's. */
const LOCAL_ACCOUNTS =
  /^(?:root|nobody|daemon|www-data|administrator|guest|system|local service|network service|anonymous logon)$/;

/**
 * Makes an entity with the scope that SEMANTICS gives its type and value. Returns undefined for an empty
 * value, an address that is none, or a value that names nothing (`-`, `0.0.0.0`, `::`).
 */
export function makeEntity(type: EntityType, rawValue: string, context: EntityContext): Entity | undefined {
  const trimmed = rawValue.trim();
  if (trimmed === '' || trimmed === '-' || trimmed.length > 1024) return undefined;
  const site = `site:${context.site}`;
  const tenant = `tenant:${context.tenant}`;
  const cluster = context.cluster ? `cluster:${context.cluster}` : site;
  const lower = trimmed.toLowerCase();
  switch (type) {
    case 'address': {
      const value = canonicalAddress(trimmed);
      if (value === undefined || value === '0.0.0.0' || value === '::') return undefined;
      return { type, scope: isPublicAddress(value) ? 'global' : site, value };
    }
    case 'host': {
      const value = lower.replace(/\.$/, '');
      return { type, scope: value.includes('.') ? tenant : site, value };
    }
    case 'user': {
      // `CORP\a`, `corp.example\a` and `a@corp.example` are one domain account; a bare name is local to its site; a SID is the tenant's.
      const down = /^([^\\]+)\\([^\\]+)$/.exec(lower);
      const up = /^([^@]+)@([^@]+)$/.exec(lower);
      const domain = (down?.[1] ?? up?.[2])?.split('.')[0];
      const name = down?.[2] ?? up?.[1] ?? lower;
      if (lower.startsWith('s-1-5-21-')) return { type, scope: tenant, value: lower };
      if (domain === undefined || LOCAL_ACCOUNTS.test(name) || domain === 'nt authority')
        return { type, scope: site, value: name };
      return { type, scope: tenant, value: `${name}@${domain}` };
    }
    case 'process':
      return { type, scope: site, value: trimmed };
    case 'pod':
    case 'service-account':
      return { type, scope: cluster, value: trimmed };
    case 'cloud-account':
      return { type, scope: tenant, value: trimmed };
    case 'domain':
      return { type, scope: 'global', value: lower.replace(/\.$/, '') };
    case 'hash':
    case 'image':
    case 'certificate':
      return { type, scope: 'global', value: lower };
  }
}
