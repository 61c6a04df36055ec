// Commands by a topic of the parent's Kafka: they reach the site with the link down, newest only, and are checked as over the link.
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../platform/core/clock.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import type { Posture } from '../../../platform/core/posture.ts';
import { commandTopic } from '../../../platform/core/topics.ts';
import { readCommands, startCommandTopics } from '../../../platform/link/hand-out-commands.ts';
import { publishPosture } from '../../../platform/link/publish-posture.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { type Child, invite, openChild, openParent, type Parent, SITE, TENANT } from './two-sites.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const part of open.splice(0).reverse()) await part.close();
});

const until = (what: string, holds: () => Promise<boolean> | boolean): Promise<void> =>
  waitUntil({ what, holds, timeout_ms: 15_000, interval_ms: 20 });

function publish(parent: Parent, version: number): Promise<unknown> {
  const posture: Posture = {
    schema: 1,
    tenant: TENANT,
    site: SITE.id,
    version,
    issued: new Date().toISOString(),
    expires: new Date(Date.now() + 3_600_000).toISOString(),
    entries: [],
  };
  return publishPosture({ records: parent.records, authority: parent.authority, posture });
}

/** The parent's own bus stands for its Kafka: the site reads there as it would. */
async function pair(): Promise<{ parent: Parent; child: Child; start: () => void }> {
  const parent = await openParent();
  open.push(parent);
  await parent.bus.ensureTopics([commandTopic(SITE.id)]);
  const { bundle } = await invite(parent);
  const { bus, records, counters } = parent;
  const child = await openChild({
    bundle,
    link: { commands: (onLine) => readCommands({ bus, site: SITE.id, onLine, logger: silentLogger }) },
  });
  open.push(child);
  await until('connected', () => child.link.state().state === 'connected');
  const start = (): void => {
    const topics = startCommandTopics({ bus, records, clock: systemClock, counters, logger: silentLogger });
    open.push({ close: () => topics.stop() });
  };
  return { parent, child, start };
}

function versions({ postures }: Child): number[] {
  return postures.map(({ version }) => version);
}

describe('commands by Kafka', () => {
  test('a posture reaches the site while the link is down, also one that was published before the gateway ran', async () => {
    const { parent, child, start } = await pair();
    await parent.server.close();
    await until('the link is down', () => child.link.state().state !== 'connected');
    await publish(parent, 1);
    start();
    await until('the first', () => child.postures.length === 1);
    await publish(parent, 2);
    await until('the second', () => child.postures.length === 2);
    expect(versions(child)).toEqual([1, 2]);
    await parent.restart();
    await until('the link is up', () => child.link.state().state === 'connected');
    await publish(parent, 3);
    await until('the third', () => child.postures.length >= 3);
    // It came both ways and was taken once.
    await until('both ways', async () => {
      const [bounds] = await parent.bus.bounds(commandTopic(SITE.id));
      return (
        bounds?.next === 3 && (await parent.bus.lag(`site-${SITE.id}`))[commandTopic(SITE.id).name] === 0
      );
    });
    expect(versions(child)).toEqual([1, 2, 3]);
  });

  test('what was not signed by the parent is not taken', async () => {
    const { parent, child } = await pair();
    const forged = { kind: 'posture', document: { payload: '{}', key: 'nobody', signature: 'AAAA' } };
    await parent.bus.produce(commandTopic(SITE.id), [
      { key: 'posture', value: Buffer.from('no JSON'), headers: {} },
      { key: 'posture', value: Buffer.from(JSON.stringify(forged)), headers: {} },
    ]);
    await until(
      'both were read',
      async () => (await parent.bus.lag(`site-${SITE.id}`))[commandTopic(SITE.id).name] === 0,
    );
    expect(child.postures).toEqual([]);
  });
});
