// Measures what the rules in force cover: techniques, the sources that feed them, and sites where they are blind.
import { type FeedingDataset, feedLogsources } from '../../detect/coverage/fed-logsources.ts';
import {
  buildLayer,
  type CoveredRule,
  type NavigatorLayer,
  techniquesOf,
} from '../../detect/coverage/navigator-layer.ts';
import type { EngineRule } from '../../detect/sigma/engine/engine.ts';
import { LogsourceRouter } from '../../detect/sigma/logsource-routes.ts';
import type { Logsource } from '../../detect/sigma/rule.ts';
import { SOURCE_ADAPTERS } from '../../ingest/registry.ts';
import type { EventIndex } from '../../platform/index/event-index.ts';
import type { ResidencyPolicy } from '../../platform/residency/policy.ts';
import type { CoverageView } from '../api/coverage-contract.ts';
import type { Detection } from '../load-detection.ts';
import type { SiteConfig } from '../site-config.ts';
import { type FleetRule, type FleetSite, findBlindSites } from './find-blind-sites.ts';

/** Datasets of the configured sources, and those that the index holds (what children sent, what came before). */
export async function listDatasets(config: SiteConfig, index: EventIndex): Promise<FeedingDataset[]> {
  const configured = config.sources.flatMap(({ id, format }) =>
    (SOURCE_ADAPTERS.find((adapter) => adapter.id === format)?.datasets ?? []).map(({ name }) => ({
      dataset: name,
      from: id,
    })),
  );
  const known = new Set(configured.map(({ dataset }) => dataset));
  const held = new Set((await index.segments()).map(({ dataset }) => dataset));
  return [
    ...configured,
    ...[...held]
      .filter((dataset) => !known.has(dataset))
      .map((dataset) => ({ dataset, from: 'in the index' })),
  ];
}

export function measureCoverage(options: {
  detection: Detection;
  datasets: readonly FeedingDataset[];
  sites: readonly FleetSite[];
  policies: ReadonlyMap<string, ResidencyPolicy>;
  jurisdiction: string;
  domain: NavigatorLayer['domain'];
  name: string;
}): CoverageView {
  const { detection, datasets, sites, policies, jurisdiction, domain, name } = options;
  const { engine, routes, loaded } = detection;
  const fedBy = feedLogsources({
    logsources: engine.rules.map(({ mapped }) => mapped.logsource),
    datasets,
    routes,
  });
  const plain = new Map(engine.rules.map((rule, at) => [rule.info.id, { rule, fed: fedBy[at] ?? [] }]));
  const idOf = new Map(
    loaded.rules.flatMap(({ rule }) =>
      [rule.id, ...(rule.name === undefined ? [] : [rule.name])].map((key) => [key, rule.id] as const),
    ),
  );
  const inputsOf = (names: readonly string[]): { rule: EngineRule; fed: readonly FeedingDataset[] }[] =>
    names.flatMap((one) => plain.get(idOf.get(one) ?? '') ?? []);
  const covered: CoveredRule[] = [
    ...[...plain.values()].map(({ rule: { info }, fed }) => ({ ...info, fed: fed.length > 0 })),
    ...loaded.correlations.map(({ rule }) => {
      const inputs = inputsOf(rule.rules);
      const { id, title, level, tags } = rule;
      return {
        id,
        name: title,
        level,
        tags,
        fed: inputs.length > 0 && inputs.every(({ fed }) => fed.length > 0),
      };
    }),
  ];
  const fed = covered.filter((rule) => rule.fed).length;
  const layer = buildLayer({
    rules: covered,
    name,
    domain,
    description: `${fed} rules that a source can feed, of ${covered.length} in force. The score counts them.`,
  });
  return {
    rules: covered.length,
    gated: detection.gated.length,
    fed,
    untagged: covered.filter(({ tags }) => techniquesOf(tags).length === 0).length,
    techniques: layer.techniques.filter(({ score }) => score > 0).length,
    logsources: groupLogsources(engine.rules, fedBy),
    unfed: listUnfed(detection, fedBy),
    blind: findBlindSites({
      rules: listFleetRules(detection, inputsOf),
      sites,
      policies,
      destination: jurisdiction,
    }),
    layer: { ...layer },
  };
}

function listUnfed(
  { engine, routes }: Detection,
  fedBy: readonly (readonly FeedingDataset[])[],
): CoverageView['unfed'] {
  const router = new LogsourceRouter({ routes, raw: false });
  return engine.rules.flatMap(({ mapped, info }, at) =>
    (fedBy[at]?.length ?? 0) > 0
      ? []
      : [
          {
            id: info.id,
            name: info.name,
            level: info.level,
            logsource: shapeOf(mapped.logsource),
            routed: router.isRouted(mapped.logsource),
          },
        ],
  );
}

/** Each logsource once, those with most rules first. */
function groupLogsources(
  rules: readonly EngineRule[],
  fedBy: readonly (readonly FeedingDataset[])[],
): CoverageView['logsources'] {
  const groups = new Map<string, CoverageView['logsources'][number]>();
  rules.forEach(({ mapped }, at) => {
    const logsource = shapeOf(mapped.logsource);
    const key = JSON.stringify(logsource);
    const group = groups.get(key);
    if (group) group.rules++;
    else {
      groups.set(key, {
        logsource,
        rules: 1,
        fed_by: (fedBy[at] ?? []).map(({ dataset, from }) => `${dataset} (${from})`),
      });
    }
  });
  return [...groups.values()].sort((a, b) => b.rules - a.rules);
}

function shapeOf({ product, category, service }: Logsource): Logsource {
  return {
    ...(product === undefined ? {} : { product }),
    ...(category === undefined ? {} : { category }),
    ...(service === undefined ? {} : { service }),
  };
}

function listFleetRules(
  { engine, loaded, routes }: Detection,
  inputsOf: (names: readonly string[]) => { rule: EngineRule }[],
): FleetRule[] {
  // Any source that Picket knows: what a site has configured is not told to its parent.
  const all = SOURCE_ADAPTERS.flatMap(({ id, datasets }) =>
    datasets.map(({ name, class: recordClass }) => ({ dataset: name, from: id, recordClass })),
  );
  const classesOf = ({ mapped }: EngineRule): string[] => {
    const [feeding = []] = feedLogsources({ logsources: [mapped.logsource], datasets: all, routes });
    return [...new Set(all.filter((one) => feeding.includes(one)).map(({ recordClass }) => recordClass))];
  };
  const input = (rule: EngineRule) => ({ mapped: rule.mapped, classes: classesOf(rule) });
  return [
    ...engine.rules
      .filter(({ info }) => info.scope === 'fleet')
      .map((rule) => ({
        id: rule.info.id,
        name: rule.info.name,
        inputs: [input(rule)],
        keys: [...(rule.info.entity_fields ?? [])],
      })),
    ...loaded.correlations
      .filter(({ rule }) => rule.picket.scope === 'fleet')
      .map(({ rule }) => ({
        id: rule.id,
        name: rule.title,
        inputs: inputsOf(rule.rules).map((one) => input(one.rule)),
        keys: [...rule.groupBy, ...rule.field],
      })),
  ];
}
