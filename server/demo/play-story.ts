// Plays the bundled recordings into the demo's edge sites at a speed that a person can follow, and resumes where it was cut.
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { errorCode } from '../../platform/core/errors.ts';
import { parseYaml } from '../../platform/core/yaml.ts';
import type { ApiClient } from '../commands/api-client.ts';
import { type RecordedRecord, readRecording } from '../commands/read-recording.ts';
import { sendRecords } from '../commands/replay.ts';
import { PROGRAM_FOLDER } from '../content-path.ts';

const Manifest = z.strictObject({
  sites: z.array(z.looseObject({ id: z.string() })),
  recordings: z.array(
    z.strictObject({
      file: z.string(),
      format: z.string(),
      site: z.string(),
      /** When it begins to be played, and over how long, ms. */
      start_ms: z.number(),
      span_ms: z.number(),
      /** Where its first record stands in the story's own time, ms. */
      story_ms: z.number(),
      records: z.number(),
      original_start: z.iso.datetime(),
      original_end: z.iso.datetime(),
    }),
  ),
});
type Recording = z.infer<typeof Manifest>['recordings'][number];

/** Which source of the demo's sites takes which format. */
const SOURCE_OF_FORMAT: Readonly<Record<string, string>> = {
  'kubernetes-audit': 'kubernetes',
  falco: 'falco',
  trivy: 'trivy',
  netflow: 'flows',
  syslog: 'gateway',
  windows: 'windows',
};

/** The story happened within this span before the demo was first started. */
const STORY_LENGTH_MS = 240_000;

/** Kept in the data folder, so that a story that was cut goes on with the same times and ids. */
const Progress = z.strictObject({ began: z.number(), done: z.array(z.string()) });
type Progress = z.infer<typeof Progress>;

/**
 * Plays what was not played to its end before. Records that went in already are the same events again
 * (same ids, same times), so nothing doubles.
 */
export async function playStory(options: {
  data: string;
  clients: ReadonlyMap<string, ApiClient>;
  now: number;
  speed: number;
  tell: (line: string) => void;
  signal: AbortSignal;
}): Promise<void> {
  const { data, clients, now, speed, tell, signal } = options;
  const folder = join(PROGRAM_FOLDER, 'demo', 'recordings');
  const manifestFile = join(folder, 'manifest.yaml');
  const manifest = Manifest.parse(
    parseYaml({ text: await readFile(manifestFile, 'utf8'), file: manifestFile }).value,
  );
  const stateFile = join(data, 'story.json');
  const progress = await readProgress(stateFile, now);
  const left = manifest.recordings.filter(({ file }) => !progress.done.includes(file));
  if (left.length === 0) return;
  await writeProgress(stateFile, progress);
  const first = Math.min(...left.map(({ start_ms }) => start_ms));
  let saving: Promise<void> = Promise.resolve();

  const play = async (recording: Recording): Promise<void> => {
    const { file, format, site, start_ms, span_ms, story_ms, records } = recording;
    const api = clients.get(site);
    const source = SOURCE_OF_FORMAT[format];
    if (!api || source === undefined) return;
    if (!(await waited((start_ms - first) / speed, signal))) return;
    tell(`${site}: ${records} ${records === 1 ? 'record' : 'records'} of ${format} (${file})`);
    const shift_ms = progress.began - STORY_LENGTH_MS + story_ms - Date.parse(recording.original_start);
    const items: RecordedRecord[] = [];
    for await (const record of readRecording({ file: join(folder, file), format })) items.push(record);
    await sendPatiently({
      api,
      source,
      items,
      shift_ms,
      pause_ms: items.length > 1 ? span_ms / speed / items.length : 0,
      signal,
    });
    if (signal.aborted) return;
    progress.done.push(file);
    saving = saving.then(() => writeProgress(stateFile, progress));
    await saving;
  };
  await Promise.all(left.map(play));
}

/** What a site says, or does not, while it ends, starts again or is behind; a token is that of one run. */
const PASSING: ReadonlySet<string> = new Set([
  'SITE_UNREACHABLE',
  'SIGN_IN_REQUIRED',
  'BUS_FULL',
  'BUS_CLOSED',
]);

/** A site that is being started again is waited for; sending twice does no harm. */
async function sendPatiently(options: {
  api: ApiClient;
  source: string;
  items: readonly RecordedRecord[];
  shift_ms: number;
  pause_ms: number;
  signal: AbortSignal;
}): Promise<void> {
  const { api, source, shift_ms, pause_ms, signal } = options;
  let items = options.items;
  while (!signal.aborted) {
    let sent = 0;
    try {
      await sendRecords({
        api,
        source,
        records: items,
        shift_ms,
        replayed: false,
        pause_ms,
        signal,
        onProgress: ({ records }) => (sent = records),
      });
      return;
    } catch (error) {
      if (!PASSING.has(errorCode(error))) throw error;
      items = items.slice(sent);
      await waited(500, signal);
    }
  }
}

/** False when the signal came first. */
function waited(duration_ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve(false);
      return;
    }
    const end = (done: boolean) => (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      resolve(done);
    };
    const aborted = end(false);
    const timer = setTimeout(end(true), duration_ms);
    signal.addEventListener('abort', aborted);
  });
}

async function readProgress(file: string, now: number): Promise<Progress> {
  try {
    return Progress.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return { began: now, done: [] };
  }
}

async function writeProgress(file: string, progress: Progress): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(progress));
  await rename(`${file}.new`, file);
}
