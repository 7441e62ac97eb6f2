import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as core from "../src/core.js";
import * as indexeddb from "../src/indexeddb.js";
import * as yjs from "../src/yjs/index.js";

const text = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), "utf8");
const readme = text("README.md");

/** The first column of the table under a heading. */
function column(heading: string): string[] {
  const section = readme.split(`## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return [...section.matchAll(/^\| `(\w+)/gm)].map((m) => m[1] as string);
}

/** The names that an entry exports, types too, each with the file that declares it. */
function exported(entry: string): { name: string; file: string }[] {
  return [...text(entry).matchAll(/export (?:type )?\{([^}]*)\} from "(\.\.?\/[^"]+)\.js"/g)].flatMap((m) =>
    (m[1] as string)
      .split(",")
      .map((name) => name.replace("type ", "").trim())
      .filter(Boolean)
      .map((name) => ({ name, file: new URL(`${m[2]}.ts`, new URL(entry, "file:///")).pathname.slice(1) })),
  );
}

const all = ["core", "indexeddb", "yjs/index"].flatMap((entry) => exported(`src/${entry}.ts`));

test("the table of exports is the exports", () => {
  expect(column("Exports").sort()).toEqual(all.map((e) => e.name).sort());
  for (const name of [core, indexeddb, yjs].flatMap((m) => Object.keys(m))) {
    expect(all.map((e) => e.name)).toContain(name);
  }
});

test("the table of the client's members is its members", () => {
  const members = Object.getOwnPropertyNames(core.FlowSyncClient.prototype).filter(
    (m) => m !== "constructor",
  );
  expect(column("The client").sort()).toEqual(members.sort());
});

test("everything exported is documented, and what can be called has an example", () => {
  const runs = { ...core, ...indexeddb, ...yjs } as { [name: string]: unknown };
  for (const { name, file } of all) {
    const before =
      text(file).split(new RegExp(`\\nexport (?:class|function|type|interface) ${name}\\b`))[0] ?? "";
    const doc = before.endsWith("*/") ? before.slice(before.lastIndexOf("/**")) : null;
    expect(doc, `${name} in ${file} has a comment`).not.toBeNull();
    if (runs[name]) expect(doc, `${name} has an example`).toContain("@example");
  }
});

test("the quick start runs as it stands", () => {
  const code = /```ts\n([\s\S]*?)```/.exec(readme)?.[1]?.replace(/^import .*\n/, "") ?? "";
  const logged: unknown[] = [];
  class Client extends core.FlowSyncClient {
    constructor(o: core.ClientOptions) {
      super({ ...o, WebSocket: class {} as unknown as NonNullable<core.ClientOptions["WebSocket"]> });
      this.simulateOffline(true);
      made = this;
    }
  }
  let made: core.FlowSyncClient | undefined;
  const js = code.replace(/<number>/g, "");
  new Function("FlowSyncClient", "console", js)(Client, { log: (v: unknown) => logged.push(v) });
  expect(logged).toEqual([5]);
  made?.destroy();
});
