import { readFileSync } from "node:fs";

/** Reads a file of testdata/vectors, the truth that Go and TypeScript share. */
export function vectors<T>(name: string): T {
  return JSON.parse(
    readFileSync(new URL(`../../testdata/vectors/${name}.json`, import.meta.url), "utf8"),
  ) as T;
}
