// What the API's routes work with; the composition of a site hands it in.
import type { z } from 'zod';
import type { Bus } from '../../platform/bus/bus.ts';
import type { Clock } from '../../platform/core/clock.ts';
import type { CounterValue } from '../../platform/core/counters.ts';
import type { Incident } from '../../platform/core/incident.ts';
import type { Investigation } from '../../platform/core/investigation.ts';
import type { Logger } from '../../platform/core/log.ts';
import type { PlaybookRun } from '../../platform/core/playbook-run.ts';
import type { EventIndex } from '../../platform/index/event-index.ts';
import type { LinkState } from '../../platform/link/link-client.ts';
import type { RecordStore } from '../../platform/records/record-store.ts';
import type { PostureDesk } from '../../respond/posture/order-change.ts';
import type { PackDesk } from '../packs/open-pack-desk.ts';
import type { BacktestDesk } from '../rules/backtest-rules.ts';
import type { RuleDesk } from '../rules/open-rule-desk.ts';
import type { SiteConfig } from '../site-config.ts';
import type { Access } from './access.ts';
import type { DeadLetterReplayed } from './contract.ts';

/** Feeds raw records of a configured source, as `picket replay` sends them. */
export interface ReplayRecord {
  readonly bytes: Uint8Array;
  readonly received: number;
  readonly peer?: string | undefined;
  readonly ordinal: number;
  readonly shift_ms?: number | undefined;
  readonly replayed: boolean;
}

export interface ApiDeps {
  readonly config: SiteConfig;
  readonly version: string;
  readonly started: number;
  readonly records: RecordStore;
  readonly index: EventIndex;
  readonly bus: Bus;
  /** What all processes of the site counted. */
  readonly totals: () => Promise<CounterValue[]>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly access: Access;
  /** Asks all questions about an incident now, whatever was asked before. */
  readonly investigate: (incident: Incident, actor: string) => Promise<Investigation>;
  /** Undefined at sites that run no playbooks. @throws PicketError RUN_NOT_FOUND, RUN_NOT_WAITING */
  readonly decideRun:
    | ((decision: {
        run: string;
        decision: 'approved' | 'rejected';
        actor: string;
        reason?: string | undefined;
      }) => Promise<PlaybookRun>)
    | undefined;
  /** Undefined at sites that have no children. */
  readonly desk: PostureDesk | undefined;
  /** Makes the bundle of a new child. */
  readonly inviteSite:
    | ((site: { id: string; name: string; tier: 'region' | 'edge'; jurisdiction: string }) => Promise<string>)
    | undefined;
  /** How this site's own link to its parent stands; undefined without a parent. */
  readonly parentLink: () => LinkState | undefined;
  /** Cuts a child off. @throws PicketError SITE_UNKNOWN */
  readonly revokeSite: ((site: string) => Promise<void>) | undefined;
  readonly ruleDesk: RuleDesk;
  readonly backtests: BacktestDesk;
  readonly packs: PackDesk;
  /** Policies of all jurisdictions. */
  readonly residencyFolder: string;
  /** Framed records of a source: bytes of a file or request as the source's format cuts them. */
  readonly replay: (
    source: string,
    records: readonly ReplayRecord[],
  ) => Promise<{ accepted: number; rejected: number; events: number }>;
  /** Feeds dead letters in again. */
  readonly replayDeadLetters: (filter: {
    stage?: string | undefined;
    code?: string | undefined;
    source?: string | undefined;
  }) => Promise<z.infer<typeof DeadLetterReplayed>>;
  /** What keeps the site from being ready; empty when it is. */
  readonly unready: () => readonly string[];
  /** Folder of the built page. */
  readonly pageFolder: string;
}
