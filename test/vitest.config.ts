import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // node-rdkafka cannot live in a worker thread, and every test runs real processes.
    pool: 'forks',
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
