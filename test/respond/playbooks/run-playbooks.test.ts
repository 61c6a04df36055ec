// The run engine over the real embedded bus and records, with kills at every write.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../../platform/core/clock.ts';
import { Counters } from '../../../platform/core/counters.ts';
import type { Incident } from '../../../platform/core/incident.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import type { PlaybookRun } from '../../../platform/core/playbook-run.ts';
import { TOPICS } from '../../../platform/core/topics.ts';
import { readPublishedPosture } from '../../../platform/link/publish-posture.ts';
import type { RecordStore } from '../../../platform/records/record-store.ts';
import { type Delivery, startDeliverer } from '../../../respond/notify/deliver.ts';
import { decideRun } from '../../../respond/playbooks/decide-run.ts';
import { loadPlaybooks } from '../../../respond/playbooks/load-playbooks.ts';
import { type PlaybookRunner, startPlaybookRunner } from '../../../respond/playbooks/run-playbooks.ts';
import { orderChange } from '../../../respond/posture/order-change.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { makeClock, makeFolder, openStores, removeFolder, type Stores } from '../open-stores.ts';
import { BUNDLED, makeAlert, makeIncident, PLAYBOOKS } from './playbook-text.ts';

let folder: string;
let stores: Stores;
const runners: { stop(): Promise<void> }[] = [];

beforeEach(async () => {
  folder = makeFolder();
  stores = await openStores(folder);
});
afterEach(async () => {
  for (const runner of runners.splice(0)) await runner.stop();
  await stores.close();
  removeFolder(folder);
});

/** As the API writes it, which may run in another process. */
const decide = (
  decision: Omit<Parameters<typeof decideRun>[0], 'records' | 'clock'> & {
    records?: RecordStore;
    clock?: Clock;
  },
): ReturnType<typeof decideRun> => decideRun({ records: stores.records, clock: systemClock, ...decision });

/** Signs nothing: signatures are the link's tests. */
const authority = {
  sign: (context: string, payload: unknown) => ({
    context,
    key_id: 'test',
    payload: JSON.stringify(payload),
    signature: '',
  }),
};

/** The real effects: messages into the durable queue (to a receiver that is never called), changes into the posture. */
async function start(
  options: { records?: RecordStore; clock?: Clock; playbooks?: string } = {},
): Promise<PlaybookRunner> {
  const { records = stores.records, clock = systemClock, playbooks = PLAYBOOKS } = options;
  const deliverer = startDeliverer({
    records,
    notifiers: [
      {
        id: 'chat',
        type: 'webhook',
        url: 'http://127.0.0.1:9',
        secret: 'whsec_AAAA',
        timeout_ms: 100,
      },
    ],
    fetch: () => new Promise(() => undefined),
    clock: makeClock(0),
    counters: new Counters(),
    logger: silentLogger,
  });
  const runner = await startPlaybookRunner({
    bus: stores.bus,
    records,
    playbooks: (await loadPlaybooks(playbooks)).playbooks,
    clock,
    logger: silentLogger,
    effects: {
      notify: ({ key, text }) => deliverer.enqueue({ key, type: 'incident.notified', text, data: {} }),
      orderChange: async (site, entry) => {
        const { entries } = await orderChange({ records, clock, tenant: 'acme', authority }, site, entry);
        return entries.find(({ id }) => id === entry.id) ?? entry;
      },
    },
  });
  const both = {
    stop: async () => {
      await runner.stop();
      await Promise.race([deliverer.stop(), systemClock.sleep(50)]);
    },
  };
  runners.push(both);
  return runner;
}

async function keepAlert(id: string, options: { address?: string; site?: string } = {}) {
  const alert = makeAlert(id, options);
  await stores.records.create('alerts', id, alert);
  return alert;
}

async function announce(incident: Incident): Promise<void> {
  const value = new TextEncoder().encode(JSON.stringify(incident));
  await stores.bus.produce(TOPICS.incidents, [{ key: incident.id, value, headers: {} }]);
}

async function runs(): Promise<PlaybookRun[]> {
  const { records } = await stores.records.query<PlaybookRun>('runs', { limit: 1_000 });
  return records.map(({ value }) => value);
}

async function messages(): Promise<Delivery[]> {
  const { records } = await stores.records.query<Delivery>('deliveries', { limit: 1_000 });
  return records.map(({ value }) => value);
}

const settled = async (): Promise<boolean> =>
  Object.values(await stores.bus.lag('playbooks')).every((count) => count === 0);

