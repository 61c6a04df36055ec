// Explains the risk of a case: a table of parts, each with what it found, how much it counts, and why.
import type { Alert } from '../../platform/core/alert.ts';
import { entityKey } from '../../platform/core/entity.ts';
import type { Incident } from '../../platform/core/incident.ts';
import { LEVELS } from '../../platform/core/names.ts';
import type { Criticality, Risk, RiskPart } from '../../platform/core/risk.ts';

/** ATT&CK's tactics in the order of its matrix for enterprises; how far along says how near the goal. */
const TACTICS = [
  'reconnaissance',
  'resource-development',
  'initial-access',
  'execution',
  'persistence',
  'privilege-escalation',
  'stealth',
  'defense-evasion',
  'defense-impairment',
  'credential-access',
  'discovery',
  'lateral-movement',
  'collection',
  'command-and-control',
  'exfiltration',
  'impact',
];

/** Of a part's weight, of 100. */
const WEIGHTS = { severity: 35, criticality: 20, weakness: 15, progress: 20, rarity: 10 } as const;

const CRITICALITY_VALUE: Readonly<Record<Criticality, number>> = {
  low: 0.25,
  medium: 0.5,
  high: 0.75,
  critical: 1,
};

/**
 * - severity: the gravest alert's level, of informational (0) to critical (1)
 * - criticality: of the most critical asset that the case is about; half where none is listed, since it is not known
 * - weakness: 1 for a weakness that is exploited or critical on an image or host of the case, 0.6 for a high one
 * - progress: how far along ATT&CK's tactics the furthest alert is, (place + 1) / 16
 * - rarity: the greatest weight of an entity that joins its alerts, 0.5 for a single alert
 */
export function scoreRisk(options: {
  incident: Incident;
  /** Alerts of scans about what the case is about: of its own, or of others that share an image or host. */
  weaknesses: readonly Pick<Alert, 'rule'>[];
  criticality: { value: Criticality; asset: string } | undefined;
}): Risk {
  const { incident, criticality } = options;
  const parts: RiskPart[] = [];
  const add = (part: RiskPart['part'], value: number, reason: RiskPart['reason']): void => {
    const weight = WEIGHTS[part];
    parts.push({ part, value, weight, points: Math.round(value * weight * 10) / 10, reason });
  };
  const gravest = [...incident.alerts].sort((a, b) => LEVELS.indexOf(b.level) - LEVELS.indexOf(a.level))[0];
  add('severity', LEVELS.indexOf(incident.level) / (LEVELS.length - 1), {
    code: 'severity',
    values: { level: incident.level, rule: gravest?.rule_name ?? '' },
  });
  add(
    'criticality',
    criticality ? CRITICALITY_VALUE[criticality.value] : 0.5,
    criticality
      ? { code: 'criticality', values: { criticality: criticality.value, asset: criticality.asset } }
      : { code: 'criticality-unknown', values: {} },
  );
  const worst = [...options.weaknesses].sort(
    (a, b) => LEVELS.indexOf(b.rule.level) - LEVELS.indexOf(a.rule.level),
  )[0];
  const grave = worst !== undefined && LEVELS.indexOf(worst.rule.level) >= LEVELS.indexOf('high');
  add(
    'weakness',
    worst === undefined ? 0 : grave ? 1 : worst.rule.level === 'medium' ? 0.6 : 0.2,
    worst === undefined
      ? { code: 'weakness-none', values: {} }
      : { code: 'weakness', values: { rule: worst.rule.name, count: options.weaknesses.length } },
  );
  const places = incident.threat.map(({ tactic }) => TACTICS.indexOf(tactic ?? ''));
  const furthest = Math.max(-1, ...places);
  add(
    'progress',
    (furthest + 1) / TACTICS.length,
    furthest < 0
      ? { code: 'progress-none', values: {} }
      : {
          code: 'progress',
          values: {
            tactic: TACTICS[furthest] as string,
            tactics: new Set(places.filter((at) => at >= 0)).size,
          },
        },
  );
  const joined = incident.joins.filter(({ entity }) => entity).sort((a, b) => b.weight - a.weight)[0];
  add(
    'rarity',
    joined ? Math.min(1, joined.weight) : 0.5,
    joined?.entity
      ? { code: 'rarity', values: { entity: entityKey(joined.entity), value: joined.entity.value } }
      : { code: 'rarity-single', values: {} },
  );
  const score = parts.reduce((sum, { points }) => sum + points, 0);
  return { score: Math.round(score), parts };
}
