// Feeds what the API hands in: records of a recording, and dead letters once more.
import type { Intake } from '../ingest/intake.ts';
import type { RawRecord } from '../ingest/source.ts';
import { replayDeadLetters } from '../platform/bus/replay-dead-letters.ts';
import { TOPICS } from '../platform/core/topics.ts';
import type { ApiDeps } from './api/deps.ts';

/** Framed records of a source, as `picket replay` sends them. */
export async function feedRecords(
  intake: Intake,
  source: string,
  list: Parameters<ApiDeps['replay']>[1],
): ReturnType<ApiDeps['replay']> {
  const raw = list.map(
    ({ bytes, received, peer, ordinal, shift_ms, replayed }): RawRecord => ({
      bytes,
      received,
      position: { kind: 'request', ordinal },
      ...(peer === undefined ? {} : { peer }),
      ...(shift_ms === undefined ? {} : { shift_ms }),
      ...(replayed ? { replayed } : {}),
    }),
  );
  const results = await intake.accept(source, raw);
  const rejected = results.filter((result) => result.rejected.length > 0).length;
  const events = results.reduce((sum, result) => sum + result.events.length, 0);
  return { accepted: results.length - rejected, rejected, events };
}

/** Stages that read a topic and whose work may be done again: everything they write has an id of its own. */
const REPLAYED_STAGES: ReadonlySet<string> = new Set(['index', 'detect', 'residency']);

/** Feeds dead letters in again. */
export async function feedDeadLetters(options: {
  bus: Parameters<typeof replayDeadLetters>[0]['bus'];
  intake: Intake;
  filter: Parameters<ApiDeps['replayDeadLetters']>[0];
  now: number;
}): ReturnType<ApiDeps['replayDeadLetters']> {
  const { bus, intake, filter, now } = options;
  const { stage, code, source } = filter;
  let accepted = 0;
  let rejected = 0;
  const { replayed, already, failed } = await replayDeadLetters({
    bus,
    filter: {
      ...(stage === undefined ? {} : { stage }),
      ...(code === undefined ? {} : { code }),
      ...(source === undefined ? {} : { source }),
    },
    now,
    feed: async (message, letter) => {
      // What a later stage gave up was an event or alert already: it goes into its topic again.
      const topic = REPLAYED_STAGES.has(letter.stage)
        ? Object.values(TOPICS).find(({ name }) => name === letter.topic)
        : undefined;
      if (topic) {
        await bus.produce(topic, [message]);
        accepted++;
        return;
      }
      const result = await intake.replayDeadLetter(message);
      if (result.rejected.length > 0) rejected++;
      else accepted++;
    },
  });
  return { replayed, accepted, rejected, already, failed: [...failed] };
}
