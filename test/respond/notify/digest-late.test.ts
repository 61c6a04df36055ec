// Late alerts are told in one digest a site and period: thousands at once, twice delivered, over restarts, each told once.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keepAlert } from '../../../detect/worker/keep-alert.ts';
import type { Alert } from '../../../platform/core/alert.ts';
import { type Clock, systemClock } from '../../../platform/core/clock.ts';
import { Counters } from '../../../platform/core/counters.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import { openEmbeddedRecords } from '../../../platform/records/embedded/open-embedded-records.ts';
import type { RecordStore } from '../../../platform/records/record-store.ts';
import { type Delivery, startDeliverer } from '../../../respond/notify/deliver.ts';
import { type LateDigest, startLateDigest } from '../../../respond/notify/digest-late.ts';

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 10, 26, 12, 10);
let folder = '';
let records: RecordStore;
let now = NOW;
const clock: Clock = { ...systemClock, now: () => now };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'picket-digest-'));
  now = NOW;
  records = await openEmbeddedRecords({ folder, clock });
});
afterEach(async () => {
  await records.close();
  rmSync(folder, { recursive: true, force: true });
});

function alertOf(nth: number, more: Partial<Alert> = {}): Alert {
  const at = new Date(NOW - 72 * HOUR + nth * 1_000).toISOString();
  return {
    schema: 1,
    id: `alert-${nth}`,
    tenant: 'acme',
    site: { id: 'lyon', tier: 'edge' },
    jurisdiction: 'eu-fr',
    class: 'process',
    rule: {
      id: `r${nth % 3}`,
      name: `Rule ${nth % 3}`,
      level: nth % 3 === 0 ? 'high' : 'low',
      kind: 'plain',
      version: '1',
      pack: 'p',
      tags: [],
    },
    scope: 'site',
    key: {},
    state: 'current',
    revision: 1,
    first: at,
    last: at,
    count: 1,
    events: [],
    reasons: [],
    entities: [],
    threat: [],
    detection_delay_ms: 72 * HOUR,
    replayed: false,
    created: at,
    status: 'open',
    ...more,
  };
}

/** The digest with a real delivery queue behind it, to a channel that nobody answers on. */
async function start(): Promise<{ digest: LateDigest; stop: () => Promise<void> }> {
  const deliverer = startDeliverer({
    records,
    notifiers: [
      {
        type: 'webhook',
        id: 'chat',
        url: 'http://127.0.0.1:9/',
        secret: 'whsec_MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw',
      },
    ] as never,
    fetch: () => Promise.reject(new Error('nobody')),
    clock,
    counters: new Counters(),
    logger: silentLogger,
  });
  const digest = await startLateDigest({ records, deliverer, clock, logger: silentLogger, look_ms: 20 });
  return {
    digest,
    stop: async () => {
      await digest.stop();
      await deliverer.stop();
    },
  };
}

async function told(): Promise<Delivery['notification'][]> {
  const page = await records.query<Delivery>('deliveries', { limit: 100 });
  return page.records.map(({ value }) => value.notification);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const ends = systemClock.monotonic() + 30_000;
  while (!(await holds())) {
    if (systemClock.monotonic() > ends) throw new Error('not in time');
    await systemClock.sleep(20);
  }
}

const marked = async (): Promise<number> =>
  (await records.query<Alert>('alerts', { limit: 10_000 })).records.filter(
    ({ value }) => value.digest !== undefined,
  ).length;

describe('the digest of late alerts', () => {
  it('tells of a site that was cut off for three days in one message, and never again of the same alerts', async () => {
    const running = await start();
    for (let nth = 0; nth < 600; nth++) await keepAlert(records, alertOf(nth));
    await keepAlert(records, alertOf(9_000, { detection_delay_ms: 1_000 }));
    await until(async () => (await marked()) === 600);
    expect(await told()).toEqual([]);
    now += HOUR;
    await until(async () => (await told()).length > 0);
    const [message, ...rest] = await told();
    expect(rest).toEqual([]);
    expect(message).toMatchObject({
      type: 'alerts.late',
      data: {
        site: 'lyon',
        count: 600,
        level: 'high',
        levels: { high: 200, low: 400 },
        where: 'digest: "lyon/2026-11-26T12:00:00.000Z"',
        rules: [
          { name: 'Rule 0', alerts: 200 },
          { name: 'Rule 1', alerts: 200 },
          { name: 'Rule 2', alerts: 200 },
        ],
      },
    });
    expect(message?.text).toMatch(
      /^600 late alerts from lyon, of .*: Rule 0 × 200, Rule 1 × 200, Rule 2 × 200$/,
    );
    // Delivered again, and revised: no news.
    for (let nth = 0; nth < 50; nth++) await keepAlert(records, alertOf(nth));
    for (let nth = 0; nth < 50; nth++) await keepAlert(records, alertOf(nth, { revision: 2, count: 2 }));
    now += 2 * HOUR;
    await systemClock.sleep(200);
    expect(await told()).toHaveLength(1);
    await running.stop();
  });

  it('goes on over a restart with what came before and meanwhile, a message a site', async () => {
    const first = await start();
    await keepAlert(records, alertOf(1));
    await until(async () => (await marked()) === 1);
    await first.stop();
    await keepAlert(records, alertOf(2));
    await keepAlert(records, alertOf(3, { site: { id: 'kyoto', tier: 'edge' } }));
    const second = await start();
    await until(async () => (await marked()) === 3);
    await second.stop();
    now += HOUR;
    const third = await start();
    await until(async () => (await told()).length === 2);
    expect(new Map((await told()).map(({ data }) => [data['site'], data['count']]))).toEqual(
      new Map([
        ['kyoto', 1],
        ['lyon', 2],
      ]),
    );
    await third.stop();
  });

  it('leaves out what was withdrawn before it was told', async () => {
    const running = await start();
    await keepAlert(records, alertOf(1));
    await until(async () => (await marked()) === 1);
    await keepAlert(records, alertOf(1, { state: 'withdrawn', revision: 2 }));
    now += HOUR;
    await systemClock.sleep(200);
    expect(await told()).toEqual([]);
    await running.stop();
  });
});
