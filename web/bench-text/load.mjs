import { rolldown } from "rolldown";

/** The text replica as a user's bundler makes it. */
export async function loadText() {
  const bundle = await rolldown({ input: new URL("../src/text/index.ts", import.meta.url).pathname });
  const { output } = await bundle.generate({ minify: true });
  return import(`data:text/javascript,${encodeURIComponent(output[0].code)}`);
}

/** A seeded generator, so that every run plays the same session. */
export function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
}
