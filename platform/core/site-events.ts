// What a site tells of itself as events: the closed list of what may happen to it, and the sink that stages tell it to.
import type { JsonObject } from './event.ts';

/** The dataset of these events; their residency class is `operational`. */
export const SITE_DATASET = 'picket.site';

interface SiteEventKind {
  /** ECS `event.category`, `event.type`, `event.outcome`. */
  readonly category: readonly string[];
  readonly type: readonly string[];
  readonly outcome: 'success' | 'failure' | 'unknown';
  /** What it is kept apart by: one event for each of these in a window. */
  readonly subject: string;
  readonly meaning: string;
}

const REFUSED = { category: ['network', 'session'], type: ['denied'], outcome: 'failure' } as const;

/** ECS `event.action` of each; docs/site-events.md is made from this. */
export const SITE_EVENTS = {
  'certificate-refused': {
    ...REFUSED,
    category: ['authentication', 'network'],
    subject: 'address of the caller',
    meaning:
      'The link refused a caller: without a certificate, with one of another authority, one that ran out, or one of a site that is unknown or revoked (`error.code`).',
  },
  'certificate-renewal-refused': {
    ...REFUSED,
    category: ['authentication', 'iam'],
    subject: 'address of the caller',
    meaning:
      'A site asked for a new certificate and was refused: unknown, revoked, or not signed with its key.',
  },
  'enrolment-refused': {
    ...REFUSED,
    category: ['authentication', 'iam'],
    subject: 'address of the caller',
    meaning:
      'An enrolment was refused: its token was used before (`TOKEN_USED`), ran out, is unknown or for another site, or its application is not sound.',
  },
  'site-enrolled': {
    category: ['iam'],
    type: ['creation'],
    outcome: 'success',
    subject: 'the site',
    meaning: 'A site got an identity; `site_event.again` when it had one before.',
  },
  'second-connection': {
    category: ['session'],
    type: ['info'],
    outcome: 'unknown',
    subject: 'the site',
    meaning:
      'A site connected while it was connected: two places with one identity, or a line that came back quickly.',
  },
  'link-request-refused': {
    ...REFUSED,
    subject: 'address of the caller',
    meaning: 'The link was asked for a route that is not there, or with a message that has not its shape.',
  },
  'link-strangers-refused': {
    ...REFUSED,
    subject: 'address of the caller',
    meaning: 'Too many connections without a certificate were open at a time, or a TLS handshake failed.',
  },
  'batch-refused': {
    category: ['network'],
    type: ['denied'],
    outcome: 'failure',
    subject: 'the site',
    meaning:
      'A batch of a site was refused: not to be read, wrongly signed, made for another parent or by another site.',
  },
  'chain-broken': {
    category: ['network'],
    type: ['denied'],
    outcome: 'failure',
    subject: 'the site',
    meaning:
      "A site's batch does not follow the last one: a gap (`LINK_BATCH_GAP`), a fork (`LINK_BATCH_FORK`) or an old one again (`LINK_BATCH_REPLAYED`).",
  },
  'residency-breach': {
    category: ['configuration'],
    type: ['denied'],
    outcome: 'failure',
    subject: 'the site',
    meaning: 'A record came that its jurisdiction does not let leave; it was thrown away but for its id.',
  },
  'record-quarantined': {
    category: ['network'],
    type: ['denied'],
    outcome: 'failure',
    subject: 'the site',
    meaning:
      'A record of a batch has not the shape of its kind, or speaks for another site; it lies in the dead letters.',
  },
  'parent-refused': {
    category: ['authentication', 'network'],
    type: ['denied'],
    outcome: 'failure',
    subject: 'the parent',
    meaning:
      'This site was refused by its parent, or its parent is not the one that it trusts (`LINK_PIN_MISMATCH`).',
  },
  'parent-untrusted': {
    category: ['authentication', 'network'],
    type: ['denied'],
    outcome: 'failure',
    subject: 'the parent',
    meaning:
      'Whoever answered at the address of the parent has no certificate of its authority: the TLS was broken up.',
  },
  'parent-unreachable': {
    category: ['network'],
    type: ['connection', 'error'],
    outcome: 'failure',
    subject: 'the parent',
    meaning: 'The connection to the parent was lost.',
  },
  'posture-refused': {
    category: ['configuration'],
    type: ['denied'],
    outcome: 'failure',
    subject: 'the code',
    meaning:
      'A posture was not taken: older than the one held (`POSTURE_ROLLBACK`), badly signed (`SIGNATURE_*`), for another site or tenant (`POSTURE_FOREIGN`), or too late.',
  },
  'posture-entry-refused': {
    category: ['configuration'],
    type: ['denied'],
    outcome: 'failure',
    subject: 'the entry',
    meaning:
      'A change of a posture was refused by this site or could not be put in force (`NFT_REFUSED`, `EXECUTOR_FAILED`).',
  },
  'posture-drifted': {
    category: ['configuration'],
    type: ['change'],
    outcome: 'unknown',
    subject: 'what drifted',
    meaning: 'The firewall did not hold what this site had put in force; it was put back.',
  },
  'lease-ended': {
    category: ['configuration'],
    type: ['end'],
    outcome: 'success',
    subject: 'the entry',
    meaning: 'A change ended: its lease was over, or it was lifted.',
  },
  'sender-refused': {
    ...REFUSED,
    category: ['authentication', 'network'],
    subject: 'the source and the address of the sender',
    meaning: 'A receiver turned a sender away by token, client certificate or address (`error.code`).',
  },
  'records-dead-lettered': {
    category: ['process'],
    type: ['error'],
    outcome: 'failure',
    subject: 'the source and the code',
    meaning: 'Records of a source could not be read and lie in the dead letters.',
  },
  'source-silent': {
    category: ['process'],
    type: ['info'],
    outcome: 'unknown',
    subject: 'the source',
    meaning:
      'A source that usually speaks has said nothing for ten times its usual pause, and half an hour at least.',
  },
} as const satisfies Record<string, SiteEventKind>;
export type SiteEventAction = keyof typeof SITE_EVENTS;

/** One happening; `subject` keeps happenings of one action and code apart when they are counted together. */
export interface SiteHappening {
  readonly action: SiteEventAction;
  readonly subject: string;
  /** Stable code of the reason: ECS `error.code`. */
  readonly code?: string | undefined;
  /** In words; may quote what a stranger sent. */
  readonly message: string;
  /** ECS fields (`source.ip`) and members of `site_event`. */
  readonly fields?: JsonObject;
  /** How many of them; default 1. */
  readonly by?: number;
}

/** Where stages tell what happened; never throws and never waits. */
export interface SiteEvents {
  tell(happening: SiteHappening): void;
}

/** Hears everything and tells nobody: for stages that run without a site. */
export const silentSiteEvents: SiteEvents = { tell: () => undefined };
