import { defineConfig } from 'vitest/config';

/** Slow, loaded machines are the normal case: limits are there to end a hang, not to measure speed. */
export default defineConfig({
  test: {
    setupFiles: ['tests/rig/law-seed.ts'],
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
          // After all others: it takes both cores, and tests of time limits would not like that.
          sequence: { groupOrder: 1 },
          testTimeout: 1_800_000,
          hookTimeout: 240_000,
        },
      },
    ],
  },
});
