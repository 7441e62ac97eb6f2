// Prints what the text replica and the Yjs adapter weigh, minified, in bytes of gzip.
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";

for (const [name, input] of [
  ["text", "src/text/index.ts"],
  ["yjs", "src/yjs/index.ts"],
]) {
  try {
    const bundle = await rolldown({ input, external: ["yjs"], logLevel: "silent" });
    const { output } = await bundle.generate({ minify: true });
    const code = output[0].code;
    console.log(`${name}: ${code.length} B minified, ${gzipSync(code, { level: 9 }).length} B gzip`);
  } catch (e) {
    console.log(`${name}: ${e.message.split("\n")[0]}`);
  }
}
