// Loads and compiles the residency policies: one's own with its hash key, the others for checking what children send.

import { PicketError } from '../platform/core/errors.ts';
import { parseKql } from '../platform/core/kql/parse-kql.ts';
import {
  type CompiledResidencyPolicy,
  compileResidencyPolicy,
} from '../platform/residency/compile-policy.ts';
import { loadResidencyPolicies } from '../platform/residency/load-policies.ts';

export interface Residency {
  readonly own: CompiledResidencyPolicy;
  readonly policies: ReadonlyMap<string, CompiledResidencyPolicy>;
}

/** @throws ConfigError for faulty files; PicketError RESIDENCY_POLICY_MISSING when the site's own jurisdiction has none */
export function loadResidency(options: {
  folder: string;
  jurisdiction: string;
  hashKey: Uint8Array;
}): Residency {
  const { folder, jurisdiction, hashKey } = options;
  const policies = new Map<string, CompiledResidencyPolicy>();
  for (const [name, policy] of loadResidencyPolicies(folder)) {
    policies.set(
      name,
      compileResidencyPolicy({ policy, parseQuery: parseKql, ...(name === jurisdiction ? { hashKey } : {}) }),
    );
  }
  const own = policies.get(jurisdiction);
  if (!own) {
    throw new PicketError({
      code: 'RESIDENCY_POLICY_MISSING',
      message: `no residency policy for ${jurisdiction}: write one, since what has no rule stays`,
      place: { file: folder },
    });
  }
  return { own, policies };
}
