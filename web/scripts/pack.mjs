// Fails if the package holds what it should not, lacks what it needs, or is too large. Run it after a build.
import { execFileSync } from "node:child_process";

const MAX = 80_000; // bytes of tarball
const [pack] = JSON.parse(execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { encoding: "utf8" }));
const manifest = JSON.parse(execFileSync("npm", ["pkg", "get"], { encoding: "utf8" }));
const names = pack.files.map((f) => f.path);
const faults = [];

if (pack.size > MAX) faults.push(`the tarball has ${pack.size} bytes, ${MAX} are allowed`);
if (manifest.dependencies) faults.push("there are runtime dependencies");
if (/install/.test(Object.keys(manifest.scripts).join())) faults.push("there is an install script");
for (const name of ["LICENSE", "README.md", "dist/core.js", "dist/core.cjs", "dist/core.d.ts", "dist/core.js.map"]) {
  if (!names.includes(name)) faults.push(`${name} is missing`);
}
for (const name of names) if (/test|fixture|^src/.test(name)) faults.push(`${name} does not belong in it`);

// Importing it starts nothing, and a client that is only made, as on a server, lets the process end.
const made = 'new FlowSyncClient({url:"ws://x"}).stream("text:doc",{initial:""}).get()';
for (const [type, load] of [
  ["module", 'import {FlowSyncClient} from "./dist/core.js";'],
  ["commonjs", 'const {FlowSyncClient} = require("./dist/core.cjs");'],
]) {
  try {
    execFileSync(process.execPath, [`--input-type=${type}`, "-e", load + made], { timeout: 10_000 });
  } catch (e) {
    faults.push(`importing it as ${type} in Node does not end well: ${e.message}`);
  }
}

console.log(`${pack.filename}: ${names.length} files, ${pack.size} bytes packed, no dependencies`);
for (const fault of faults) console.error(fault);
if (faults.length) process.exitCode = 1;
