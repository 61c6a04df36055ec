// Times matching lines of JSON against JSON.parse alone over the same lines, by the clock and by this thread's CPU.
import type { SigmaEngine } from '../../detect/sigma/engine/engine.ts';

export interface Share {
  readonly events: number;
  readonly matches: number;
  readonly bytes_an_event: number;
  readonly parse_events_per_s: number;
  readonly events_per_s: number;
  /** Time of JSON.parse divided by time of decoding, parsing and matching; best rounds. */
  readonly share: number;
  readonly share_of_cpu: number;
  /** The first round, with nothing remembered and nothing optimised yet. */
  readonly share_first: number;
}

const ROUNDS = 5;

/**
 * JSON.parse: each line already a string in memory. Ours: bytes in memory to the last match. Best of five, the two by
 * turns, since the machine's speed drifts.
 */
export async function measureShare(options: { bytes: Buffer; engine: SigmaEngine }): Promise<Share> {
  const { bytes, engine } = options;
  const lines = bytes.toString('utf8').split('\n').filter(Boolean);
  const parse = { wall: Number.POSITIVE_INFINITY, cpu: Number.POSITIVE_INFINITY };
  const match = { wall: Number.POSITIVE_INFINITY, cpu: Number.POSITIVE_INFINITY };
  let first = 0;
  let matches = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const parsing = time(() => {
      for (const line of lines) JSON.parse(line);
    });
    parse.wall = Math.min(parse.wall, parsing.wall);
    parse.cpu = Math.min(parse.cpu, parsing.cpu);
    matches = 0;
    const matching = time(() => {
      engine.matchLines(bytes, (line) => {
        if (line) matches += line.matched.length;
      });
    });
    if (round === 0) first = matching.wall;
    match.wall = Math.min(match.wall, matching.wall);
    match.cpu = Math.min(match.cpu, matching.cpu);
    await new Promise(setImmediate);
  }
  const round = (value: number): number => Number(value.toFixed(3));
  return {
    events: lines.length,
    matches,
    bytes_an_event: Math.round(bytes.length / lines.length),
    parse_events_per_s: Math.round((lines.length / parse.wall) * 1_000),
    events_per_s: Math.round((lines.length / match.wall) * 1_000),
    share: round(parse.wall / match.wall),
    share_of_cpu: round(parse.cpu / match.cpu),
    share_first: round(parse.wall / first),
  };
}

/** Milliseconds by the clock and of this thread. */
function time(work: () => void): { wall: number; cpu: number } {
  const started = performance.now();
  const used = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(used);
  return { wall: performance.now() - started, cpu: (user + system) / 1_000 };
}
