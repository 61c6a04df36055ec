// The graph of current alerts: which stand together, kept in step with every alert and decision that comes, changes or goes.
import { type Entity, entityKey } from '../../platform/core/entity.ts';
import type { IncidentJoin, IncidentLink } from '../../platform/core/incident.ts';
import {
  compareNodes,
  type JudgedAlert,
  type JudgedEntity,
  type Part,
  partitionAlerts,
} from './partition.ts';
import type { RarityTable } from './rarity.ts';
import { type AlertNode, type JoinLimits, weighEntity } from './weigh-entity.ts';

/** Alerts that stand together; the object is replaced, never changed in place. */
export type Component = Part;

/**
 * The parts that `partitionAlerts` makes of the current alerts. What changes is only looked at again as far as shared
 * entities and decisions reach. An alert's entities are weighed once, when they are first met.
 */
export class AlertGraph {
  readonly #limits: JoinLimits;
  readonly #nodes = new Map<string, JudgedAlert>();
  readonly #components = new Map<string, Component>();
  readonly #byEntity = new Map<string, Set<string>>();
  readonly #dirty = new Set<string>();
  readonly #linksOf = new Map<string, IncidentLink[]>();
  #links: readonly IncidentLink[] = [];
  #rarity: RarityTable;

  constructor(options: { limits: JoinLimits; rarity: RarityTable }) {
    this.#limits = options.limits;
    this.#rarity = options.rarity;
  }

  /** Entities met from now on are weighed by this table. */
  useRarity(rarity: RarityTable): void {
    this.#rarity = rarity;
  }

  /** All that people decided about which alerts stand together. */
  useLinks(links: readonly IncidentLink[]): void {
    const known = new Map(this.#links.map(({ id, sides }) => [id, sides.flat().join()]));
    for (const { id, sides } of links) {
      if (known.get(id) === sides.flat().join()) continue;
      // Of alerts that are gone too: what was decided of them may void what was decided of others.
      for (const alert of sides.flat()) this.#dirty.add(alert);
    }
    this.#links = links;
    this.#linksOf.clear();
    for (const link of links)
      for (const alert of link.sides.flat())
        this.#linksOf.set(alert, [...(this.#linksOf.get(alert) ?? []), link]);
  }

  componentOf(alert: string): Component | undefined {
    return this.#components.get(alert);
  }

  /** All components, each once. */
  components(): Component[] {
    this.settle();
    return [...new Set(this.#components.values())];
  }

  /** Puts back what was judged before a restart: alerts of one incident with their joins, without judging again. */
  restore(nodes: readonly AlertNode[], joins: readonly IncidentJoin[]): void {
    const alerts = new Set(nodes.map(({ id }) => id));
    for (const node of nodes) {
      // An alert in two incidents is a merge that a crash cut short: judged again.
      if (this.#components.has(node.id)) this.#dirty.add(node.id);
      this.#index(node, joins);
    }
    const together: Component = {
      alerts,
      joins: joins.filter((join) => join.alerts.every((id) => alerts.has(id))),
    };
    for (const id of alerts) this.#components.set(id, together);
  }

  /** Adds an alert, or its newer form. */
  put(node: AlertNode): void {
    this.#unindex(node.id);
    this.#index(node, []);
    this.#dirty.add(node.id);
  }

  /** Takes an alert out (withdrawn or superseded). */
  remove(id: string): void {
    const before = this.#components.get(id);
    this.#unindex(id);
    this.#nodes.delete(id);
    this.#components.delete(id);
    this.#dirty.delete(id);
    for (const alert of before?.alerts ?? []) if (this.#nodes.has(alert)) this.#dirty.add(alert);
  }

  /** Works what changed. Returns the components that are new or other than before. */
  settle(): Component[] {
    if (this.#dirty.size === 0) return [];
    const reached = this.#reach(this.#dirty);
    this.#dirty.clear();
    const alerts = [...reached].flatMap((id) => this.#nodes.get(id) ?? []);
    const links = new Set([...reached].flatMap((id) => this.#linksOf.get(id) ?? []));
    const changed: Component[] = [];
    for (const part of partitionAlerts({ alerts, links: [...links], limits: this.#limits })) {
      changed.push(part);
      for (const id of part.alerts) this.#components.set(id, part);
    }
    return changed;
  }

  /** All that could stand in one part with these, whatever is decided in between; with ids that decisions name and that are gone. */
  #reach(from: Iterable<string>): Set<string> {
    const reached = new Set<string>();
    const waiting = [...from];
    /** Entity → its alerts in stretches within the window of each other. */
    const stretches = new Map<string, Map<string, string[]>>();
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      if (reached.has(id)) continue;
      reached.add(id);
      for (const other of this.#components.get(id)?.alerts ?? []) waiting.push(other);
      for (const link of this.#linksOf.get(id) ?? []) waiting.push(...link.sides.flat());
      for (const key of this.#nodes.get(id)?.judged.keys() ?? []) {
        let found = stretches.get(key);
        if (!found) {
          found = this.#stretchesOf(key);
          stretches.set(key, found);
        }
        const stretch = found.get(id) ?? [];
        // Each stretch is walked once.
        waiting.push(...stretch.splice(0));
      }
    }
    return reached;
  }

  #stretchesOf(key: string): Map<string, string[]> {
    const nodes = [...(this.#byEntity.get(key) ?? [])]
      .map((id) => this.#nodes.get(id) as JudgedAlert)
      .sort(compareNodes);
    const found = new Map<string, string[]>();
    let stretch: string[] = [];
    let last = Number.NEGATIVE_INFINITY;
    for (const node of nodes) {
      if (node.first - last > this.#limits.window_ms) stretch = [];
      stretch.push(node.id);
      found.set(node.id, stretch);
      last = Math.max(last, node.last);
    }
    return found;
  }

  #index(node: AlertNode, joins: readonly IncidentJoin[]): void {
    const before = this.#nodes.get(node.id)?.judged;
    const judged = new Map<string, JudgedEntity>();
    for (const entity of node.entities) {
      const key = entityKey(entity);
      const one = before?.get(key) ?? joinedBy(joins, node.id, key) ?? this.#weigh(entity);
      if (one.weight >= this.#limits.least_weight) judged.set(key, one);
    }
    this.#nodes.set(node.id, { ...node, judged });
    for (const key of judged.keys()) {
      const alerts = this.#byEntity.get(key);
      if (alerts) alerts.add(node.id);
      else this.#byEntity.set(key, new Set([node.id]));
    }
  }

  #weigh(entity: Entity): JudgedEntity {
    return {
      entity,
      weight: weighEntity(entity, this.#rarity),
      rarity_version: this.#rarity.version,
    };
  }

  #unindex(id: string): void {
    for (const key of this.#nodes.get(id)?.judged.keys() ?? []) {
      const alerts = this.#byEntity.get(key);
      alerts?.delete(id);
      if (alerts?.size === 0) this.#byEntity.delete(key);
    }
  }
}

function joinedBy(joins: readonly IncidentJoin[], alert: string, key: string): JudgedEntity | undefined {
  for (const { alerts, entity, weight, rarity_version } of joins)
    if (entity && rarity_version !== undefined && alerts.includes(alert) && entityKey(entity) === key)
      return { entity, weight, rarity_version };
  return undefined;
}
