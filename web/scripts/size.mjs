// Prints how large each entry of the package is, minified and gzipped, with all that it imports, and fails
// above its limit. Run it after a build: npm run size
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

// In kB of 1,000 bytes.
const limits = {
  core: { limit: 15.0, aim: 13.0 },
  indexeddb: { limit: 1.2, aim: 1.0 },
  yjs: { limit: 2.5, aim: 2.0 },
};

/** The text of a file of dist and of the files that it imports, each once. */
function bundle(file, seen = new Set()) {
  if (seen.has(file)) return "";
  seen.add(file);
  const text = readFileSync(new URL(`../dist/${file}`, import.meta.url), "utf8").replace(/\n\/\/# source.*/g, "");
  const imports = [...text.matchAll(/(?:from|import)\s*["'](?:\.\/)([^"']+)["']/g)];
  return imports.map(([, name]) => bundle(name, seen)).join("\n") + text;
}

let failed = false;
console.log("entry         min      gzip     limit    aim");
for (const [entry, { limit, aim }] of Object.entries(limits)) {
  const text = bundle(`${entry}.js`);
  const size = gzipSync(text, { level: 9 }).length / 1000;
  const kB = (n) => `${n.toFixed(1)} kB`.padStart(8);
  const verdict = size > limit ? "  over its limit" : size > aim ? "  over its aim" : "";
  console.log(`${entry.padEnd(10)}${kB(text.length / 1000)} ${kB(size)} ${kB(limit)} ${kB(aim)}${verdict}`);
  failed ||= size > limit;
  if (/["']react["']/.test(text) && entry === "core") {
    console.log(`${entry} mentions react: it must work without`);
    failed = true;
  }
}
if (failed) process.exitCode = 1;
