// The closed lists and name patterns that everything else refers to.
import { z } from 'zod';

/** Lower-case name of a site, tenant, source or dataset part: safe in file names, topics and index names. */
export const Slug = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    'must be lower-case letters, digits and hyphens, 1 to 63 long',
  );

/** ECS `event.dataset`: `<module>.<name>`, e.g. `kubernetes.audit`; index-name safe. */
export const DatasetName = z
  .string()
  .regex(/^[a-z0-9_]+(?:\.[a-z0-9_]+)*$/, 'must be lower-case words joined by dots')
  .max(63);

/** Lower-case ISO 3166-1 country, optionally with an ISO 3166-2 subdivision: `eu-fr`, `cn-gd`, `ch`. */
export const Jurisdiction = z
  .string()
  .regex(/^[a-z]{2}(?:-[a-z0-9]{2,3})?$/, 'must look like `cn-gd` or `eu-fr`');

export const SiteTier = z.enum(['centre', 'region', 'edge']);
export type SiteTier = z.infer<typeof SiteTier>;

/**
 * The closed list of residency classes (`picket.class`): what kind of data a record is, which residency
 * rules speak of. An adapter declares one for each of its datasets.
 */
export const RESIDENCY_CLASSES = [
  'control-plane-audit',
  'host-audit',
  'authentication',
  'process',
  'network-flow',
  'runtime-alert',
  'vulnerability',
  'system-log',
  'application-log',
  'operational',
] as const;
export const ResidencyClass = z.enum(RESIDENCY_CLASSES);
export type ResidencyClass = z.infer<typeof ResidencyClass>;

/** Sigma's levels, in rising order. */
export const LEVELS = ['informational', 'low', 'medium', 'high', 'critical'] as const;
export const Level = z.enum(LEVELS);
export type Level = z.infer<typeof Level>;

/** ECS `event.severity`-like number of a level: 1, 21, 47, 73, 99 (Elastic Security's risk score scale). */
export const LEVEL_SCORE: Readonly<Record<Level, number>> = {
  informational: 1,
  low: 21,
  medium: 47,
  high: 73,
  critical: 99,
};
