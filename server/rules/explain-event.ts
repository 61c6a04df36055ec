// Explains rules on one event: rules in force or a draft, the event from the index or as the client gives it.

import type { EngineRule } from '../../detect/sigma/engine/engine.ts';
import { type Explanation, explainTree } from '../../detect/sigma/explain-tree.ts';
import { LogsourceRouter, type LogsourceRoutes } from '../../detect/sigma/logsource-routes.ts';
import { PicketError } from '../../platform/core/errors.ts';
import type { EventIndex } from '../../platform/index/event-index.ts';
import type { ExplainRequest, ExplainView, ExplanationView } from '../api/rule-contract.ts';
import { chooseRules } from './choose-rules.ts';
import type { RuleDesk } from './open-rule-desk.ts';

/** Rules explained in one answer. */
const MAX_EXPLAINED = 20;

/** @throws PicketError NOT_FOUND (the event), RULE_NOT_FOUND, RULE_IS_CORRELATION, DRAFT_EMPTY, DRAFT_LIMIT */
export async function explainEvent(options: {
  request: ExplainRequest;
  desk: RuleDesk;
  index: EventIndex;
  tenant: string;
}): Promise<ExplainView> {
  const { request, desk, index, tenant } = options;
  const event = request.document ?? (await index.get({ tenant, id: request.event ?? '' }));
  if (!event)
    throw new PicketError({ code: 'NOT_FOUND', message: `no event ${request.event ?? ''} at this site` });
  const detection = desk.detection();
  const { rule } = request;
  const correlation = request.draft
    ? undefined
    : detection.loaded.correlations.find((one) => one.rule.id === rule || one.rule.name === rule);
  if (correlation) {
    throw new PicketError({
      code: 'RULE_IS_CORRELATION',
      message: `${correlation.rule.title} joins other rules: explain one of ${correlation.rule.rules.join(', ')}`,
    });
  }
  const chosen = await chooseRules({
    detection,
    ...(request.draft ? { drafts: [request.draft] } : {}),
    ...(rule === undefined ? {} : { names: [rule] }),
  });
  return {
    explanations: explainRules({ rules: chosen.engine.rules, event, routes: detection.routes, raw: false }),
    refused: [...chosen.refused],
  };
}

/** @throws PicketError DRAFT_LIMIT */
export function explainRules(options: {
  rules: readonly EngineRule[];
  event: object;
  routes: LogsourceRoutes;
  raw: boolean;
}): ExplanationView[] {
  const { rules, event, routes, raw } = options;
  if (rules.length > MAX_EXPLAINED)
    throw new PicketError({
      code: 'DRAFT_LIMIT',
      message: `${rules.length} rules: at most ${MAX_EXPLAINED} are explained at once, name one`,
    });
  const router = new LogsourceRouter({ routes, raw });
  return rules.map(({ mapped, info }) => ({
    rule: { id: info.id, name: info.name, level: info.level },
    ...viewExplanation(explainTree({ mapped, event, router })),
  }));
}

function viewExplanation(explanation: Explanation): Omit<ExplanationView, 'rule'> {
  return {
    ...explanation,
    nodes: explanation.nodes.map(({ actual, wanted, ...node }) => ({
      ...node,
      ...(actual ? { actual: [...actual] } : {}),
      ...(wanted ? { wanted: [...wanted] } : {}),
    })),
  };
}
