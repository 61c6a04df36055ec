// Tells of late alerts in one digest a site and period, where each would set off a message of its own if it were not late.
import { type Alert, isLate } from '../../platform/core/alert.ts';
import type { Clock } from '../../platform/core/clock.ts';
import { describeError, errorCode } from '../../platform/core/errors.ts';
import { equals } from '../../platform/core/expression/expression.ts';
import type { Logger } from '../../platform/core/log.ts';
import { LEVELS } from '../../platform/core/names.ts';
import {
  eachRecord,
  type RecordChange,
  type RecordStore,
  upsertRecord,
} from '../../platform/records/record-store.ts';
import type { Deliverer } from './deliver.ts';

export interface LateDigest {
  /** Finishes what is in hand; what is not told yet is told after the next start. */
  stop(): Promise<void>;
}

/** One hour. */
const PERIOD_MS = 3_600_000;
const LOOK_MS = 30_000;
/** Rules that a digest names, the most alerts first. */
const MOST_RULES = 20;
/** Record `settings/late-digests`. */
const OPEN_RECORD = 'late-digests';

interface OpenDigests {
  /** `<site>/<begin of its period, ISO 8601>` of those with alerts that are not told yet. */
  readonly open: readonly string[];
}

/**
 * Each late alert (SEMANTICS, Late truth) is marked with the digest that tells of it, once: what is delivered again is
 * not told again. A digest goes out when its period is over, under a key of its own, so that a crash between two steps
 * sends the same message.
 */
export async function startLateDigest(options: {
  records: RecordStore;
  deliverer: Pick<Deliverer, 'enqueue'>;
  clock: Clock;
  logger: Logger;
  period_ms?: number;
  look_ms?: number;
}): Promise<LateDigest> {
  const { records, deliverer, clock, logger, period_ms = PERIOD_MS, look_ms = LOOK_MS } = options;
  const periodOf = (t: number): string => new Date(Math.floor(t / period_ms) * period_ms).toISOString();

  const mark = async (id: string): Promise<void> => {
    const alert = (await records.get<Alert>('alerts', id))?.value;
    if (!alert || alert.digest !== undefined || alert.state !== 'current' || !isLate(alert)) return;
    const digest = `${alert.site.id}/${periodOf(clock.now())}`;
    // The digest is open before the first alert is in it: a crash in between leaves one that is empty.
    await changeOpen((open) => (open.includes(digest) ? undefined : [...open, digest]));
    await upsertRecord<Alert>({
      store: records,
      collection: 'alerts',
      id,
      change: (current) => (current && current.digest === undefined ? { ...current, digest } : undefined),
    });
  };

  const changeOpen = async (
    change: (open: readonly string[]) => readonly string[] | undefined,
  ): Promise<void> => {
    await upsertRecord<OpenDigests>({
      store: records,
      collection: 'settings',
      id: OPEN_RECORD,
      change: (current) => {
        const open = change(current?.open ?? []);
        return open && { open };
      },
    });
  };

  const tellDue = async (): Promise<void> => {
    const { open = [] } = (await records.get<OpenDigests>('settings', OPEN_RECORD))?.value ?? {};
    for (const digest of open) {
      const [site, begin] = splitDigest(digest);
      if (begin >= periodOf(clock.now())) continue;
      await tell(digest, site, begin);
      await changeOpen((still) => still.filter((one) => one !== digest));
    }
  };

  const tell = async (digest: string, site: string, begin: string): Promise<void> => {
    const rules = new Map<string, number>();
    const levels = new Map<Alert['rule']['level'], number>();
    let [count, first, last] = [0, '', ''];
    for await (const { value: alert } of eachRecord<Alert>(records, 'alerts', equals('digest', digest))) {
      if (alert.state !== 'current') continue;
      count++;
      rules.set(alert.rule.name, (rules.get(alert.rule.name) ?? 0) + 1);
      levels.set(alert.rule.level, (levels.get(alert.rule.level) ?? 0) + 1);
      if (first === '' || alert.first < first) first = alert.first;
      if (alert.last > last) last = alert.last;
    }
    if (count === 0) return;
    const named = [...rules].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).slice(0, MOST_RULES);
    const gravest = [...levels.keys()].sort((a, b) => LEVELS.indexOf(b) - LEVELS.indexOf(a))[0];
    await deliverer.enqueue({
      key: `late-digest\n${digest}`,
      type: 'alerts.late',
      text: `${count} late ${count === 1 ? 'alert' : 'alerts'} from ${site}, of ${first} to ${last}: ${named
        .map(([name, times]) => `${name} × ${times}`)
        .join(', ')}`,
      data: {
        site,
        period: begin,
        count,
        first,
        last,
        level: gravest,
        levels: Object.fromEntries(levels),
        rules: named.map(([name, alerts]) => ({ name, alerts })),
        // Opens the alerts on the page.
        where: `digest: "${digest}"`,
      },
    });
  };

  let turn: Promise<void> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    turn = turn
      .then(work)
      .catch((error: unknown) =>
        logger.error({ code: errorCode(error) }, `late alerts were not told: ${describeError(error)}`),
      );
    return turn;
  };
  const heed = ({ collection, id, kind }: RecordChange): void => {
    if (collection === 'alerts' && kind === 'put') void inTurn(() => mark(id));
  };
  const unwatch = records.watch(heed);
  await inTurn(() => markMissed({ records, mark }));
  await inTurn(tellDue);
  const timer = setInterval(() => void inTurn(tellDue), look_ms);
  return {
    async stop() {
      unwatch();
      clearInterval(timer);
      await turn;
    },
  };
}

/** What came while nobody watched. */
async function markMissed(options: {
  records: RecordStore;
  mark: (id: string) => Promise<void>;
}): Promise<void> {
  for await (const { id, value } of eachRecord<Alert>(options.records, 'alerts'))
    if (value.digest === undefined && isLate(value)) await options.mark(id);
}

function splitDigest(digest: string): [site: string, begin: string] {
  const cut = digest.indexOf('/');
  return [digest.slice(0, cut), digest.slice(cut + 1)];
}
