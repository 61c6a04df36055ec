// The API's shapes: what each route takes and gives; OpenAPI is generated from these and the page imports their types.
import { z } from 'zod';
import { Alert } from '../../platform/core/alert.ts';
import { PicketEvent } from '../../platform/core/event.ts';
import { Incident, IncidentLink, IncidentStatus } from '../../platform/core/incident.ts';
import { Level, SiteTier } from '../../platform/core/names.ts';
import { PlaybookRun } from '../../platform/core/playbook-run.ts';
import { Posture, PostureReport } from '../../platform/core/posture.ts';
import { Risk } from '../../platform/core/risk.ts';
import { SchemaVersion } from '../../platform/core/schema-version.ts';
import { SiteRecord } from '../../platform/core/site.ts';
import { Delivery } from '../../respond/notify/deliver.ts';

/** RFC 9457 problem details with our stable code. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string().optional(),
  code: z.string(),
  /** Where in the request, e.g. column of a KQL query. */
  place: z.string().optional(),
});
export type Problem = z.infer<typeof Problem>;

/** Page of a list: `limit` rows after `cursor`. */
export const PageQuery = z.strictObject({
  /** KQL over the record's own fields, e.g. `rule.level: high and site.id: factory-lyon`. */
  where: z.string().max(10_000).optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  cursor: z.string().max(2_000).optional(),
});

/** Who is signed in and where. */
export const SessionView = z.object({
  actor: z.string(),
  roles: z.array(z.string()),
  version: z.string(),
  site: z.object({
    id: z.string(),
    name: z.string(),
    tier: SiteTier,
    jurisdiction: z.string(),
    tenant: z.string(),
  }),
});
export type SessionView = z.infer<typeof SessionView>;

/** The one-time token of a sign-in link. */
export const SignIn = z.strictObject({ token: z.string().min(1).max(512) });

export const SiteView = SiteRecord.extend({
  /** `self` for the site that answers. */
  link: z.enum(['self', 'up', 'late', 'down', 'never']),
  /** Of the site that answers: how its own link to its parent stands, with the fault that stops it. */
  parent_link: z
    .object({
      state: z.enum(['enrolling', 'connecting', 'connected', 'waiting', 'stopped']),
      since: z.string(),
      code: z.string().optional(),
      reason: z.string().optional(),
    })
    .optional(),
  /** Open alerts of the site. */
  open_alerts: z.number().int(),
});
export type SiteView = z.infer<typeof SiteView>;
export const SiteList = z.object({ sites: z.array(SiteView) });
export type SiteList = z.infer<typeof SiteList>;

export const AlertList = z.object({
  alerts: z.array(Alert),
  cursor: z.string().optional(),
  total: z.number().int(),
});
export type AlertList = z.infer<typeof AlertList>;
export const AlertChange = z.strictObject({ status: z.enum(['open', 'acknowledged', 'closed']) });

export const IncidentList = z.object({
  incidents: z.array(Incident),
  cursor: z.string().optional(),
  total: z.number().int(),
});
export type IncidentList = z.infer<typeof IncidentList>;

/** One line of an incident's timeline, oldest first. */
export const TimelineEntry = z.object({
  at: z.string(),
  kind: z.enum(['alert', 'note', 'run', 'change']),
  site: z.string().optional(),
  title: z.string(),
  detail: z.string().optional(),
  level: Level.optional(),
  /** Id of the alert, run or posture entry. */
  ref: z.string().optional(),
});
export type TimelineEntry = z.infer<typeof TimelineEntry>;

/** One leased change at a site, as ordered and as the site last reported it. */
/** What a person or token did, as the collection `audit` keeps it. */
export const Act = z.object({
  schema: SchemaVersion,
  kind: z.enum([
    'alert-status',
    'change-lifted',
    'site-invited',
    'site-revoked',
    'records-replayed',
    'dead-letters-replayed',
    'sign-in-link',
  ]),
  actor: z.string(),
  at: z.iso.datetime(),
  about: z.record(z.string(), z.string()),
  reason: z.string().optional(),
});
export type Act = z.infer<typeof Act>;
export const ActList = z.object({
  /** Newest first; what sites' links noted stands here too, with members of its own. */
  acts: z.array(z.looseObject({ kind: z.string(), actor: z.string(), at: z.string() })),
  cursor: z.string().optional(),
  total: z.number().int(),
});

export const DeliveryList = z.object({
  /** Messages to notifiers by their next attempt, the latest first; `dead` ones are not tried again. */
  deliveries: z.array(Delivery),
  cursor: z.string().optional(),
  total: z.number().int(),
});

export const ChangeView = z.object({
  site: z.string(),
  id: z.string(),
  action: z.string(),
  parameters: z.record(z.string(), z.unknown()),
  reason: z.string(),
  lease_end: z.string(),
  incident: z.string().optional(),
  run: z.string().optional(),
  /** `ordered` until the site reports. */
  state: z.enum(['ordered', 'pending', 'applied', 'refused', 'failed', 'ended']),
  at: z.string().optional(),
  detail: z.string().optional(),
  /** Who ended it before its lease did, and why. */
  lifted: z.object({ actor: z.string(), at: z.string(), reason: z.string() }).optional(),
});
export type ChangeView = z.infer<typeof ChangeView>;

