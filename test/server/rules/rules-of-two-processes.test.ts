// What one process of a site changes about rules, the others have: reloads, exceptions and counts, over one store of records.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Match } from '../../../detect/match.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { Counters } from '../../../platform/core/counters.ts';
import type { PicketEvent } from '../../../platform/core/event.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import type { EventIndex } from '../../../platform/index/event-index.ts';
import { openRecords } from '../../../platform/records/open-records.ts';
import type { RecordStore } from '../../../platform/records/record-store.ts';
import { resolveContent } from '../../../server/content-path.ts';
import { keepCounters, sumCounters } from '../../../server/keep-counters.ts';
import { readSiteConfig } from '../../../server/read-site-config.ts';
import { type SiteRules, startRules } from '../../../server/rules/start-rules.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { writeSite } from '../site-files.ts';
import { makeFolder } from '../start-picket.ts';

const RULE_ID = '0a6c5c9e-2b52-4b5a-9a43-3b1de0d1b001';
const ruleText = (title: string): string => `title: ${title}
id: ${RULE_ID}
status: test
logsource: { product: kubernetes, service: audit }
detection: { selection: { verb: get }, condition: selection }
level: low
`;
const EXCEPTION = `title: Known account
id: 11111111-2222-4333-8444-555555555555
author: Ann
filter:
  rules: [${RULE_ID}]
  selection: { user.username: backup }
  condition: not selection
logsource: { product: kubernetes, service: audit }
picket: { reason: It does this every night. }
`;

describe('two processes of a site', () => {
  const { folder, remove } = makeFolder();
  let records: RecordStore;
  let one: SiteRules;
  let other: SiteRules;
  const rulesFolder = join(folder, 'rules');
  beforeEach(async () => {
    mkdirSync(rulesFolder, { recursive: true });
    writeFileSync(join(rulesFolder, 'a.yml'), ruleText('First'));
    records = await openRecords({
      engine: 'embedded',
      folder: join(folder, `records-${Math.random()}`),
      clock: systemClock,
    });
    [one, other] = await Promise.all([start('one', true), start('other', false)]);
  });
  afterEach(async () => {
    await one.close();
    await other.close();
    await records.close();
  });
  afterAll(remove);

  async function start(name: string, servesApi: boolean): Promise<SiteRules> {
    const { file } = writeSite({ folder, tier: 'centre', more: { content: { rules: [rulesFolder] } } });
    const config = readSiteConfig({ file, environment: {} });
    return startRules({
      config,
      configFile: file,
      content: (path) => resolveContent(path, file),
      folder: join(folder, name),
      process: name,
      servesApi,
      records,
      // Only backtests ask it.
      index: {} as EventIndex,
      clock: systemClock,
      logger: silentLogger,
    });
  }

  const titlesOf = ({ desk }: SiteRules): string[] => desk.detection().views.map(({ name }) => name);
  const matchOf = (user: string): Match =>
    ({
      rule: { id: RULE_ID, name: 'First' },
      event: {
        '@timestamp': '2026-11-26T10:00:00.000Z',
        event: { id: `event-of-${user}`, dataset: 'kubernetes.audit' },
        picket: { site: { id: 'centre' } },
        kubernetes: { audit: { user: { username: user } } },
      } as unknown as PicketEvent,
    }) as unknown as Match;

  test('reload together, whichever of them is told to', async () => {
    writeFileSync(join(rulesFolder, 'a.yml'), ruleText('Second'));
    await one.desk.reload();
    await waitUntil({
      what: 'the other follows',
      timeout_ms: 10_000,
      holds: () => titlesOf(other).includes('Second'),
    });
    writeFileSync(join(rulesFolder, 'a.yml'), ruleText('Third'));
    await other.desk.reload();
    await waitUntil({
      what: 'the first follows',
      timeout_ms: 10_000,
      holds: () => titlesOf(one).includes('Third'),
    });
    expect([titlesOf(one), titlesOf(other)]).toEqual([['Third'], ['Third']]);
  });

  test('have the exceptions that one of them made, until one of them takes them back', async () => {
    const made = await one.desk.exceptions.create({ text: EXCEPTION, permanent: true, actor: 'ann' });
    await waitUntil({
      what: 'the other has it',
      timeout_ms: 10_000,
      holds: () => other.desk.exceptions.list().length === 1,
    });
    expect(other.desk.exceptions.get(made.id)).toMatchObject({ state: 'active', actor: 'ann' });
    await other.desk.exceptions.remove({ id: made.id, actor: 'bob' });
    await waitUntil({
      what: 'the first lost it',
      timeout_ms: 10_000,
      holds: () => one.desk.exceptions.list().length === 0,
    });
    expect(other.desk.exceptions.list()).toEqual([]);
  });

  test('tell the sum of what both counted, also after one was started again', async () => {
    one.desk.tallies.addMatch(matchOf('ann'));
    other.desk.tallies.addMatch(matchOf('bob'));
    other.desk.tallies.addMatch(matchOf('eve'));
    await one.close();
    await other.close();
    [one, other] = await Promise.all([start('one', true), start('other', false)]);
    expect(one.desk.tallies.hitsOf(RULE_ID)?.matches).toBe(3);
    one.desk.tallies.addMatch(matchOf('ann'));
    expect(one.desk.tallies.hitsOf(RULE_ID)?.matches).toBe(4);

    const [here, there] = [new Counters(), new Counters()];
    const keep = (counters: Counters, process: string) =>
      keepCounters({ counters, records, process, logger: silentLogger });
    const kept = await Promise.all([keep(here, 'one'), keep(there, 'other')]);
    here.add('detect', 'worked', { by: 2 });
    there.add('detect', 'worked', { by: 3 });
    for (const keeper of kept) await keeper.close();
    expect(await sumCounters({ counters: here, records, process: 'one' })).toEqual([
      { stage: 'detect', reason: 'worked', count: 5 },
    ]);
    expect(await sumCounters({ counters: here, records, process: undefined })).toEqual(here.snapshot());
  });
});
