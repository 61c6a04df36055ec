// One record that came up: checked against its shape, its sender and residency, and addressed by the parent itself.
import type { BusMessage } from '../bus/bus.ts';
import { Alert } from '../core/alert.ts';
import type { JsonObject } from '../core/event.ts';
import { PicketEvent } from '../core/event.ts';
import { PostureReport } from '../core/posture.ts';
import { ResidencyLedgerEntry } from '../core/residency-ledger.ts';
import type { SiteRecord } from '../core/site.ts';
import { type EventHeaders, TOPICS, type TopicDefinition } from '../core/topics.ts';
import type { CompiledResidencyPolicy } from '../residency/compile-policy.ts';
import type { BatchRecord, UplinkKind } from './protocol.ts';

/** What a parent checks again: the policies of its children's jurisdictions, and where it stands itself. */
export interface ParentResidency {
  /** The parent's own jurisdiction. */
  readonly jurisdiction: string;
  readonly policies: ReadonlyMap<string, CompiledResidencyPolicy>;
}

export type Received =
  | {
      readonly outcome: 'taken';
      readonly topic: TopicDefinition;
      readonly message: BusMessage;
      readonly report?: PostureReport;
    }
  | {
      readonly outcome: 'refused';
      readonly code: 'LINK_RECORD_INVALID' | 'LINK_RECORD_FOREIGN' | 'RESIDENCY_BREACH';
      readonly message: string;
      readonly message_to_keep: BusMessage & { topic: string };
    };

/** Entities and reasons that an alert may name: ten times what a detector writes. */
const MOST_SHOWN = 1_000;

/** Refusals quote what came, which may be long. */
const LONGEST_REASON = 500;

const TOPIC_OF: Readonly<Record<UplinkKind, TopicDefinition>> = {
  alert: TOPICS.alerts,
  'posture-report': TOPICS.postureReports,
  residency: TOPICS.residency,
  event: TOPICS.events,
};

/** Never throws for anything in the record. */
export function receiveRecord(options: {
  line: BatchRecord | { readonly invalid: string; readonly line: string };
  site: SiteRecord;
  tenant: string;
  residency: ParentResidency;
}): Received {
  const { line, site, tenant, residency } = options;
  if ('invalid' in line) {
    return refuse({
      site,
      topic: TOPICS.events,
      value: line.line,
      code: 'LINK_RECORD_INVALID',
      message: line.invalid,
    });
  }
  const { kind, document } = line;
  const topic = TOPIC_OF[kind];
  const value = JSON.stringify(document);
  const refused = (code: Extract<Received, { outcome: 'refused' }>['code'], message: string): Received =>
    refuse({ site, topic, value, code, message });
  const read = readRecord(kind, document);
  if ('issue' in read) return refused('LINK_RECORD_INVALID', read.issue);
  const { from } = read;
  if (
    from.tenant !== tenant ||
    from.site !== site.id ||
    (from.jurisdiction ?? site.jurisdiction) !== site.jurisdiction
  ) {
    return refused(
      'LINK_RECORD_FOREIGN',
      `says ${from.tenant}, ${from.site}, ${from.jurisdiction}; came from ${site.id}`,
    );
  }
  if (kind === 'event' || kind === 'alert') {
    const policy = residency.policies.get(site.jurisdiction);
    const breach = policy
      ? policy.findBreach({ kind, record: document, destination: residency.jurisdiction })
      : `no policy of ${site.jurisdiction} is known here`;
    if (breach !== undefined) {
      // What should not have left is not kept here either, where its jurisdiction's rules do not reach.
      const remains = JSON.stringify({ kind, id: idOf(read), bytes: Buffer.byteLength(value) });
      return refuse({ site, topic, value: remains, code: 'RESIDENCY_BREACH', message: breach });
    }
  }
  const headers = read.headers ? { ...read.headers, ...(line.detected ? { detected: '1' } : {}) } : {};
  return {
    outcome: 'taken',
    topic,
    message: { key: read.key, value: Buffer.from(value), headers },
    ...(read.report ? { report: read.report } : {}),
  };
}

/** An alert's or event's own id, which rules never change. */
function idOf({ key, headers }: ReadRecord): string {
  return headers?.id ?? key;
}

interface ReadRecord {
  readonly from: { tenant: string; site: string; jurisdiction?: string };
  readonly key: string;
  readonly headers?: Omit<EventHeaders, 'detected'>;
  readonly report?: PostureReport;
}

function readRecord(kind: UplinkKind, document: JsonObject): ReadRecord | { issue: string } {
  switch (kind) {
    case 'event': {
      const parsed = PicketEvent.safeParse(document);
      if (!parsed.success) return describe(parsed.error.issues[0]);
      const { event, picket } = parsed.data;
      return {
        from: { tenant: picket.tenant, site: picket.site.id, jurisdiction: picket.jurisdiction },
        key: `${picket.site.id}/${picket.source.id}`,
        headers: {
          id: event.id,
          dataset: event.dataset,
          jurisdiction: picket.jurisdiction,
          tenant: picket.tenant,
          class: picket.class,
          site: picket.site.id,
          source: picket.source.id,
          timestamp: parsed.data['@timestamp'],
          time: picket.time,
          ...(picket.detection_only ? { detection_only: '1' } : {}),
        },
      };
    }
    case 'alert': {
      const parsed = Alert.safeParse(document);
      if (!parsed.success) return describe(parsed.error.issues[0]);
      const { tenant, site, jurisdiction, id, scope, entities, reasons } = parsed.data;
      if (scope !== 'site') return { issue: 'scope: a site speaks of itself alone' };
      if (entities.length > MOST_SHOWN || reasons.length > MOST_SHOWN)
        return { issue: `entities, reasons: ${MOST_SHOWN} of each at most` };
      return { from: { tenant, site: site.id, jurisdiction }, key: id };
    }
    case 'posture-report': {
      const parsed = PostureReport.safeParse(document);
      if (!parsed.success) return describe(parsed.error.issues[0]);
      const { tenant, site } = parsed.data;
      // A report names no jurisdiction: the site's own stands.
      return { from: { tenant, site }, key: site, report: parsed.data };
    }
    case 'residency': {
      const parsed = ResidencyLedgerEntry.safeParse(document);
      if (!parsed.success) return describe(parsed.error.issues[0]);
      const { tenant, site, jurisdiction } = parsed.data;
      return { from: { tenant, site, jurisdiction }, key: site };
    }
  }
}

function describe(issue: { path: PropertyKey[]; message: string } | undefined): { issue: string } {
  return {
    issue: `${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? 'not the shape that its kind has'}`,
  };
}

function refuse(options: {
  site: SiteRecord;
  topic: TopicDefinition;
  value: string;
  code: Extract<Received, { outcome: 'refused' }>['code'];
  message: string;
}): Received {
  const { site, topic, value, code } = options;
  const message = options.message.slice(0, LONGEST_REASON);
  return {
    outcome: 'refused',
    code,
    message,
    message_to_keep: {
      key: site.id,
      value: Buffer.from(value),
      headers: { site: site.id, jurisdiction: site.jurisdiction },
      topic: topic.name,
    },
  };
}