/** Milliseconds (detect/incidents/measure-cases.ts). */
const CaseTimesView = z.object({
  detect_ms: z.number(),
  acknowledge_ms: z.number().optional(),
  contain_ms: z.number().optional(),
  close_ms: z.number().optional(),
});

export const IncidentDetail = z.object({
  incident: Incident,
  alerts: z.array(Alert),
  timeline: z.array(TimelineEntry),
  runs: z.array(PlaybookRun),
  changes: z.array(ChangeView),
  risk: Risk,
  times: CaseTimesView,
  /** What people decided about which of its alerts stand together, oldest first. */
  links: z.array(IncidentLink),
});
export type IncidentDetail = z.infer<typeof IncidentDetail>;

/** Any part may be given; `comment` stands beside what it explains. */
export const IncidentChange = z.strictObject({
  status: IncidentStatus.optional(),
  owner: z.string().max(200).optional(),
  verdict: z.enum(['true-positive', 'false-positive', 'benign']).optional(),
  comment: z.string().min(1).max(10_000).optional(),
  /** Why it is what the verdict says. */
  reason: z.string().min(1).max(1_000).optional(),
});
export type IncidentChange = z.infer<typeof IncidentChange>;

export const SearchBody = z.strictObject({
  /** KQL; empty for everything. */
  query: z.string().max(10_000).default(''),
  /** ISO 8601; inclusive. */
  from: z.iso.datetime().optional(),
  /** ISO 8601; exclusive. */
  to: z.iso.datetime().optional(),
  datasets: z.array(z.string()).max(100).optional(),
  jurisdictions: z.array(z.string()).max(100).optional(),
});
export const SearchEvents = SearchBody.extend({
  sort: z.enum(['newest', 'oldest']).default('newest'),
  limit: z.number().int().min(1).max(1_000).default(100),
  cursor: z.string().max(2_000).optional(),
});
export const EventPage = z.object({
  events: z.array(PicketEvent),
  cursor: z.string().optional(),
  /** Places that did not answer. */
  unanswered: z.array(z.string()),
});
export type EventPage = z.infer<typeof EventPage>;
export const SearchHistogram = SearchBody.extend({
  interval_ms: z.number().int().min(1_000).default(60_000),
});
export const HistogramView = z.object({
  buckets: z.array(z.object({ start: z.string(), count: z.number().int() })),
  exact: z.boolean(),
});
export type HistogramView = z.infer<typeof HistogramView>;
export const SearchTopValues = SearchBody.extend({
  field: z.string().min(1).max(200),
  limit: z.number().int().min(1).max(100).default(10),
});
export const TopValuesView = z.object({
  values: z.array(z.object({ value: z.string(), count: z.number().int() })),
  exact: z.boolean(),
});
export type TopValuesView = z.infer<typeof TopValuesView>;
export const SearchCount = z.object({ count: z.number().int(), exact: z.boolean() });

export const RunList = z.object({
  runs: z.array(PlaybookRun),
  cursor: z.string().optional(),
  total: z.number().int(),
});
export type RunList = z.infer<typeof RunList>;
export const RunDecision = z.strictObject({
  decision: z.enum(['approved', 'rejected']),
  reason: z.string().max(2_000).optional(),
});
export type RunDecision = z.infer<typeof RunDecision>;

export const ChangeList = z.object({ changes: z.array(ChangeView) });
export type ChangeList = z.infer<typeof ChangeList>;
export const RevokeSite = z.strictObject({ reason: z.string().min(1).max(2_000) });
export const LiftChange = z.strictObject({ reason: z.string().min(1).max(2_000) });

export const PostureView = z.object({ posture: Posture.optional(), report: PostureReport.optional() });
export type PostureView = z.infer<typeof PostureView>;

export const CounterList = z.object({
  counters: z.array(
    z.object({ stage: z.string(), reason: z.string(), source: z.string().optional(), count: z.number() }),
  ),
});
export type CounterList = z.infer<typeof CounterList>;

export const DeadLetterView = z.object({
  /** Partition, offset and time in the dead-letter topic. */
  id: z.string(),
  at: z.string(),
  source: z.string(),
  stage: z.string(),
  code: z.string(),
  message: z.string(),
  place: z.string().optional(),
  bytes: z.number().int(),
  /** The first 2,000 bytes as text, control characters shown. */
  preview: z.string(),
  replayed: z.boolean(),
});
export const DeadLetterList = z.object({ dead_letters: z.array(DeadLetterView) });
export const DeadLetterReplay = z.strictObject({
  stage: z.string().optional(),
  code: z.string().optional(),
  source: z.string().optional(),
});
export const DeadLetterReplayed = z.object({
  replayed: z.number().int(),
  accepted: z.number().int(),
  rejected: z.number().int(),
  /** Fed in by an earlier replay and left alone. */
  already: z.number().int(),
  /** Those that cannot be fed in again, such as ones of which only the first part was kept. */
  failed: z.array(z.object({ id: z.string(), code: z.string(), message: z.string() })),
});

/** Records fed in by `picket replay` at a site. */
export const ReportQuery = z.strictObject({
  from: z.iso.datetime().optional(),
  to: z.iso.datetime().optional(),
});

/** One message of `GET /api/v1/stream` (server-sent events, `event: change`): read the record again. */
export const StreamChange = z.object({
  sequence: z.number().int(),
  collection: z.string(),
  id: z.string(),
  kind: z.enum(['put', 'removed']),
});
export type StreamChange = z.infer<typeof StreamChange>;
