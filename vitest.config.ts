// The test runner: unit tests mirror the folders, integration and page tests talk to real servers.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // Two cores, and each integration test starts processes of its own.
    maxWorkers: 2,
    // CI shares its machine: a test of real processes may meet a stall. What fails twice is a fault.
    retry: process.env['CI'] ? 1 : 0,
  },
});
