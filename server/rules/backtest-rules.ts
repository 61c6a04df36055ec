// Runs a backtest for the API: chooses the rules, narrows the query, and bounds how many run at once.
import { narrowQuery } from '../../detect/history/narrow-query.ts';
import { type BacktestProgress, runBacktest } from '../../detect/history/run-backtest.ts';
import type { Match } from '../../detect/match.ts';
import type { Clock } from '../../platform/core/clock.ts';
import { PicketError } from '../../platform/core/errors.ts';
import type { EventIndex } from '../../platform/index/event-index.ts';
import type { BacktestRequest, BacktestView } from '../api/rule-contract.ts';
import { type ChosenRules, chooseRules } from './choose-rules.ts';
import type { RuleDesk } from './open-rule-desk.ts';

/** Each reads the index and writes signals: more at once would only slow one another. */
export const MAX_BACKTESTS = 2;

export interface BacktestDesk {
  /** @throws PicketError BACKTEST_BUSY, BACKTEST_CANCELLED, TIME_INVALID, and what chooseRules says */
  run(
    request: BacktestRequest,
    hooks: { signal: AbortSignal; onProgress: (progress: BacktestProgress) => void },
  ): Promise<BacktestView>;
  /** The same for rules that are chosen already. */
  runChosen(
    chosen: ChosenRules,
    request: Omit<BacktestRequest, 'drafts' | 'rules' | 'exceptions'>,
    hooks: {
      signal: AbortSignal;
      onProgress?: (progress: BacktestProgress) => void;
      suppressedBy?: (match: Match) => string | undefined;
      /** An exception that is not in force yet. */
      previewed?: string;
    },
  ): Promise<BacktestView>;
}

export function openBacktestDesk(options: {
  desk: RuleDesk;
  index: EventIndex;
  tenant: string;
  clock: Clock;
}): BacktestDesk {
  const { desk, index, tenant, clock } = options;
  let running = 0;
  const runChosen: BacktestDesk['runChosen'] = async (chosen, request, hooks) => {
    const from = Date.parse(request.from);
    const to = request.to === undefined ? clock.now() : Date.parse(request.to);
    if (from >= to)
      throw new PicketError({ code: 'TIME_INVALID', message: 'the time ends before it begins' });
    if (running >= MAX_BACKTESTS)
      throw new PicketError({
        code: 'BACKTEST_BUSY',
        message: `${MAX_BACKTESTS} backtests are running: wait for one to end`,
      });
    running++;
    const began = clock.monotonic();
    try {
      const result = await runBacktest({
        index,
        tenant,
        from,
        to,
        ...(request.sites ? { sites: request.sites } : {}),
        rules: chosen.rules,
        where: narrowQuery(chosen.engine.rules),
        entityTable: desk.entityTable,
        folder: desk.workFolder(),
        samples: request.samples,
        signal: hooks.signal,
        ...(hooks.onProgress ? { onProgress: hooks.onProgress } : {}),
        ...(hooks.suppressedBy ? { suppressedBy: hooks.suppressedBy } : {}),
        ...(hooks.previewed === undefined ? {} : { previewed: hooks.previewed }),
      });
      const { refused, rules, unanswered, ...rest } = result;
      return {
        ...rest,
        from: new Date(from).toISOString(),
        to: new Date(to).toISOString(),
        rules: rules.map((rule) => ({
          ...rule,
          samples: [...rule.samples],
          suppressed_samples: [...rule.suppressed_samples],
        })),
        unanswered: [...unanswered],
        refused: [
          ...chosen.refused,
          ...refused.map(({ code, message, place }) => ({ code, message, place })),
        ],
        seconds: (clock.monotonic() - began) / 1_000,
      };
    } finally {
      running--;
    }
  };
  return {
    runChosen,
    async run(request, hooks) {
      const chosen = await chooseRules({
        detection: desk.detection(),
        drafts: request.drafts,
        names: request.rules,
      });
      return runChosen(chosen, request, {
        ...hooks,
        ...(request.exceptions ? { suppressedBy: (match) => desk.exceptions.suppressedBy(match) } : {}),
      });
    },
  };
}
