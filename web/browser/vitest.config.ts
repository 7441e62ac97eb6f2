import { defineConfig } from "vitest/config";

// Apart from the other tests: these need Chromium. One browser at a time.
export default defineConfig({
  test: { include: ["*.e2e.ts"], fileParallelism: false, testTimeout: 30_000, hookTimeout: 120_000 },
});
