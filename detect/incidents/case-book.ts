// Keeps the incident records in step with the graph: which record each component is, merges, splits, what is owed to the bus.
import { createHash } from 'node:crypto';
import type { Bus } from '../../platform/bus/bus.ts';
import type { Alert } from '../../platform/core/alert.ts';
import type { Clock } from '../../platform/core/clock.ts';
import type { Incident, IncidentLink, IncidentNote } from '../../platform/core/incident.ts';
import { SCHEMA_VERSION } from '../../platform/core/schema-version.ts';
import { shortId } from '../../platform/core/short-id.ts';
import { TOPICS } from '../../platform/core/topics.ts';
import { workBeside } from '../../platform/core/work-beside.ts';
import {
  changeRecord,
  eachRecord,
  type RecordStore,
  type StoredRecord,
  upsertRecord,
} from '../../platform/records/record-store.ts';
import { AlertGraph, type Component } from './alert-graph.ts';
import { type CaseAlert, caseAlertOf, compareAlerts, describeCase } from './describe-case.ts';
import { groupApart } from './group-apart.ts';
import { isOwed, sameCase } from './judge-case.ts';
import { ENGINE_ACTOR, mergeDecisions } from './merge-decisions.ts';
import type { RarityTable } from './rarity.ts';
import { type JoinLimits, nodeOf } from './weigh-entity.ts';

export interface CaseBook {
  /** Takes one revision of an alert. */
  take(alert: Alert): void;
  /** Writes what the alerts taken since the last call changed, and sends what is new or raised. Safe to repeat. */
  settle(): Promise<void>;
  useRarity(rarity: RarityTable): void;
  /** All that people decided; what is new is worked with the next `settle`. */
  useLinks(links: readonly IncidentLink[]): void;
  /** All current alerts it knows. */
  alerts(): Iterable<CaseAlert>;
  /** True for an alert that stands in the book. */
  knows(alert: string): boolean;
}

/** An anchor moves back a few times at most; more is a loop. */
const MAX_HEIRS = 100;

/** Cases that have nothing in common are written so many beside each other: each takes several answers of the store. */
const WIDTH = 8;

/** The id of an incident that begins with an alert: a shortId of SHA-256. */
export function incidentId(oldestAlert: string, attempt = 0): string {
  const text = attempt === 0 ? oldestAlert : `${oldestAlert}/${attempt}`;
  return shortId(createHash('sha256').update(`incident\n${text}`).digest());
}

