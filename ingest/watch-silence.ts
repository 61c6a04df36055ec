// Notices a source that usually speaks and has fallen silent: by its own usual pause, so that nothing is configured.
import type { Clock } from '../platform/core/clock.ts';
import type { SiteEvents } from '../platform/core/site-events.ts';

/** Nobody is silent before this. */
const SHORTEST_SILENCE_MS = 1_800_000;
/** So many usual pauses without a word are a silence. */
const PAUSES = 10;
/** Records come in bursts: what lies closer together is one word. */
const BURST_MS = 1_000;
/** A source has habits after so many words. */
const WORDS_TO_KNOW = 20;
/** How much a new pause weighs in the usual one. */
const WEIGHT = 0.1;

interface Habit {
  last: number;
  words: number;
  /** The usual pause, ms: an exponentially weighted mean. */
  pause: number;
  silent: boolean;
}

export interface SilenceWatch {
  /** Records of a source came. */
  heard(source: string): void;
  /** Tells of sources that fell silent; each once until it speaks again. */
  check(): void;
}

/** Habits live in memory: after a restart a source must show them again. */
export function watchSilence(options: { clock: Pick<Clock, 'now'>; siteEvents: SiteEvents }): SilenceWatch {
  const { clock, siteEvents } = options;
  const habits = new Map<string, Habit>();
  return {
    heard: (source) => {
      const now = clock.now();
      const habit = habits.get(source);
      if (!habit) {
        habits.set(source, { last: now, words: 1, pause: 0, silent: false });
        return;
      }
      const pause = now - habit.last;
      if (pause >= BURST_MS) {
        // A silence that was told is no habit.
        if (!habit.silent) habit.pause += (pause - habit.pause) * (habit.words === 1 ? 1 : WEIGHT);
        habit.words++;
        habit.last = now;
      }
      habit.silent = false;
    },
    check: () => {
      const now = clock.now();
      for (const [source, habit] of habits) {
        if (habit.silent || habit.words < WORDS_TO_KNOW) continue;
        const silence = now - habit.last;
        if (silence < Math.max(SHORTEST_SILENCE_MS, habit.pause * PAUSES)) continue;
        habit.silent = true;
        const [said, usual] = [Math.round(silence / 1000), Math.round(habit.pause / 1000)];
        siteEvents.tell({
          action: 'source-silent',
          subject: source,
          message: `source ${source} has said nothing for ${said} s; usually it pauses for ${usual} s`,
          fields: { site_event: { source, silence_s: said, usual_pause_s: usual } },
        });
      }
    },
  };
}