async function waitForState(state: PlaybookRun['state']): Promise<PlaybookRun> {
  await waitUntil({
    what: `a run that is ${state}`,
    holds: async () => (await runs()).some((run) => run.state === state),
    timeout_ms: 20_000,
    interval_ms: 20,
  });
  return (await runs()).find((run) => run.state === state) as PlaybookRun;
}

describe('runs of a playbook', () => {
  test('a case starts one run however often it is announced, at whatever level', async () => {
    await start();
    const alert = await keepAlert('a1', { address: '203.0.113.7' });
    for (const level of ['high', 'high', 'critical'] as const) {
      await announce(makeIncident('i1', [alert], { level }));
    }
    await waitForState('waiting');
    await waitUntil({ what: 'the topic is read', holds: settled, timeout_ms: 20_000 });
    expect(await runs()).toHaveLength(1);
    expect(await messages()).toHaveLength(1);
  });

  test('nothing starts for a case that is quiet, closed, merged away or below the level', async () => {
    await start();
    const alert = await keepAlert('a1', { address: '203.0.113.7' });
    await announce(makeIncident('i1', [alert], { quiet: true }));
    await announce(makeIncident('i2', [alert], { status: 'closed' }));
    await announce(makeIncident('i3', [alert], { merged_into: 'i9' }));
    await announce(makeIncident('i4', [alert], { level: 'medium' }));
    await waitUntil({ what: 'the topic is read', holds: settled, timeout_ms: 20_000 });
    expect(await runs()).toEqual([]);
  });

  test('what is no case goes to the dead letters and stops nothing', async () => {
    await start();
    await stores.bus.produce(TOPICS.incidents, [
      { key: 'x', value: Buffer.from('{"id":1}'), headers: {} },
      { key: 'x', value: Buffer.from('\u0000{'), headers: {} },
    ]);
    await announce(makeIncident('i1', [await keepAlert('a1', { address: '203.0.113.7' })]));
    await waitForState('waiting');
    const [bounds] = await stores.bus.bounds(TOPICS.deadLetters);
    expect(bounds?.next).toBe(2);
  });

  test('a case that gets its target later starts its run then', async () => {
    await start();
    const blind = await keepAlert('a1');
    const incident = makeIncident('i1', [blind]);
    await stores.records.create('incidents', 'i1', incident);
    await announce(incident);
    await waitUntil({ what: 'the topic is read', holds: settled, timeout_ms: 20_000 });
    expect(await runs()).toEqual([]);

    const seeing = await keepAlert('a2', { address: '203.0.113.9', site: 'paris' });
    const record = await stores.records.get<Incident>('incidents', 'i1');
    if (!record) throw new Error('no record');
    await stores.records.update('incidents', {
      ...record,
      value: makeIncident('i1', [blind, seeing]),
    });
    const run = await waitForState('waiting');
    expect(run.variables).toMatchObject({ __address__: '203.0.113.9', __sites__: ['paris'] });
  });

  test('the question shows what would change, and approval orders it at each site', async () => {
    await start();
    const alerts = [
      await keepAlert('a1', { address: '203.0.113.7', site: 'lyon' }),
      await keepAlert('a2', { address: '203.0.113.7', site: 'paris' }),
    ];
    await announce(makeIncident('i1', alerts));
    const waiting = await waitForState('waiting');
    expect(waiting.approval).toMatchObject({
      question: 'Deny all traffic with 203.0.113.7 at lyon, paris for one hour?',
      change: {
        action: 'firewall-deny-address',
        parameters: { address: '203.0.113.7' },
        sites: ['lyon', 'paris'],
        lease_ms: 3_600_000,
      },
    });
    await decide({ run: waiting.id, decision: 'approved', actor: 'ada', reason: 'seen it' });
    const done = await waitForState('succeeded');
    expect(done.approval).toMatchObject({ decision: 'approved', actor: 'ada', reason: 'seen it' });
    for (const site of ['lyon', 'paris']) {
      const posture = await readPublishedPosture({ records: stores.records, site });
      expect(posture?.posture.version).toBe(1);
      expect(posture?.posture.entries).toMatchObject([
        { action: 'firewall-deny-address', parameters: { address: '203.0.113.7' }, owner: { run: done.id } },
      ]);
    }
    await expect(decide({ run: waiting.id, decision: 'approved', actor: 'eve' })).rejects.toMatchObject({
      code: 'RUN_NOT_WAITING',
    });
    await expect(decide({ run: 'run-x', decision: 'approved', actor: 'eve' })).rejects.toMatchObject({
      code: 'RUN_NOT_FOUND',
    });
  });

  test('a withdrawal undoes nothing: the run is marked, its owner told once, and the mark goes when the ground is back', async () => {
    await start();
    const alert = await keepAlert('a1', { address: '203.0.113.7', site: 'lyon' });
    const incident: Incident = {
      ...makeIncident('i1', [alert]),
      owner: 'ada',
      announced: { level: 'critical', quiet: false },
    };
    const stored = await stores.records.create('incidents', 'i1', incident);
    await announce(incident);
    const waiting = await waitForState('waiting');
    await decide({ run: waiting.id, decision: 'approved', actor: 'ada', reason: 'seen it' });
    await waitForState('succeeded');
    const before = await readPublishedPosture({ records: stores.records, site: 'lyon' });
    const questioned = async (): Promise<string | undefined> => (await runs())[0]?.questioned;
    const until = (what: string, holds: () => Promise<boolean>): Promise<void> =>
      waitUntil({ what, holds, timeout_ms: 20_000, interval_ms: 20 });
    const empty = await stores.records.update('incidents', { ...stored, value: { ...incident, alerts: [] } });
    await until('a mark', async () => (await questioned()) !== undefined);
    expect(await questioned()).toBe('its ground is gone: every alert was withdrawn');
    const told = async (): Promise<string[]> =>
      (await messages())
        .map(({ notification }) => notification.text)
        .filter((text) => text.includes('in question'));
    await until('a message', async () => (await told()).length > 0);
    expect(await told()).toHaveLength(1);
    expect((await told())[0]).toMatch(/^ada: /);
    // The change stands as it was ordered: the same version of the posture.
    expect(await readPublishedPosture({ records: stores.records, site: 'lyon' })).toEqual(before);
    // Told again of the same, nothing more comes.
    const again = await stores.records.update('incidents', {
      ...empty,
      value: { ...empty.value, title: 'x' },
    });
    await stores.records.update('incidents', { ...again, value: incident });
    await until('no mark', async () => (await questioned()) === undefined);
    expect(await told()).toHaveLength(1);
    expect((await runs())[0]?.state).toBe('succeeded');
  });

  test('of two decisions at once, one holds', async () => {
    await start();
    await announce(makeIncident('i1', [await keepAlert('a1', { address: '203.0.113.7' })]));
    const { id } = await waitForState('waiting');
    const outcomes = await Promise.allSettled([
      decide({ run: id, decision: 'rejected', actor: 'ada' }),
      decide({ run: id, decision: 'approved', actor: 'bob' }),
    ]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('a rejection changes nothing at any site', async () => {
    await start();
    await announce(makeIncident('i1', [await keepAlert('a1', { address: '203.0.113.7' })]));
    const { id } = await waitForState('waiting');
    await decide({ run: id, decision: 'rejected', actor: 'ada' });
    const run = await waitForState('rejected');
    expect(run.steps.at(-1)).toMatchObject({ state: 'failed' });
    expect(await readPublishedPosture({ records: stores.records, site: 'lyon' })).toBeUndefined();
  });

  test('an approval that comes after its time counts as expired', async () => {
    const clock = makeClock(Date.parse('2026-11-23T08:00:00Z'));
    await start({ clock });
    await announce(makeIncident('i1', [await keepAlert('a1', { address: '203.0.113.7' })]));
    const { id } = await waitForState('waiting');
    clock.move(86_400_000);
    await decide({ clock, run: id, decision: 'approved', actor: 'ada' });
    const run = await waitForState('rejected');
    expect(run.approval?.decision).toBe('expired');
    expect(run.steps.at(-1)?.state).toBe('timed-out');
    expect(await readPublishedPosture({ records: stores.records, site: 'lyon' })).toBeUndefined();
  });

  test('a run whose playbook was changed meanwhile fails and says so', async () => {
    const books = makeFolder();
    writeFileSync(join(books, 'a.yml'), BUNDLED);
    await start({ playbooks: books });
    await announce(makeIncident('i1', [await keepAlert('a1', { address: '203.0.113.7' })]));
    const { id } = await waitForState('waiting');
    for (const running of runners.splice(0)) await running.stop();
    writeFileSync(join(books, 'a.yml'), BUNDLED.replace('lease_ms: 3600000', 'lease_ms: 60000'));
    await start({ playbooks: books });
    await decide({ run: id, decision: 'approved', actor: 'ada' });
    expect((await waitForState('failed')).error?.code).toBe('PLAYBOOK_CHANGED');
    removeFolder(books);
  });
});

/** A store of a process that dies at its nth write: that write is done or not, and nothing is done after it. */
function makeMortal(
  records: RecordStore,
  writes: number,
  lastIsDone: boolean,
): RecordStore & { dead(): boolean } {
  let left = writes;
  const dead = (): boolean => left <= 0;
  const killed = new Error('killed');
  const write = async <T>(work: () => Promise<T>): Promise<T> => {
    if (left <= 0) throw killed;
    left--;
    if (left > 0) return work();
    if (lastIsDone) await work();
    throw killed;
  };
  const read = <T>(work: () => Promise<T>): Promise<T> => (left <= 0 ? Promise.reject(killed) : work());
  return {
    dead,
    create: (collection, id, value) => write(() => records.create(collection, id, value)),
    update: (collection, record) => write(() => records.update(collection, record)),
    remove: (collection, id, revision) => write(() => records.remove(collection, id, revision)),
    get: (collection, id) => read(() => records.get(collection, id)),
    query: (collection, query) => read(() => records.query(collection, query)),
    count: (collection, where) => read(() => records.count(collection, where)),
    changes: (options) => read(() => records.changes(options)),
    watch: (listener) => records.watch(listener),
    close: () => records.close(),
  };
}

describe('a run whose process is killed', () => {
  test.each([
    ['before a write', false],
    ['after a write, before it is known', true],
  ] as const)(
    '%s goes on and does no step twice, whichever write it is',
    async (_, lastIsDone) => {
      // Stepwise later deaths, until one run came through without dying.
      let through = 0;
      for (let writes = 1; through === 0; writes++) {
        expect(writes).toBeLessThan(60);
        const name = `${writes}`;
        const alert = await keepAlert(`a${name}`, { address: '203.0.113.7', site: `lyon-${name}` });
        const mortal = makeMortal(stores.records, writes, lastIsDone);
        await start({ records: mortal });
        await announce(makeIncident(`i${name}`, [alert]));
        await waitUntil({
          what: 'dead or waiting',
          holds: async () =>
            mortal.dead() ||
            (await runs()).some((run) => run.incident === `i${name}` && run.state === 'waiting'),
          timeout_ms: 20_000,
          interval_ms: 5,
        });
        if (!mortal.dead()) {
          const [run] = (await runs()).filter(({ incident }) => incident === `i${name}`);
          await decide({
            records: mortal,
            run: run?.id as string,
            decision: 'approved',
            actor: 'ada',
          }).catch(() => undefined);
          await waitUntil({
            what: 'dead or done',
            holds: async () =>
              mortal.dead() ||
              (await runs()).some((done) => done.incident === `i${name}` && done.state === 'succeeded'),
            timeout_ms: 20_000,
            interval_ms: 5,
          });
          if (!mortal.dead()) through = writes;
        }
        for (const runner of runners.splice(0)) await runner.stop();
        await stores.close();

        stores = await openStores(folder);
        await start();
        await waitUntil({
          what: `the run of death ${name} rests`,
          holds: async () => {
            const [run] = (await runs()).filter(({ incident }) => incident === `i${name}`);
            return run?.state === 'waiting' || run?.state === 'succeeded';
          },
          timeout_ms: 20_000,
          interval_ms: 5,
        });
        const mine = (await runs()).filter(({ incident }) => incident === `i${name}`);
        if (mine[0]?.state === 'waiting')
          await decide({ run: mine[0].id, decision: 'approved', actor: 'ada' });
        await waitUntil({
          what: `the run of death ${name} ends`,
          holds: async () =>
            (await runs()).some((done) => done.incident === `i${name}` && done.state === 'succeeded'),
          timeout_ms: 20_000,
          interval_ms: 5,
        });
        const [run, ...others] = (await runs()).filter(({ incident }) => incident === `i${name}`);
        expect(others).toEqual([]);
        expect(run?.steps.map(({ id }) => id)).toEqual([...new Set(run?.steps.map(({ id }) => id))]);
        const posture = await readPublishedPosture({ records: stores.records, site: `lyon-${name}` });
        expect(posture?.posture.version, `death ${name}`).toBe(1);
        expect(posture?.posture.entries).toHaveLength(1);
        // What the run tells is what is in force, also when the order was given before the death.
        const told = run?.steps.flatMap(({ output }) => (output?.['changes'] ?? []) as object[]);
        expect(told).toMatchObject([{ ...posture?.posture.entries[0], site: `lyon-${name}` }]);
        expect(
          (await messages()).filter(({ notification }) => notification.text.includes(`lyon-${name} `)),
        ).toHaveLength(1);
        for (const runner of runners.splice(0)) await runner.stop();
      }
      // Created, three steps told twice, the decision, the message, the posture and the end.
      expect(through).toBeGreaterThan(10);
    },
    120_000,
  );
});