/** Reads alerts and incidents back from the records. A crash between two writes is finished when its batch comes again. */
export async function openCaseBook(options: {
  records: RecordStore;
  bus: Bus;
  clock: Clock;
  limits: JoinLimits;
  rarity: RarityTable;
}): Promise<CaseBook> {
  const { records, bus, clock } = options;
  const graph = new AlertGraph(options);
  const alerts = new Map<string, CaseAlert>();
  /** Live incident → its current alerts; alert → live incidents (two only after a crash). */
  const members = new Map<string, Set<string>>();
  const incidentsOf = new Map<string, Set<string>>();
  /** Alerts whose components are to be written, and incidents that may have lost alerts. */
  const changed = new Set<string>();
  const affected = new Set<string>();
  /** Superseded alert's incident → the alert that took over. */
  const heirs = new Map<string, string>();

  const gone = new Map<string, string>();
  for await (const { value } of eachRecord<Alert>(records, 'alerts')) {
    if (value.state === 'current') alerts.set(value.id, caseAlertOf(value));
    else if (value.superseded_by !== undefined) gone.set(value.id, value.superseded_by);
  }
  const nodes = (ids: Iterable<string>) => [...ids].flatMap((id) => alerts.get(id) ?? []).map(nodeOf);
  const owed: StoredRecord<Incident>[] = [];
  for await (const stored of eachRecord<Incident>(records, 'incidents')) {
    const { id, value } = stored;
    if (value.merged_into !== undefined) continue;
    const own = value.alerts.map((alert) => alert.id).filter((alert) => alerts.has(alert));
    members.set(id, new Set(own));
    for (const alert of own) incidentsOf.set(alert, (incidentsOf.get(alert) ?? new Set<string>()).add(id));
    graph.restore(nodes(own), value.joins);
    if (isOwed(value)) owed.push(stored);
    // Alerts that went while a crash kept their incident from hearing of it.
    const lost = value.alerts.filter((alert) => !alerts.has(alert.id));
    if (lost.length === 0) continue;
    affected.add(id);
    for (const [at, alert] of lost.entries()) {
      const heir = gone.get(alert.id);
      if (heir !== undefined) heirs.set(id, heir);
      if (at === 0) for (const member of own) changed.add(member);
    }
  }

  let links: readonly IncidentLink[] = [];
  /** What was decided of an alert holds for the one that took over. */
  const followHeirs = (link: IncidentLink): IncidentLink => {
    const heirOf = (id: string): string => {
      let heir = id;
      for (let hops = 0; hops < MAX_HEIRS && gone.has(heir); hops++) heir = gone.get(heir) as string;
      return heir;
    };
    const [left, right] = link.sides;
    return { ...link, sides: [left.map(heirOf), right.map(heirOf)] };
  };

  const oldestOf = (ids: Iterable<string>): CaseAlert | undefined =>
    [...ids]
      .map((id) => alerts.get(id))
      .filter((alert) => alert !== undefined)
      .sort(compareAlerts)[0];

  /** The alert that an incident goes on with: its oldest that nobody split off it. */
  const anchorOf = (incident: string): CaseAlert | undefined => {
    const own = [...(members.get(incident) ?? [])];
    const off = new Set(
      links
        .filter(
          ({ kind, incidents }) => kind === 'apart' && incidents.length === 1 && incidents[0] === incident,
        )
        .flatMap((link) => followHeirs(link).sides[0]),
    );
    return oldestOf(own.filter((id) => !off.has(id))) ?? oldestOf(own);
  };

  const noteChanged = (components: readonly Component[]): void => {
    for (const component of components) for (const id of component.alerts) changed.add(id);
  };

  const assign = (incident: string, component: Component): void => {
    members.set(incident, new Set(component.alerts));
    for (const alert of component.alerts) incidentsOf.set(alert, new Set([incident]));
  };

  async function settleComponent(component: Component): Promise<void> {
    const oldest = oldestOf(component.alerts) as CaseAlert;
    const candidates = new Set([...component.alerts].flatMap((alert) => [...(incidentsOf.get(alert) ?? [])]));
    // After a split, the part with an incident's oldest alert goes on as that incident.
    const owned = [...candidates]
      .map((id) => ({ id, oldest: anchorOf(id) }))
      .filter((one) => one.oldest !== undefined && component.alerts.has(one.oldest.id))
      .sort((a, b) => compareAlerts(a.oldest as CaseAlert, b.oldest as CaseAlert) || (a.id < b.id ? -1 : 1))
      .map(({ id }) => id);
    const [survivor = await freeId(oldest.id), ...absorbed] = owned;
    const written = await writeIncident({ id: survivor, component, absorbed });
    for (const id of absorbed) {
      await mergeInto(id, survivor);
      members.delete(id);
    }
    for (const id of candidates) if (!owned.includes(id)) affected.add(id);
    for (const id of absorbed) affected.delete(id);
    assign(survivor, component);
    affected.delete(survivor);
    await announce(survivor, written);
  }

  /** An id that no other live incident holds. */
  async function freeId(oldestAlert: string): Promise<string> {
    for (let attempt = 0; ; attempt++) {
      const id = incidentId(oldestAlert, attempt);
      if (!members.has(id)) return id;
    }
  }

  /** What stands there afterwards. */
  async function writeIncident(options: {
    id: string;
    component: Component;
    absorbed: readonly string[];
  }): Promise<StoredRecord<Incident> | undefined> {
    const { id, component, absorbed } = options;
    const engine = describeCase(
      [...component.alerts].map((alert) => alerts.get(alert) as CaseAlert),
      component.joins,
    );
    const others: Incident[] = [];
    for (const other of absorbed) {
      const stored = await records.get<Incident>('incidents', other);
      if (stored) others.push(stored.value);
    }
    return changeRecord<Incident>({
      store: records,
      collection: 'incidents',
      id,
      ...(members.has(id) ? {} : { believed: 'absent' }),
      change: (current) => {
        const at = new Date(clock.now()).toISOString();
        const added: IncidentNote[] = others.map(({ id: other, title }) =>
          engineNote(at, `took over incident ${other}: ${title}`),
        );
        const known = new Set(current?.alerts.map((alert) => alert.id));
        const fresh = engine.alerts.filter((alert) => !known.has(alert.id));
        if (current?.status === 'closed' && fresh.length > 0)
          added.push(engineNote(at, `${fresh.length} alert(s) joined after it was closed`));
        const { merged_into: _merged, ...base } = current ?? {
          schema: SCHEMA_VERSION,
          id,
          created: at,
          status: 'open' as const,
          notes: [],
        };
        const decided = mergeDecisions([base, ...others]);
        const next: Incident = {
          ...base,
          ...engine,
          ...decided,
          notes: [...decided.notes, ...added],
          updated: at,
        };
        return current && sameCase(current, next) ? undefined : next;
      },
    });
  }

  async function mergeInto(id: string, survivor: string): Promise<void> {
    await upsertRecord<Incident>({
      store: records,
      collection: 'incidents',
      id,
      change: (current) => {
        if (!current || current.merged_into === survivor) return undefined;
        const at = new Date(clock.now()).toISOString();
        return {
          ...current,
          merged_into: survivor,
          updated: at,
          notes: [...current.notes, engineNote(at, `merged into incident ${survivor}`)],
        };
      },
    });
  }

  /** An incident none of whose alerts stands: it follows the alert that took over, or stays and says so. */
  async function settleEmpty(id: string): Promise<void> {
    const heir = heirs.get(id);
    const [taker] = heir === undefined ? [] : [...(incidentsOf.get(heir) ?? [])];
    members.delete(id);
    if (taker !== undefined && taker !== id) {
      await mergeInto(id, taker);
      return;
    }
    await upsertRecord<Incident>({
      store: records,
      collection: 'incidents',
      id,
      change: (current) => {
        if (!current || current.alerts.length === 0) return undefined;
        const at = new Date(clock.now()).toISOString();
        const gone = current.alerts.map((alert) => alert.rule_name).join(', ');
        return {
          ...current,
          alerts: [],
          joins: [],
          updated: at,
          notes: [...current.notes, engineNote(at, `every alert was withdrawn: ${gone}`)],
        };
      },
    });
  }

  async function announce(id: string, written: StoredRecord<Incident> | undefined): Promise<void> {
    if (!written || !isOwed(written.value)) return;
    const incident = written.value;
    const { level, quiet } = incident;
    await bus.produce(TOPICS.incidents, [
      {
        key: id,
        value: Buffer.from(JSON.stringify({ ...incident, announced: { level, quiet } })),
        headers: { id, tenant: incident.tenant },
      },
    ]);
    await upsertRecord<Incident>({
      store: records,
      collection: 'incidents',
      id,
      believed: written,
      change: (current) => current && { ...current, announced: { level, quiet } },
    });
  }

  for (const stored of owed) await announce(stored.id, stored);

  return {
    take(alert) {
      const incidents = incidentsOf.get(alert.id) ?? [];
      if (alert.state === 'current') {
        alerts.set(alert.id, caseAlertOf(alert));
        graph.put(nodeOf(alert));
        return;
      }
      for (const id of incidents) {
        affected.add(id);
        members.get(id)?.delete(alert.id);
        if (alert.superseded_by !== undefined) heirs.set(id, alert.superseded_by);
      }
      if (alert.superseded_by !== undefined) {
        gone.set(alert.id, alert.superseded_by);
        graph.useLinks(links.map(followHeirs));
      }
      incidentsOf.delete(alert.id);
      graph.remove(alert.id);
      alerts.delete(alert.id);
    },
    async settle() {
      noteChanged(graph.settle());
      const current = new Set(
        [...changed].map((id) => graph.componentOf(id)).filter((component) => component !== undefined),
      );
      const sorted = [...current].sort((a, b) =>
        compareAlerts(oldestOf(a.alerts) as CaseAlert, oldestOf(b.alerts) as CaseAlert),
      );
      // Those that share an incident one after the other: which goes on as it is decided by the one before.
      const groups = groupApart(sorted, ({ alerts: own }) =>
        [...own].flatMap((alert) => [...(incidentsOf.get(alert) ?? [])]),
      );
      await workBeside({
        items: groups,
        width: WIDTH,
        work: async (group) => {
          for (const component of group) await settleComponent(component);
        },
      });
      for (const id of affected) if ((members.get(id)?.size ?? 0) === 0) await settleEmpty(id);
      changed.clear();
      affected.clear();
      heirs.clear();
    },
    useRarity: (rarity) => graph.useRarity(rarity),
    useLinks(decided) {
      links = decided;
      graph.useLinks(links.map(followHeirs));
    },
    knows: (id) => alerts.has(id),
    alerts: () => alerts.values(),
  };
}

function engineNote(at: string, text: string): IncidentNote {
  return { at, actor: ENGINE_ACTOR, kind: 'engine', text };
}
