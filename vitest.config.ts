import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Slow, loaded machines are the normal case: limits are there to end a hang, not to measure speed. */
export default defineConfig({
  test: {
    setupFiles: ['tests/rig/law-seed.ts'],
    // No test changes what another file sees, so each worker loads a module once; and most tests wait, for a process or
    // for the disk, so there are more workers than processors.
    isolate: false,
    maxWorkers: 2 * availableParallelism(),
    projects: [
      { extends: true, test: { name: 'unit', include: ['tests/unit/**/*.test.ts'], testTimeout: 60_000 } },
      {
        extends: true,
        test: {
          name: 'integration',
          globalSetup: ['tests/rig/build-once.ts'],
          include: ['tests/integration/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          globalSetup: ['tests/rig/build-once.ts'],
          include: ['tests/e2e/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'chaos',
          globalSetup: ['tests/rig/build-once.ts'],
          include: ['tests/chaos/**/*.test.ts'],
          testTimeout: 3_600_000,
          hookTimeout: 240_000,
        },
      },
    ],
  },
});
