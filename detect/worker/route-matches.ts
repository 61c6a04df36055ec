// Decides which correlations a rule's match feeds: its own alerts, the correlations that name it, by scope.
import { describeError, describePlace, errorCode, PicketError } from '../../platform/core/errors.ts';
import type { PicketEvent } from '../../platform/core/event.ts';
import { compileCorrelations } from '../correlate/compile-correlations.ts';
import {
  type Correlation,
  type CorrelationDefinition,
  correlatePlainRule,
} from '../correlate/correlation.ts';
import type { Match, RuleInfo } from '../match.ts';
import type { EntityTable } from './entity-table.ts';

/** What a detector works with; all of it can be replaced while it runs. */
export interface DetectorRules {
  /** Every match of the plain rules on one event. Never throws for what is in the event. */
  readonly match: (event: PicketEvent) => readonly Match[];
  /** The same for an event as JSON, which is read only when it matches. @throws SyntaxError, TypeError for what is none */
  readonly matchJson: (json: Uint8Array) => readonly Match[];
  /** The plain rules that `match` speaks of. */
  readonly rules: readonly RuleInfo[];
  readonly correlations: readonly CorrelationDefinition[];
  /** Asked once for each match that feeds a correlation worked here; false hides it (an exception). Never throws. */
  readonly accepts?: (match: Match) => boolean;
}

/** A correlation that was not taken, and why. */
export interface RefusedCorrelation {
  readonly rule: string;
  readonly code: string;
  readonly message: string;
  readonly place: string;
}

/** `scopes` says which are worked here: a site works `site`, a centre both, and only `fleet` for what a child has worked. */
export type Scopes = 'site' | 'fleet' | 'both';

export interface Router {
  /** The correlations that a match of a rule feeds. */
  correlationsOf(match: Match, scopes: Scopes): readonly Correlation[];
  /** True when nothing is worked in these scopes, so that an event need not even be parsed. */
  isIdle(scopes: Scopes): boolean;
  readonly refused: readonly RefusedCorrelation[];
  /** All that are worked, for Correlator.use. */
  readonly correlations: readonly Correlation[];
}

/**
 * Compiles the rules into routes. A plain rule that correlations name raises alerts of its own unless each
 * of them has `generate: false` (Sigma Correlation Rules, generate). A correlation that cannot be worked is
 * listed in `refused`; the rest goes on.
 */
export function routeMatches(options: {
  rules: DetectorRules;
  table: EntityTable;
  retention_ms: number;
}): Router {
  const { rules, table } = options;
  const known = new Set(rules.rules.map((rule) => rule.id));
  const compiled = compileCorrelations({
    definitions: rules.correlations,
    plain: known,
    retention_ms: options.retention_ms,
  });
  const { correlations } = compiled;
  const refused = compiled.refused.map(({ definition, error }) => ({
    rule: definition.rule.id,
    code: errorCode(error),
    message: describeError(error),
    place: error instanceof PicketError ? describePlace(error.place) : '',
  }));
  const generating = new Map(rules.correlations.map(({ rule, generate }) => [rule.id, generate]));
  const generates = new Map<string, boolean>();
  for (const correlation of correlations) {
    for (const id of correlation.rules)
      generates.set(id, generates.get(id) === true || generating.get(correlation.rule.id) === true);
  }
  const named = new Map<string, Correlation[]>();
  for (const correlation of correlations) {
    for (const id of new Set(correlation.rules)) named.set(id, [...(named.get(id) ?? []), correlation]);
  }
  const routes = new Map<string, readonly Correlation[]>();
  const inScope = (scope: 'site' | 'fleet', scopes: Scopes): boolean => scopes === 'both' || scopes === scope;
  const busy = (scopes: Scopes): boolean =>
    rules.rules.some((rule) => inScope(rule.scope, scopes) && generates.get(rule.id) !== false) ||
    correlations.some(({ rule }) => inScope(rule.scope, scopes));
  const idle = { site: !busy('site'), fleet: !busy('fleet'), both: !busy('both') };
  return {
    correlationsOf({ rule, event }, scopes) {
      const route = `${scopes}\u0000${event.event.dataset}\u0000${rule.id}`;
      let found = routes.get(route);
      if (!found) {
        const own = generates.get(rule.id) ?? true;
        const fields =
          rule.entity_fields && rule.entity_fields.length > 0
            ? rule.entity_fields
            : table.keyFields(event.event.dataset);
        found = [...(own ? [correlatePlainRule(rule, fields)] : []), ...(named.get(rule.id) ?? [])].filter(
          (correlation) => inScope(correlation.rule.scope, scopes),
        );
        routes.set(route, found);
      }
      return found;
    },
    isIdle: (scopes) => idle[scopes],
    refused,
    correlations,
  };
}
