// A site by roles whose servers are killed, away, read-only, full or refuse it: what was acknowledged is in the index once, and the alerts are those of one undisturbed process.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Elasticsearch, startElasticsearch } from '../../services/elasticsearch.ts';
import { type Kafka, startKafka } from '../../services/kafka.ts';
import { isRealRun, requireReal } from '../../services/require-real.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { makeFolder } from '../start-picket.ts';
import { ALL_ONCE, type Rounds, startRounds } from './rounds.ts';
import { type Installation, makeInstallation } from './run-installation.ts';

const { folder, remove } = makeFolder();
const SMALL_DISK_MIB = 12;
/** A published vector of bcrypt (https://en.wikipedia.org/wiki/Bcrypt, Description). */
const PASSWORD = 'abc123xyz';
const RIGHT = '$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW';
/** Of no password that anybody knows. */
const OTHER = `${RIGHT.slice(0, -2)}UU`;

describe('a site by roles whose servers fail', { timeout: 600_000 }, () => {
  let kafka: Kafka;
  let elasticsearch: Elasticsearch;
  let site: Installation;
  let rounds: Rounds;
  let mounted: string | undefined;
  beforeAll(async () => {
    if (!isRealRun()) return;
    [kafka, elasticsearch] = await Promise.all([
      startKafka(),
      startElasticsearch({ users: { picket: RIGHT } }),
    ]);
    site = await makeInstallation({
      folder: join(folder, 'site'),
      servers: {
        broker: kafka.broker,
        elasticsearch: elasticsearch.url,
        account: { username: 'picket', password: PASSWORD },
      },
    });
    rounds = startRounds(site);
    await Promise.all(['ingest', 'index', 'detect', 'api'].map((role) => site.start(role, role)));
  }, 300_000);
  beforeEach((context) => requireReal(context, 'java', 'kafka', 'jdk', 'elasticsearch'));
  afterAll(async () => {
    await site?.end();
    if (mounted !== undefined) execFileSync('umount', [mounted]);
    await elasticsearch?.stop();
    await kafka?.stop();
    remove();
  });

  const setting = (name: string, value: unknown): Promise<Response> =>
    fetch(`${elasticsearch.url}/picket-*/_settings`, {
      method: 'PUT',
      headers: {
        'content-type': 'application/json',
        authorization: `Basic ${Buffer.from(`picket:${PASSWORD}`).toString('base64')}`,
      },
      body: JSON.stringify({ [name]: value }),
    });

  test('goes on when the broker is killed and comes back', async () => {
    expect(
      await rounds.play('broker-killed', async () => {
        await kafka.kill();
        await sleep(1_000);
        await kafka.start();
      }),
    ).toEqual(ALL_ONCE);
  });

  test('takes records while the broker is away for a minute, and works them afterwards', async () => {
    let sentBy = Number.POSITIVE_INFINITY;
    expect(
      await rounds.play('broker-away', async () => {
        await kafka.kill();
        const began = performance.now();
        await sleep(60_000);
        sentBy = performance.now() - began;
        await kafka.start();
      }),
    ).toEqual(ALL_ONCE);
    expect(sentBy).toBeGreaterThanOrEqual(60_000);
  });

  test('goes on when Elasticsearch is killed and comes back', async () => {
    expect(
      await rounds.play('index-killed', async () => {
        await elasticsearch.kill();
        await sleep(1_000);
        await elasticsearch.start();
      }),
    ).toEqual(ALL_ONCE);
  });

  test('waits while the index is read-only, and writes all of it afterwards', async () => {
    expect(
      await rounds.play('read-only', async () => {
        expect((await setting('index.blocks.read_only_allow_delete', true)).status).toBe(200);
        await sleep(6_000);
        expect((await setting('index.blocks.read_only_allow_delete', null)).status).toBe(200);
      }),
    ).toEqual(ALL_ONCE);
  });

  test('waits while Elasticsearch does not know its password, and writes all of it afterwards', async () => {
    expect(
      await rounds.play('password', async () => {
        await elasticsearch.setUsers({ picket: OTHER });
        await waitUntil({
          what: 'the password is refused',
          timeout_ms: 30_000,
          holds: async () => (await setting('index.priority', null)).status === 401,
        });
        await sleep(3_000);
        await elasticsearch.setUsers({ picket: RIGHT });
      }),
    ).toEqual(ALL_ONCE);
  });

  test('answers 429 when the disk that records wait on is full, and loses none of those it took', async (context) => {
    if (process.getuid?.() !== 0) context.skip('skipped: needs root, to mount a small disk');
    await site.stop('ingest');
    mounted = join(site.data, 'processes', 'small');
    mkdirSync(mounted, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SMALL_DISK_MIB}m`, 'tmpfs', mounted]);
    await site.start('small', 'ingest');
    const refused = site.refused();
    expect(
      await rounds.play(
        'full-disk',
        async () => {
          await kafka.kill();
          await waitUntil({
            what: 'records are refused for now',
            timeout_ms: 60_000,
            holds: () => site.refused() > refused,
          });
          await sleep(2_000);
          await kafka.start();
        },
        // Several times what the disk holds.
        { padding_bytes: 200_000, accounts: 20, over_ms: 6_000 },
      ),
    ).toEqual(ALL_ONCE);
  });

  test('waits while Elasticsearch is away for five minutes, and writes all of it afterwards', async () => {
    expect(
      await rounds.play(
        'index-away',
        async () => {
          await elasticsearch.kill();
          await sleep(300_000);
          await elasticsearch.start();
        },
        { timeout_ms: 240_000 },
      ),
    ).toEqual(ALL_ONCE);
  });

  test('raised the alerts of an undisturbed process, each once and in one incident', async () => {
    const { found, expected, misplaced } = await rounds.compare(join(folder, 'alone'));
    expect(found).toEqual(expected);
    expect(expected.length).toBeGreaterThan(0);
    expect(misplaced).toEqual([]);
  });
});
