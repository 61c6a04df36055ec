// The roles of a site: what one process does of its work, where several share it.
import { PicketError } from '../../platform/core/errors.ts';
import type { SiteConfig } from '../site-config.ts';

export const ROLES = ['ingest', 'index', 'detect', 'api'] as const;
export type Role = (typeof ROLES)[number];
export type Roles = ReadonlySet<Role>;

export const ALL_ROLES: Roles = new Set(ROLES);

/** Reads `ingest,index` or `all`. @throws PicketError ROLE_UNKNOWN */
export function parseRoles(text: string): Roles {
  const names = text.split(',').map((name) => name.trim());
  const roles = new Set<Role>();
  for (const name of names) {
    if (name === 'all') return ALL_ROLES;
    const role = ROLES.find((one) => one === name);
    if (role === undefined)
      throw new PicketError({
        code: 'ROLE_UNKNOWN',
        message: `no role \`${name}\`: there are ${ROLES.join(', ')} and all`,
      });
    roles.add(role);
  }
  return roles;
}

export function isWhole(roles: Roles): boolean {
  return roles.size === ROLES.length;
}

/** As it is written on the command line. */
export function describeRoles(roles: Roles): string {
  return isWhole(roles) ? 'all' : ROLES.filter((role) => roles.has(role)).join(',');
}

/**
 * Processes that share a site's work meet on Kafka and Elasticsearch; the embedded engines belong to one process.
 * @throws PicketError ROLE_ENGINES
 */
export function checkEngines(config: SiteConfig, roles: Roles): void {
  if (isWhole(roles)) return;
  const wanted = { bus: 'kafka', index: 'elasticsearch', records: 'elasticsearch' } as const;
  const embedded = (['bus', 'index', 'records'] as const).filter(
    (part) => config[part].engine !== wanted[part],
  );
  if (embedded.length > 0)
    throw new PicketError({
      code: 'ROLE_ENGINES',
      message: `the role ${describeRoles(roles)} needs ${embedded.map((part) => `\`${part}.engine: ${wanted[part]}\``).join(' and ')}: other processes of the site cannot open what is embedded in this one`,
    });
}
