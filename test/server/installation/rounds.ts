// Rounds of load on an installation, each disturbed in its middle; at the end the alerts are compared with those of one undisturbed process.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { essence } from '../../detect/worker/fixture.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { type LoadRecord, makeLoad } from './audit-load.ts';
import { type Installation, makeInstallation } from './run-installation.ts';

/** What a round tells when the index has each of its records once. */
export const ALL_ONCE = { missing: [], doubled: [] };

export interface Rounds {
  /** Sends a round, disturbs it after a third of it was sent, and waits until the index has as many records of it. */
  play(
    name: string,
    disturb: () => Promise<unknown>,
    options?: {
      over_ms?: number;
      /** Records as the sender sends them; default: each once, in order. */
      arrange?: (records: readonly LoadRecord[]) => LoadRecord[];
      accounts?: number;
      padding_bytes?: number;
      timeout_ms?: number;
    },
  ): Promise<{
    /** Names of records that the index does not have. */
    missing: string[];
    /** Those that it has more than once. */
    doubled: string[];
  }>;
  /** What stands of the alerts of all rounds, and what one process on the embedded engines makes of the same records. */
  compare(folder: string): Promise<{
    found: unknown[];
    expected: unknown[];
    /** Alerts that stand in several incidents, and those in incidents that nobody knows. */
    misplaced: string[];
  }>;
}

export function startRounds(site: Installation): Rounds {
  const sent: LoadRecord[] = [];
  return {
    async play(name, disturb, options = {}) {
      const { over_ms = 4_000, accounts = 12, padding_bytes = 0, timeout_ms = 120_000 } = options;
      const records = makeLoad({ round: name, accounts, end: Date.now(), padding_bytes });
      sent.push(...records);
      const sending = site.send(options.arrange?.(records) ?? records, { over_ms });
      await sleep(over_ms / 3);
      await Promise.all([disturb(), sending]);
      let found: string[] = [];
      await waitUntil({
        what: `all of ${name} is found`,
        timeout_ms,
        interval_ms: 1_000,
        holds: async () => {
          found = await site.indexed(name).catch(() => []);
          return found.length >= records.length;
        },
      }).catch(() => undefined);
      const seen = new Set<string>();
      const doubled = found.filter((one) => seen.size === seen.add(one).size);
      return { missing: records.map((record) => record.name).filter((one) => !seen.has(one)), doubled };
    },
    async compare(folder) {
      const alone = await makeInstallation({ folder });
      cpSync(join(site.data, 'identity'), join(alone.data, 'identity'), { recursive: true });
      await alone.start('alone', 'all');
      try {
        await alone.send(sent, { over_ms: 0 });
        const expected = await settled(alone);
        let found: unknown[] = [];
        await waitUntil({
          what: 'the alerts are the same',
          timeout_ms: 60_000,
          interval_ms: 1_000,
          holds: async () => {
            found = essence(await site.alerts());
            return JSON.stringify(found) === JSON.stringify(expected);
          },
        }).catch(() => undefined);
        return { found, expected, misplaced: await listMisplaced(site) };
      } finally {
        await alone.end();
      }
    },
  };
}

/** The alerts when no more come. */
async function settled(site: Installation): Promise<unknown[]> {
  let before = '';
  await waitUntil({
    what: 'the undisturbed process is done',
    timeout_ms: 120_000,
    interval_ms: 2_500,
    holds: async () => {
      const now = JSON.stringify(essence(await site.alerts()));
      const still = now === before && now !== '[]';
      before = now;
      return still;
    },
  });
  return JSON.parse(before) as unknown[];
}

async function listMisplaced(site: Installation): Promise<string[]> {
  const { incidents } = await site.call<{ incidents: { alerts: { id: string }[] }[] }>(
    'GET',
    '/api/v1/incidents?limit=1000',
  );
  const known = new Set((await site.alerts()).map(({ id }) => id));
  const seen = new Set<string>();
  return incidents
    .flatMap(({ alerts }) => alerts.map(({ id }) => id))
    .filter((id) => !known.has(id) || seen.size === seen.add(id).size);
}
