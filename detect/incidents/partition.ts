// Divides alerts into incidents: heaviest shared entities first, under what people decided; a function of the set alone.
import type { Entity } from '../../platform/core/entity.ts';
import type { IncidentJoin, IncidentLink } from '../../platform/core/incident.ts';
import type { AlertNode, JoinLimits } from './weigh-entity.ts';

/** What sharing an entity weighs for one alert: judged once, with the table then in force. */
export interface JudgedEntity {
  readonly entity: Entity;
  readonly weight: number;
  readonly rarity_version: string;
}

export interface JudgedAlert extends AlertNode {
  /** By entity key; only those that can join. */
  readonly judged: ReadonlyMap<string, JudgedEntity>;
}

export interface Part {
  readonly alerts: ReadonlySet<string>;
  /** A spanning forest: why its alerts stand together. */
  readonly joins: readonly IncidentJoin[];
}

/** By first event, then id: the order in which "older" is meant. */
export function compareNodes(a: Pick<AlertNode, 'first' | 'id'>, b: Pick<AlertNode, 'first' | 'id'>): number {
  return a.first - b.first || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/**
 * The least weight at which two parts that hold `size` alerts together may join: θ, and above the cap
 * θ × (1 + log2(size / cap)), so that what already holds much asks for more.
 */
export function leastWeight(size: number, { least_weight, size_cap }: JoinLimits): number {
  return size <= size_cap ? least_weight : least_weight * (1 + Math.log2(size / size_cap));
}

/**
 * The parts of a set of alerts. First, newest decision first, what people put together; then, from the heaviest
 * weight down (ties by entity key), each entity's alerts from the oldest on join the parts that hold an earlier alert
 * with the entity within the window, the older part first. No join ever puts together what people set apart, so that
 * an alert between two such sides stands with the heavier, on a tie with the older. A decision to set apart is void
 * where a newer one puts both of its sides together. The weight between two alerts is the lesser of what each was
 * judged by.
 */
export function partitionAlerts(options: {
  alerts: readonly JudgedAlert[];
  links: readonly IncidentLink[];
  limits: JoinLimits;
}): Part[] {
  const { limits } = options;
  const alerts = [...options.alerts].sort(compareNodes);
  const parts = new Parts(alerts, options.links);
  for (const link of parts.together) parts.bring(link);
  for (const { weight, key, nodes } of tasksOf(alerts, limits.least_weight)) {
    /** Part → its latest end among the alerts of this entity so far. */
    let standing = new Map<number, JudgedAlert>();
    for (const node of nodes) {
      const open = new Map<number, JudgedAlert>();
      for (const [part, latest] of standing) {
        if (latest.last < node.first - limits.window_ms) continue;
        const now = parts.find(part);
        const known = open.get(now);
        if (!known || latest.last > known.last) open.set(now, latest);
      }
      for (const part of [...open.keys()].sort((a, b) => a - b)) {
        const own = parts.partOf(node.id);
        if (own === part || weight < leastWeight(parts.sizeOf(own) + parts.sizeOf(part), limits)) continue;
        const { entity, rarity_version } = node.judged.get(key) as JudgedEntity;
        parts.unite(own, part, {
          alerts: [(open.get(part) as JudgedAlert).id, node.id],
          entity,
          weight,
          rarity_version,
        });
      }
      standing = new Map();
      for (const [part, latest] of open) {
        const now = parts.find(part);
        const known = standing.get(now);
        if (!known || latest.last > known.last) standing.set(now, latest);
      }
      const own = parts.partOf(node.id);
      const known = standing.get(own);
      if (!known || node.last > known.last) standing.set(own, node);
    }
  }
  return parts.list();
}

interface Task {
  weight: number;
  key: string;
  /** Alerts that have the entity with at least this weight, oldest first. */
  nodes: JudgedAlert[];
}

/** For every entity and weight that two alerts share it by, from the heaviest down. */
function tasksOf(alerts: readonly JudgedAlert[], least: number): Task[] {
  const byEntity = new Map<string, JudgedAlert[]>();
  for (const alert of alerts)
    for (const [key, { weight }] of alert.judged) {
      if (weight < least) continue;
      const list = byEntity.get(key);
      if (list) list.push(alert);
      else byEntity.set(key, [alert]);
    }
  const tasks: Task[] = [];
  for (const [key, nodes] of byEntity) {
    if (nodes.length < 2) continue;
    const weightOf = (node: JudgedAlert): number => node.judged.get(key)?.weight ?? 0;
    for (const weight of new Set(nodes.map(weightOf)))
      tasks.push({ weight, key, nodes: nodes.filter((node) => weightOf(node) >= weight) });
  }
  return tasks.sort((a, b) => b.weight - a.weight || (a.key < b.key ? -1 : 1));
}

/** Union-find over alerts in order of age: the root of a part is its oldest alert. */
class Parts {
  /** Decisions to put together, the newest first. */
  readonly together: readonly IncidentLink[];
  readonly #alerts: readonly JudgedAlert[];
  readonly #place = new Map<string, number>();
  readonly #root: number[];
  readonly #members: number[][];
  readonly #joins: IncidentJoin[][];
  /** By decision to set apart: which of its sides a part holds. */
  readonly #sides: Map<number, 1 | 2 | 3>[];

  constructor(alerts: readonly JudgedAlert[], links: readonly IncidentLink[]) {
    this.#alerts = alerts;
    for (const [at, { id }] of alerts.entries()) this.#place.set(id, at);
    this.#root = alerts.map((_, at) => at);
    this.#members = alerts.map((_, at) => [at]);
    this.#joins = alerts.map(() => []);
    this.#sides = alerts.map(() => new Map<number, 1 | 2 | 3>());
    const newest = [...links].sort((a, b) => (a.at > b.at ? -1 : a.at < b.at ? 1 : a.id < b.id ? -1 : 1));
    this.together = newest.filter((link) => link.kind === 'together');
    for (const [number, link] of newest.entries()) {
      if (link.kind !== 'apart') continue;
      const [left, right] = link.sides.map((side) => new Set(side)) as [Set<string>, Set<string>];
      const isVoid = newest
        .slice(0, number)
        .some(
          (one) =>
            one.kind === 'together' &&
            one.sides.flat().some((id) => left.has(id)) &&
            one.sides.flat().some((id) => right.has(id)),
        );
      if (isVoid) continue;
      for (const [side, ids] of [
        [1, left],
        [2, right],
      ] as const)
        for (const id of ids) {
          const at = this.#place.get(id);
          if (at !== undefined) this.#sides[at]?.set(number, side);
        }
    }
  }

  find(at: number): number {
    let root = at;
    while (this.#root[root] !== root) root = this.#root[root] as number;
    this.#root[at] = root;
    return root;
  }

  partOf(id: string): number {
    return this.find(this.#place.get(id) as number);
  }

  sizeOf(part: number): number {
    return (this.#members[part] as number[]).length;
  }

  /** Puts the alerts of a decision together, as far as newer ones let. */
  bring(link: IncidentLink): void {
    const [first, ...others] = link.sides
      .flat()
      .filter((id) => this.#place.has(id))
      .sort((a, b) => (this.#place.get(a) as number) - (this.#place.get(b) as number));
    if (first === undefined) return;
    for (const id of others) {
      const [one, other] = [this.partOf(first), this.partOf(id)];
      if (one !== other) this.unite(one, other, { alerts: [first, id], weight: 1, decision: link.id });
    }
  }

  /** Does nothing where people set the two apart. */
  unite(a: number, b: number, join: IncidentJoin): void {
    const [into, from] = a < b ? [a, b] : [b, a];
    const [sides, others] = [this.#sides[into], this.#sides[from]] as [
      Map<number, 1 | 2 | 3>,
      Map<number, 1 | 2 | 3>,
    ];
    for (const [link, side] of others) if ((sides.get(link) ?? side) !== side) return;
    for (const [link, side] of others) sides.set(link, side);
    this.#root[from] = into;
    (this.#members[into] as number[]).push(...(this.#members[from] as number[]));
    (this.#joins[into] as IncidentJoin[]).push(...(this.#joins[from] as IncidentJoin[]), join);
  }

  list(): Part[] {
    return this.#root.flatMap((root, at) =>
      root === at
        ? [
            {
              alerts: new Set(
                (this.#members[at] as number[]).map((one) => (this.#alerts[one] as JudgedAlert).id),
              ),
              joins: this.#joins[at] as IncidentJoin[],
            },
          ]
        : [],
    );
  }
}
