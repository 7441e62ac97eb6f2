import { writeFileSync } from "node:fs";
import { defineConfig, type UserConfig } from "tsdown";

// The entries of package.json; scripts/size.mjs holds how large each may be. Each is built alone: a static
// page loads one file.
const entries = { core: "src/core.ts", indexeddb: "src/indexeddb.ts", yjs: "src/yjs/index.ts" };
const shared = { target: "es2022", platform: "neutral", minify: true, clean: false } as const;

/** Who requires an entry gets the ES module: a program never has two copies of the client. */
const requireModule = (name: string) =>
  writeFileSync(`dist/${name}.cjs`, `module.exports = require("./${name}.js");\n`);

const builds = Object.entries(entries).flatMap(([name, file]): UserConfig[] => [
  { ...shared, entry: { [name]: file }, format: "esm", dts: true, sourcemap: true },
  {
    ...shared,
    entry: { [name]: file },
    format: "cjs",
    dts: { emitDtsOnly: true },
    hooks: { "build:done": () => requireModule(name) },
  },
]);

export default defineConfig(builds);
