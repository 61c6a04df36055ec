// The test runner: unit tests mirror the folders, integration and page tests talk to real servers.
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Waits most of its ten minutes for servers that are away: begun first, it runs beside all the others. */
const LONGEST = /installation\/away-servers\.test\.ts$/;

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLongest = ({ moduleId }: TestSpecification): boolean => LONGEST.test(moduleId);
    return [...sorted.filter(isLongest), ...sorted.filter((file) => !isLongest(file))];
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // Two cores, and each integration test starts processes of its own.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // CI shares its machine: a test of real processes may meet a stall. What fails twice is a fault.
    retry: process.env['CI'] ? 1 : 0,
  },
});
