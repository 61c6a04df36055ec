// The graph of current alerts: which stand together, kept in step with every alert that comes, changes or goes.
import { entityKey } from '../../platform/core/entity.ts';
import type { IncidentJoin } from '../../platform/core/incident.ts';
import { type AlertNode, type JoinLimits, judgeEdge, weighEntity } from './judge-edge.ts';
import type { RarityTable } from './rarity.ts';

/** Alerts that stand together; the object is replaced, never changed in place. */
export interface Component {
  readonly alerts: ReadonlySet<string>;
  /** A spanning forest: for each join the edge that was found first. */
  readonly joins: readonly IncidentJoin[];
}

/**
 * Connected components under `judgeEdge`. With one rarity table the partition depends on the alerts alone,
 * never on the order in which they came; an edge once judged keeps its weight and table version.
 */
export class AlertGraph {
  readonly #limits: JoinLimits;
  readonly #nodes = new Map<string, AlertNode>();
  readonly #components = new Map<string, Component>();
  readonly #byEntity = new Map<string, Set<string>>();
  #rarity: RarityTable;

  constructor(options: { limits: JoinLimits; rarity: RarityTable }) {
    this.#limits = options.limits;
    this.#rarity = options.rarity;
  }

  /** Edges judged from now on go by this table. */
  useRarity(rarity: RarityTable): void {
    this.#rarity = rarity;
  }

  componentOf(alert: string): Component | undefined {
    return this.#components.get(alert);
  }

  /** All components, each once. */
  components(): Component[] {
    return [...new Set(this.#components.values())];
  }

  /** Puts back what was judged before a restart: alerts of one incident with their joins, without judging again. */
  restore(nodes: readonly AlertNode[], joins: readonly IncidentJoin[]): void {
    const alerts = new Set(nodes.map(({ id }) => id));
    const kept = joins.filter((join) => join.alerts.every((id) => alerts.has(id)));
    for (const node of nodes) {
      // An alert in two incidents is a merge that a crash cut short: the two stand together.
      const before = this.#components.get(node.id);
      for (const id of before?.alerts ?? []) alerts.add(id);
      kept.push(...(before?.joins ?? []));
      this.#index(node);
    }
    const together: Component = { alerts, joins: kept };
    for (const id of alerts) this.#components.set(id, together);
  }

  /** Adds an alert, or its newer form. Returns the components that now stand where something changed. */
  put(node: AlertNode): Component[] {
    const known = this.#nodes.get(node.id);
    let parts: Component[] = [];
    if (known) {
      if (onlyGrew(known, node)) {
        this.#unindex(known);
        this.#index(node);
      } else {
        // What it was joined by may be gone: it is taken out and judged anew.
        parts = this.remove(node.id);
        this.#index(node);
        this.#components.set(node.id, { alerts: new Set([node.id]), joins: [] });
      }
    } else {
      this.#index(node);
      this.#components.set(node.id, { alerts: new Set([node.id]), joins: [] });
    }
    const joined = this.#joinNeighbours(node);
    return [...new Set([joined, ...parts.flatMap(({ alerts }) => this.#standing(alerts))])];
  }

  /** Takes an alert out (withdrawn or superseded). Returns the components that its component falls into. */
  remove(id: string): Component[] {
    const node = this.#nodes.get(id);
    const before = this.#components.get(id);
    if (!node || !before) return [];
    this.#unindex(node);
    this.#components.delete(id);
    const left = [...before.alerts].filter((alert) => alert !== id);
    const kept = before.joins.filter((join) => !join.alerts.includes(id));
    for (const alert of left) this.#components.set(alert, { alerts: new Set([alert]), joins: [] });
    for (const join of kept) this.#unite(join);
    for (const alert of left) this.#joinNeighbours(this.#nodes.get(alert) as AlertNode);
    return this.#standing(left);
  }

  #standing(alerts: Iterable<string>): Component[] {
    const found = new Set<Component>();
    for (const alert of alerts) {
      const component = this.#components.get(alert);
      if (component) found.add(component);
    }
    return [...found];
  }

  #joinNeighbours(node: AlertNode): Component {
    for (const entity of node.entities) {
      if (weighEntity(entity, this.#rarity) < this.#limits.least_weight) continue;
      for (const id of this.#byEntity.get(entityKey(entity)) ?? []) {
        const own = this.#components.get(node.id) as Component;
        if (own.alerts.has(id)) continue;
        const other = this.#nodes.get(id) as AlertNode;
        const edge = judgeEdge({ a: node, b: other, rarity: this.#rarity, limits: this.#limits });
        if (!edge) continue;
        this.#unite({ alerts: [other.id, node.id], ...edge, rarity_version: this.#rarity.version });
      }
    }
    return this.#components.get(node.id) as Component;
  }

  #unite(join: IncidentJoin): void {
    const a = this.#components.get(join.alerts[0]);
    const b = this.#components.get(join.alerts[1]);
    if (!a || !b || a === b) return;
    const united: Component = {
      alerts: new Set([...a.alerts, ...b.alerts]),
      joins: [...a.joins, ...b.joins, join],
    };
    for (const id of united.alerts) this.#components.set(id, united);
  }

  #index(node: AlertNode): void {
    this.#nodes.set(node.id, node);
    for (const entity of node.entities) {
      const key = entityKey(entity);
      const alerts = this.#byEntity.get(key);
      if (alerts) alerts.add(node.id);
      else this.#byEntity.set(key, new Set([node.id]));
    }
  }

  #unindex(node: AlertNode): void {
    this.#nodes.delete(node.id);
    for (const entity of node.entities) {
      const alerts = this.#byEntity.get(entityKey(entity));
      alerts?.delete(node.id);
      if (alerts?.size === 0) this.#byEntity.delete(entityKey(entity));
    }
  }
}

/** True when nothing that could have joined it before is gone. */
function onlyGrew(before: AlertNode, after: AlertNode): boolean {
  if (after.first > before.first || after.last < before.last) return false;
  const now = new Set(after.entities.map(entityKey));
  return before.entities.every((entity) => now.has(entityKey(entity)));
}
