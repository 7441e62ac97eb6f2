import { defineConfig } from "vitest/config";

// Apart from the other tests: these need Chromium. One browser at a time. Times are real here, and a machine
// may be busy: what fails is tried once more.
export default defineConfig({
  test: {
    include: ["*.e2e.ts"],
    fileParallelism: false,
    testTimeout: 30_000,
    hookTimeout: 120_000,
    retry: 1,
  },
});
