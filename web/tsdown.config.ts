import { defineConfig } from "tsdown";
import { thinMaps } from "./scripts/maps.mjs";

// The entries of package.json; scripts/size.mjs holds how large each may be.
const shared = {
  entry: { core: "src/core.ts", indexeddb: "src/indexeddb.ts", yjs: "src/yjs/index.ts" },
  target: "es2022",
  platform: "neutral",
  dts: true,
  minify: true,
} as const;

export default defineConfig([
  { ...shared, format: "esm", sourcemap: true, hooks: { "build:done": () => thinMaps("dist") } },
  { ...shared, format: "cjs", clean: false },
]);
