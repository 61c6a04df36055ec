// Counts what each rule matched in a backtest, with a few samples of it.
import type { EpisodeTally } from '../correlate/read-episodes.ts';
import type { Match, RuleInfo } from '../match.ts';
import { summariseEvent } from '../worker/summarise-event.ts';

/** One event that a rule matched. */
export interface MatchSample {
  readonly event: string;
  readonly timestamp: string;
  readonly site: string;
  readonly dataset: string;
  readonly summary: string;
}

/** What a rule would have done over the time. */
export interface RuleTally {
  readonly id: string;
  readonly name: string;
  readonly level: RuleInfo['level'];
  readonly kind: RuleInfo['kind'];
  /** Rule × event; correlations have none. */
  readonly matches: number;
  /** Episodes: what an analyst would have seen. */
  readonly alerts: number;
  /** The same without the previewed exception; equal to `alerts` when there is none. */
  readonly alerts_before: number;
  /** Times of the first and last event of its matches or alerts, ISO 8601. */
  readonly first?: string | undefined;
  readonly last?: string | undefined;
  readonly samples: readonly MatchSample[];
  readonly suppressed: number;
  /** Matches hidden, by exception. */
  readonly suppressed_by: Readonly<Record<string, number>>;
  readonly suppressed_samples: readonly MatchSample[];
}

interface Count {
  matches: number;
  first: string | undefined;
  last: string | undefined;
  samples: MatchSample[];
  suppressed: number;
  suppressedBy: Map<string, number>;
  suppressedSamples: MatchSample[];
}

export class MatchTally {
  readonly #samples: number;
  readonly #counts = new Map<string, Count>();

  /** Keeps at most `samples` samples a rule. */
  constructor(samples: number) {
    this.#samples = samples;
  }

  add(match: Match): void {
    const count = this.#countOf(match.rule.id);
    const timestamp = match.event['@timestamp'];
    count.matches++;
    if (count.first === undefined || timestamp < count.first) count.first = timestamp;
    if (count.last === undefined || timestamp > count.last) count.last = timestamp;
    this.#sample(count.samples, match);
  }

  addSuppressed(match: Match, exception: string): void {
    const count = this.#countOf(match.rule.id);
    count.suppressed++;
    count.suppressedBy.set(exception, (count.suppressedBy.get(exception) ?? 0) + 1);
    this.#sample(count.suppressedSamples, match);
  }

  /** One tally a rule: those with most alerts first, then most matches, then by name. */
  results(
    rules: readonly RuleInfo[],
    episodes: readonly EpisodeTally[],
    before: readonly EpisodeTally[] = episodes,
  ): RuleTally[] {
    const alerts = new Map(episodes.map((one) => [one.rule, one]));
    const alertsBefore = new Map(before.map((one) => [one.rule, one.alerts]));
    return rules
      .map(({ id, name, level, kind }): RuleTally => {
        const count = this.#counts.get(id);
        const episode = alerts.get(id);
        return {
          id,
          name,
          level,
          kind,
          matches: count?.matches ?? 0,
          alerts: episode?.alerts ?? 0,
          alerts_before: alertsBefore.get(id) ?? 0,
          first: count?.first ?? isoOf(episode?.first),
          last: count?.last ?? isoOf(episode?.last),
          samples: count?.samples ?? [],
          suppressed: count?.suppressed ?? 0,
          suppressed_by: Object.fromEntries(count?.suppressedBy ?? []),
          suppressed_samples: count?.suppressedSamples ?? [],
        };
      })
      .sort((a, b) => b.alerts - a.alerts || b.matches - a.matches || (a.name < b.name ? -1 : 1));
  }

  #countOf(rule: string): Count {
    let count = this.#counts.get(rule);
    if (!count) {
      count = {
        matches: 0,
        first: undefined,
        last: undefined,
        samples: [],
        suppressed: 0,
        suppressedBy: new Map(),
        suppressedSamples: [],
      };
      this.#counts.set(rule, count);
    }
    return count;
  }

  #sample(samples: MatchSample[], { event }: Match): void {
    if (samples.length >= this.#samples) return;
    samples.push({
      event: event.event.id,
      timestamp: event['@timestamp'],
      site: event.picket.site.id,
      dataset: event.event.dataset,
      summary: summariseEvent(event),
    });
  }
}

function isoOf(t: number | undefined): string | undefined {
  return t === undefined ? undefined : new Date(t).toISOString();
}
