// Writes the ATT&CK coverage of rules as a layer of the ATT&CK Navigator, format 4.5 (mitre-attack/attack-navigator, layers/spec/v4.5).
import { readThreat } from '../worker/read-threat.ts';

/** A rule as coverage counts it. */
export interface CoveredRule {
  readonly id: string;
  readonly name: string;
  readonly level: string;
  readonly tags: readonly string[];
  /** False when no source can feed it: it is named, not counted. */
  readonly fed: boolean;
}

/** The parts of the format that we write. */
export interface NavigatorLayer {
  name: string;
  versions: { navigator: string; layer: '4.5' };
  domain: 'enterprise-attack' | 'ics-attack';
  description: string;
  sorting: 3;
  layout: {
    layout: 'side';
    showID: boolean;
    showName: boolean;
    showAggregateScores: boolean;
    countUnscored: boolean;
    aggregateFunction: 'sum';
    expandedSubtechniques: 'annotated';
  };
  hideDisabled: boolean;
  techniques: NavigatorTechnique[];
  gradient: { colors: string[]; minValue: number; maxValue: number };
  legendItems: { label: string; color: string }[];
  metadata: { name: string; value: string }[];
}

export interface NavigatorTechnique {
  techniqueID: string;
  /** Rules that could see it. */
  score: number;
  comment: string;
  enabled: true;
  metadata: { name: string; value: string }[];
  showSubtechniques?: true;
}

/** The least Navigator that reads format 4.5. */
const NAVIGATOR = '4.9.0';
const COLORS = ['#e9f1fb', '#7fb2e5', '#1f5fa8'];
const UNFED_COLOR = '#e9f1fb';
/** Names shown of a technique's rules. */
const SHOWN_NAMES = 25;

/**
 * One layer of a domain: techniques of ICS have ids T0xxx, all others count as enterprise. The score is the number
 * of rules that some source can feed; a technique that only unfed rules name has score 0.
 */
export function buildLayer(options: {
  rules: readonly CoveredRule[];
  name: string;
  description: string;
  domain: NavigatorLayer['domain'];
}): NavigatorLayer {
  const { rules, name, description, domain } = options;
  const byTechnique = new Map<string, CoveredRule[]>();
  for (const rule of rules) {
    for (const technique of techniquesOf(rule.tags)) {
      if (technique.startsWith('T0') !== (domain === 'ics-attack')) continue;
      byTechnique.set(technique, [...(byTechnique.get(technique) ?? []), rule]);
    }
  }
  const parents = new Set(
    [...byTechnique.keys()].flatMap((id) => (id.includes('.') ? [id.slice(0, 5)] : [])),
  );
  const techniques = [...byTechnique]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([techniqueID, found]): NavigatorTechnique => ({
        techniqueID,
        ...describe(found),
        enabled: true,
        ...(parents.has(techniqueID) ? { showSubtechniques: true as const } : {}),
      }),
    );
  const counted = rules.filter(({ fed }) => fed).length;
  return {
    name,
    versions: { navigator: NAVIGATOR, layer: '4.5' },
    domain,
    description,
    sorting: 3,
    layout: {
      layout: 'side',
      showID: true,
      showName: true,
      showAggregateScores: true,
      countUnscored: false,
      aggregateFunction: 'sum',
      expandedSubtechniques: 'annotated',
    },
    hideDisabled: false,
    techniques,
    // The upper bound must be above the lower one.
    gradient: {
      colors: COLORS,
      minValue: 0,
      maxValue: Math.max(1, ...techniques.map(({ score }) => score)),
    },
    legendItems: [{ label: 'rules that no source feeds', color: UNFED_COLOR }],
    metadata: [
      { name: 'rules', value: String(counted) },
      { name: 'rules that no source feeds', value: String(rules.length - counted) },
    ],
  };
}

/** Techniques that tags name, each once. */
export function techniquesOf(tags: readonly string[]): string[] {
  return [
    ...new Set(readThreat(tags).flatMap(({ technique }) => (technique === undefined ? [] : [technique]))),
  ];
}

function describe(rules: readonly CoveredRule[]): Pick<NavigatorTechnique, 'score' | 'comment' | 'metadata'> {
  const fed = rules.filter((rule) => rule.fed);
  const levels = new Map<string, number>();
  for (const { level } of fed) levels.set(level, (levels.get(level) ?? 0) + 1);
  const names = rules.map((rule) => (rule.fed ? rule.name : `${rule.name} (not fed)`)).sort();
  const more = names.length > SHOWN_NAMES ? [`… ${names.length - SHOWN_NAMES} more`] : [];
  return {
    score: fed.length,
    comment: [...names.slice(0, SHOWN_NAMES), ...more].join('\n'),
    metadata: [
      ...[...levels].map(([level, count]) => ({ name: level, value: String(count) })),
      ...(fed.length < rules.length ? [{ name: 'not fed', value: String(rules.length - fed.length) }] : []),
    ],
  };
}
