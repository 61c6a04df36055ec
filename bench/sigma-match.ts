// Sigma matching against JSON.parse alone: SigmaHQ's rules over recorded Windows attacks and over streams that hardly repeat, in one thread.
import { createLineNormaliser } from '../server/commands/normalise-line.ts';
import { makeLines, STREAMS } from './sigma-streams/make-streams.ts';
import { measureShare, type Share } from './sigma-streams/measure-share.ts';
import { compileSigmaHq, readSigmaHqRules, readWindowsEvents } from './sigma-streams/sigmahq.ts';

export const description =
  'Sigma: decode, parse and match SigmaHQ rules, as a share of JSON.parse alone: real events raw and normalised, streams that hardly repeat (PICKET_CORPORA names the folder)';

const SEED = 7;
const STREAM_EVENTS = 40_000;

/** @throws Error when the corpora are not there */
export async function run({ progress }: { progress: (line: string) => void }): Promise<{
  table: Record<string, string | number>[];
  figures: Record<string, number | string>;
}> {
  const rules = readSigmaHqRules();
  const table: Record<string, string | number>[] = [];
  const figures: Record<string, number | string> = { rules: rules.length };
  const tell = (name: string, what: string, measured: Share): void => {
    table.push({ what, ...measured });
    const key = name.replaceAll('-', '_');
    figures[`${key}_share`] = measured.share;
    figures[`${key}_share_of_cpu`] = measured.share_of_cpu;
    progress(`${what}: ${measured.events_per_s} events/s, ${measured.share} of JSON.parse`);
  };
  const raw = compileSigmaHq(rules);
  tell('windows', 'recorded Windows events', await measureShare({ bytes: readWindowsEvents(), engine: raw }));
  tell(
    'windows-ecs',
    'the same, normalised to ECS',
    await measureShare({ bytes: normaliseWindows(), engine: compileSigmaHq(rules, true) }),
  );
  for (const stream of STREAMS) {
    // A new engine each: nothing of one stream is remembered for another.
    const engine = compileSigmaHq(rules);
    const measured = await measureShare({ bytes: makeLines(stream, STREAM_EVENTS, SEED), engine });
    tell(stream.name, stream.what, measured);
  }
  return { table, figures };
}

function normaliseWindows(): Buffer {
  const normalise = createLineNormaliser('windows');
  const lines: string[] = [];
  for (const line of readWindowsEvents().toString('utf8').split('\n')) {
    if (line === '') continue;
    try {
      for (const event of normalise(Buffer.from(line))) lines.push(JSON.stringify(event));
    } catch {
      // A few records of the corpus are not of Windows: what is no event is not matched.
    }
  }
  return Buffer.from(lines.join('\n'));
}
