// What an exception would have hidden: its rules over stored history, with and without it.
import type { z } from 'zod';
import type { ExceptionPreview, ExceptionPreviewRequest } from '../api/exception-contract.ts';
import type { BacktestDesk } from './backtest-rules.ts';
import { chooseRules } from './choose-rules.ts';
import type { RuleDesk } from './open-rule-desk.ts';

const MOST_COMPILED = 200;

/** @throws PicketError as ExceptionDesk.tryOut and BacktestDesk.run */
export async function previewException(options: {
  request: z.infer<typeof ExceptionPreviewRequest>;
  desk: RuleDesk;
  backtests: BacktestDesk;
  now: number;
  signal: AbortSignal;
}): Promise<ExceptionPreview> {
  const { request, desk, backtests, now, signal } = options;
  const { exception, table } = desk.exceptions.tryOut(request.text);
  const { id } = exception.filter;
  const ids = table.rulesOf(id);
  const detection = desk.detection();
  const inputs = new Set(ids);
  // Correlations over its rules lose what it hides, too.
  const above = detection.loaded.correlations.filter(({ rule }) =>
    rule.rules.some((name) => inputs.has(name)),
  );
  const names = [...ids, ...above.map(({ rule }) => rule.id)];
  // For many rules the engine in force is at hand, and compiling it again would cost more than it saves.
  const chosen = await chooseRules({ detection, ...(names.length > MOST_COMPILED ? {} : { names }) });
  const { from, to, samples } = request;
  const result = await backtests.runChosen(
    chosen,
    { from, samples, ...(to === undefined ? {} : { to }) },
    {
      signal,
      previewed: id,
      // What another exception hides already is not this one's doing.
      suppressedBy: (match) =>
        desk.exceptions.suppressedBy(match) ?? table.suppressedBy(match, now)?.filter.id,
    },
  );
  const rules = result.rules
    .map((rule) => {
      const hidden = rule.suppressed_by[id] ?? 0;
      return {
        id: rule.id,
        name: rule.name,
        matches: rule.matches + hidden,
        hidden,
        alerts_before: rule.alerts_before,
        alerts_after: rule.alerts,
        samples: rule.suppressed_samples,
      };
    })
    .filter(({ id: rule }) => inputs.has(rule) || above.some((one) => one.rule.id === rule));
  const sum = (read: (rule: (typeof rules)[number]) => number): number =>
    rules.reduce((total, rule) => total + read(rule), 0);
  return {
    from: result.from,
    to: result.to,
    complete: result.complete,
    matches: sum(({ matches }) => matches),
    hidden: sum(({ hidden }) => hidden),
    alerts_before: sum((rule) => rule.alerts_before),
    alerts_after: sum((rule) => rule.alerts_after),
    rules,
  };
}
