// At which sites a rule of scope fleet is blind: what it reads does not leave there, or not as it is.
import { judgeSight, type Sight } from '../../detect/coverage/judge-sight.ts';
import type { EngineRule } from '../../detect/sigma/engine/engine.ts';
import type { ResidencyPolicy } from '../../platform/residency/policy.ts';
import type { BlindSpotView } from '../api/coverage-contract.ts';
import { actOn, findHiddenFields } from './hidden-fields.ts';

export interface FleetRule {
  readonly id: string;
  readonly name: string;
  /** The plain rules that it is made of: itself, or what a correlation names. */
  readonly inputs: readonly {
    readonly mapped: EngineRule['mapped'];
    /** Classes of the datasets that can feed it. */
    readonly classes: readonly string[];
  }[];
  /** Fields that make its keys: hashed ones still join. */
  readonly keys: readonly string[];
}

export interface FleetSite {
  readonly id: string;
  readonly jurisdiction: string;
}

export function findBlindSites(options: {
  rules: readonly FleetRule[];
  sites: readonly FleetSite[];
  policies: ReadonlyMap<string, ResidencyPolicy>;
  /** Jurisdiction of the parent, which works the rules. */
  destination: string;
}): BlindSpotView[] {
  const { rules, sites, policies, destination } = options;
  return rules.flatMap((rule) =>
    sites.flatMap((site): BlindSpotView[] => {
      const judged = judgeRule(rule, policies.get(site.jurisdiction), destination);
      if (judged.sight === 'sees') return [];
      return [
        {
          rule: rule.id,
          rule_name: rule.name,
          site: site.id,
          jurisdiction: site.jurisdiction,
          sight: judged.sight,
          stays: judged.stays,
          hidden: judged.hidden,
        },
      ];
    }),
  );
}

interface Judged {
  readonly sight: Sight;
  /** Classes of which nothing leaves. */
  readonly stays: string[];
  /** `field: act`. */
  readonly hidden: string[];
}

function judgeRule(rule: FleetRule, policy: ResidencyPolicy | undefined, destination: string): Judged {
  const stays = new Set<string>();
  const hidden = new Set<string>();
  const sights = rule.inputs.flatMap(({ mapped, classes }) =>
    classes.map((recordClass): Sight => {
      const there = findHiddenFields({ policy, recordClass, destination });
      if (there.stays) {
        stays.add(recordClass);
        return 'blind';
      }
      const judged = judgeSight(mapped.expression, (field) => actOn(there, field) !== undefined);
      for (const field of judged.hidden) hidden.add(`${field}: ${actOn(there, field)}`);
      const keyless = rule.keys.filter((field) => ['drop', 'mask'].includes(actOn(there, field) ?? ''));
      for (const field of keyless) hidden.add(`${field}: ${actOn(there, field)}`);
      return keyless.length > 0 ? 'blind' : judged.sight;
    }),
  );
  // What no source feeds is told elsewhere.
  const sight: Sight = sights.every((one) => one === 'sees')
    ? 'sees'
    : sights.every((one) => one === 'blind')
      ? 'blind'
      : 'partly';
  return { sight, stays: [...stays].sort(), hidden: [...hidden].sort() };
}
