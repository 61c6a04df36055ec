// Shown when a view itself fails, so that the rest of the page stays.
import { Failure } from '../elements/list-states.tsx';

export function PageError({ error, reset }: { error: unknown; reset: () => void }) {
  return <Failure error={error} retry={reset} />;
}
