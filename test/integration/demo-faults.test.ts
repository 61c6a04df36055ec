// The demo as processes, with each of them killed while the story is played: nothing is lost and nothing doubled.
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRecording } from '../../server/commands/read-recording.ts';
import { sendRecords } from '../../server/commands/replay.ts';
import { DEMO_PORTS } from '../../server/demo/write-site-files.ts';
import {
  clientOf,
  makeFolder,
  type RunningPicket,
  readAddress,
  startPicket,
} from '../server/start-picket.ts';
import { findFreePorts } from '../services/free-port.ts';
import { waitUntil } from '../services/wait-until.ts';
import {
  playedRecordings,
  readSite,
  SITES,
  type SiteName,
  type SiteState,
  waitForQuiet,
} from './demo-state.ts';

const RECORDINGS = join(import.meta.dirname, '..', '..', 'demo', 'recordings');
/** As server/demo/play-story.ts plays: the story ended when the demo was first started. */
const STORY_LENGTH_MS = 240_000;
/** How much faster than for a person the story is played. */
const SPEED = 2;

interface Manifest {
  recordings: {
    file: string;
    format: string;
    site: SiteName;
    story_ms: number;
    records: number;
    original_start: string;
  }[];
}
const { recordings } = load(readFileSync(join(RECORDINGS, 'manifest.yaml'), 'utf8')) as Manifest;

const { folder, remove } = makeFolder();
const template = join(folder, 'template');
let port: number;
let running: RunningPicket | undefined;

const up = async (data: string, ...more: string[]): Promise<void> => {
  running = await startPicket(['up', '--demo', '--no-page', '--data', data, '--port', String(port), ...more]);
};

beforeAll(async () => {
  [port] = (await findFreePorts(DEMO_PORTS)) as [number];
  await up(template, '--empty');
  await running?.stop();
  writeFileSync(join(template, 'story.json'), JSON.stringify({ began: Date.now(), done: [] }));
});
afterAll(async () => {
  await running?.stop();
  remove();
});

/** The same sites with the same keys, so that the same record has the same id in both runs. */
function copyTemplate(name: string): string {
  const data = join(folder, name);
  cpSync(template, data, { recursive: true });
  return data;
}

async function readAll(data: string): Promise<Record<SiteName, SiteState>> {
  const states = await Promise.all(SITES.map((site) => readSite(join(data, site))));
  return Object.fromEntries(SITES.map((site, at) => [site, states[at]])) as Record<SiteName, SiteState>;
}

/** All recordings at once with nobody disturbed: what must come out. */
async function runUndisturbed(): Promise<Record<SiteName, SiteState>> {
  const data = copyTemplate('undisturbed');
  const { began } = JSON.parse(readFileSync(join(data, 'story.json'), 'utf8')) as { began: number };
  await up(data, '--empty');
  for (const { file, format, site, story_ms, original_start } of recordings) {
    const api = clientOf(join(data, site));
    const { sources } = await api.call<{ sources: { id: string; format: string }[] }>(
      'GET',
      '/api/v1/sources',
    );
    await sendRecords({
      api,
      source: sources.find((source) => source.format === format)?.id ?? format,
      records: readRecording({ file: join(RECORDINGS, file), format }),
      shift_ms: began - STORY_LENGTH_MS + story_ms - Date.parse(original_start),
      replayed: false,
      pause_ms: 0,
    });
  }
  await waitForQuiet(data, 150_000);
  const states = await readAll(data);
  await running?.stop();
  return states;
}

/** Kills one process of the demo by its id; the supervisor starts it again. */
function killSite(data: string, site: SiteName): void {
  const { pid } = readAddress(join(data, site));
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It was killed a moment ago and is not back yet: that is a fault as well.
  }
}

async function runDisturbed(seed: number): Promise<Record<SiteName, SiteState>> {
  const data = copyTemplate('disturbed');
  await up(data, '--speed', String(SPEED));
  const random = createRandom(seed);
  const faults: { at: number; what: SiteName | 'supervisor' }[] = [
    { at: 3_000 + random() * 25_000, what: 'factory-lyon' as const },
    { at: 28_000 + random() * 15_000, what: 'factory-lyon' as const },
    { at: 5_000 + random() * 30_000, what: 'centre' as const },
    { at: 40_000 + random() * 25_000, what: 'centre' as const },
    { at: 49_000 + random() * 22_000, what: 'factory-shenzhen' as const },
    { at: 10_000 + random() * 50_000, what: 'supervisor' as const },
  ].sort((a, b) => a.at - b.at);
  let passed = 0;
  for (const { at, what } of faults) {
    await sleep((at - passed) / SPEED);
    passed = at;
    if (what === 'supervisor') {
      await running?.kill();
      await up(data, '--speed', String(SPEED));
    } else killSite(data, what);
  }
  await waitUntil({
    what: 'the story played to its end',
    holds: () => {
      if (running?.said().includes('the story stopped')) throw new Error(running.said());
      return playedRecordings(data) === recordings.length;
    },
    timeout_ms: 300_000,
    interval_ms: 500,
  });
  await waitForQuiet(data, 150_000);
  return readAll(data);
}

/** Mulberry32: the moments of a run can be had again from its seed. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

describe('the demo with its processes killed', () => {
  test('loses nothing and doubles nothing, at any site', { timeout: 600_000 }, async () => {
    const seed = Number(process.env['PICKET_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    const expected = await runUndisturbed();
    const found = await runDisturbed(seed);
    for (const site of SITES) {
      const where = `${site} (PICKET_SEED=${seed})`;
      const { events, alertIds, runs } = found[site];
      expect(new Set(events).size, `${where}: an event twice`).toBe(events.length);
      expect(new Set(alertIds).size, `${where}: an alert twice`).toBe(alertIds.length);
      expect(new Set(runs).size, `${where}: a playbook twice for one case`).toBe(runs.length);
      expect(events, `${where}: events`).toEqual(expected[site].events);
      expect(found[site].alerts, `${where}: alerts`).toEqual(expected[site].alerts);
      expect(found[site].partition, `${where}: cases`).toEqual(expected[site].partition);
      expect(found[site].deadLetters, `${where}: dead letters`).toEqual(expected[site].deadLetters);
    }
    // The comparison would hold between two empty runs as well.
    expect(expected['factory-lyon'].events.length).toBeGreaterThan(300);
    expect(expected['factory-shenzhen'].events.length).toBeGreaterThan(400);
    expect(expected.centre.events.length).toBeGreaterThan(100);
    expect(expected.centre.alerts.length).toBeGreaterThan(0);
  });
});
