// A fault in a rule, pipeline or filter, as it is reported: the rest goes on.
import { describeError, PicketError, type Place } from '../../platform/core/errors.ts';

export interface Problem {
  /** Stable, e.g. `SIGMA_MODIFIER_UNKNOWN`. */
  readonly code: string;
  readonly message: string;
  readonly place: Place;
  /** Of the rule, when it was read that far. */
  readonly rule?: { readonly id?: string; readonly title?: string };
}

/** A PicketError with a place, to be thrown inside the parser and caught once a rule. */
export function sigmaError(code: string, message: string, place?: Place): PicketError {
  return new PicketError({ code, message, place });
}

/** What was thrown, as a problem; a place of its own wins over `place`. */
export function toProblem(error: unknown, place: Place, rule?: Problem['rule']): Problem {
  const own = error instanceof PicketError ? error : undefined;
  return {
    code: own?.code ?? 'INTERNAL',
    message: describeError(error),
    place: own?.place ?? place,
    ...(rule ? { rule } : {}),
  };
}
