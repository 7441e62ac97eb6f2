// Prints how large each entry of the package is, minified and gzipped, with all that it imports, and fails
// above its limit. Run it after a build:
//
//	npm run size                what each entry weighs, and its limit
//	npm run size -- --parts     what each part of core weighs: what the rest would save without it
//	npm run size -- --peers     the same measure of other packages; first: npm ci --prefix peers
import { existsSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { minifySync } from "rolldown/experimental";

// In kB of 1,000 bytes. The aim is what is wanted; the limit, a little above what there is, keeps it from
// growing until then (docs/decisions says what there is).
const limits = {
  core: { limit: 32.5, aim: 15.0 },
  indexeddb: { limit: 1.2, aim: 1.0 },
  yjs: { limit: 2.5, aim: 2.0 },
};

/** The parts of core, by what begins the paths of their files. */
const parts = {
  "texts: replica, merging, digest": ["text/"],
  "texts: undo": ["text/undo"],
  "texts: rule, handle, textarea": ["rules/text", "live-text", "bind-textarea"],
  "rules: counter, sets, registers, log": ["rules/"],
  "client machine": ["machine/"],
  "durable queue": ["storage/"],
  "wire: JSON, decoding, hashes": ["wire/"],
  "socket, page, tokens": ["engine", "page", "token", "options"],
  "tabs: ids, locks, adoption": ["tabs", "adopt"],
  "client, streams, events": ["client", "store", "handle", "events", "waiters"],
};

const peers = {
  "socket.io-client (no CRDT, no queue)": 'export * from "socket.io-client";',
  "yjs + y-websocket": 'export * from "yjs"; export * from "y-websocket";',
  centrifuge: 'export * from "centrifuge";',
};

const gzip = (text) => gzipSync(text, { level: 9 }).length / 1000;
const kB = (n) => `${n.toFixed(1)} kB`.padStart(8);

/** The text of a file of dist and of the files that it imports, each once. */
function bundle(file, seen = new Set()) {
  if (seen.has(file)) return "";
  seen.add(file);
  const text = readFileSync(new URL(`../dist/${file}`, import.meta.url), "utf8").replace(/\n\/\/# source.*/g, "");
  const imports = [...text.matchAll(/(?:from|import)\s*["'](?:\.\/)([^"']+)["']/g)];
  return imports.map(([, name]) => bundle(name, seen)).join("\n") + text;
}

function entries() {
  console.log("entry         min      gzip     limit    aim");
  for (const [entry, { limit, aim }] of Object.entries(limits)) {
    const text = bundle(`${entry}.js`);
    const size = gzip(text);
    const verdict = size > limit ? "  over its limit" : size > aim ? "  over its aim" : "";
    console.log(`${entry.padEnd(10)}${kB(text.length / 1000)} ${kB(size)} ${kB(limit)} ${kB(aim)}${verdict}`);
    if (size > limit) process.exitCode = 1;
    if (/["']react["']/.test(text) && entry === "core") {
      console.log(`${entry} mentions react: it must work without`);
      process.exitCode = 1;
    }
  }
}

async function ofCore() {
  const built = await rolldown({ input: "src/core.ts" });
  const { output } = await built.generate({ format: "esm" });
  const modules = Object.entries(output[0].modules).map(([id, { code }]) => [id.split("/src/")[1], code ?? ""]);
  const without = (prefixes) => {
    const rest = modules.filter(([id]) => !prefixes.some((p) => id.startsWith(p)));
    const code = rest.map(([, text]) => text).join("\n");
    return gzip(minifySync("core.js", code, { mangle: { toplevel: true } }).code);
  };
  const all = without([]);
  console.log(`\n${"part of core".padEnd(42)}gzip`);
  for (const [part, prefixes] of Object.entries(parts)) {
    console.log(`${part.padEnd(38)}${kB(all - without(prefixes))}`);
  }
}

async function ofPeers() {
  const cwd = new URL("../peers/", import.meta.url).pathname;
  if (!existsSync(`${cwd}node_modules`)) {
    console.log("\nSKIP the peers: they are not installed; run npm ci --prefix peers");
    if (process.env.CI) process.exitCode = 1;
    return;
  }
  console.log(`\n${"peer".padEnd(42)}gzip`);
  for (const [name, code] of Object.entries(peers)) {
    const path = `${cwd}entry.js`; // there is no such file: the code is in place of it
    const entry = { name: "entry", load: (id) => (id === path ? code : null), resolveId: (id) => (id === path ? id : null) };
    const built = await rolldown({ input: path, platform: "browser", plugins: [entry], logLevel: "silent" });
    const { output } = await built.generate({ format: "esm", minify: true });
    console.log(`${name.padEnd(38)}${kB(gzip(output[0].code))}`);
  }
}

entries();
if (process.argv.includes("--parts")) await ofCore();
if (process.argv.includes("--peers")) await ofPeers();
