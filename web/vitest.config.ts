import { defineConfig } from "vitest/config";

// Tests bound their own waits. This is for a machine that is busy with other things.
export default defineConfig({ test: { testTimeout: 60_000 } });
