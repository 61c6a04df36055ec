/** The gate of tests that talk to real components: skipped with a reason by default, obligatory with PICKET_REAL=1. */
import type { TestContext } from 'vitest';
import { findProgram, type Program } from './programs.ts';

/** Whether this run promises that every real component is there. */
export function isRealRun(environment: NodeJS.ProcessEnv = process.env): boolean {
  return environment['PICKET_REAL'] === '1';
}

/**
 * Call first in a test that needs real programs, named as in `programs.ts`:
 * `test('…', { timeout: 60_000 }, async (context) => { requireReal(context, 'nft', 'ip'); … })`. Without PICKET_REAL=1 the test is skipped and says
 * `skipped: needs <what>`; with it a missing program is a failure.
 */
export function requireReal(context: Pick<TestContext, 'skip'>, ...needs: readonly Program[]): void {
  if (!isRealRun()) context.skip(`skipped: needs ${needs.join(', ')} (PICKET_REAL=1 runs it)`);
  const missing = needs.filter((need) => findProgram(need) === undefined);
  if (missing.length > 0) {
    throw new Error(`PICKET_REAL=1 but missing: ${missing.join(', ')}; run: node test/services/install.ts`);
  }
}
