import { expect, test } from "vitest";
import { rules } from "../src/rules/builtin.js";
import type { Op } from "../src/rules/rule.js";
import { canonical, type Json, type JsonObject } from "../src/wire/canonical.js";
import { FlowSyncError } from "../src/wire/error.js";
import { digest } from "../src/wire/hash.js";
import { vectors } from "./vectors.js";

type Vector = {
  rule: string;
  name: string;
  ops: (Omit<Op, "body"> & { op: JsonObject })[];
  refused: [number, string][];
  state: Json;
  value: Json;
  digest: string;
};

const all = vectors<Vector[]>("rules");
const known = new Set(rules.map((r) => r.name));

test("every rule of the vectors is known here", () => {
  expect(all.map((v) => v.rule).filter((r) => !known.has(r))).toEqual([]);
});

test.each(all.filter((v) => known.has(v.rule)))("$rule: $name", (v) => {
  const rule = rules.find((r) => r.name === v.rule);
  let state = rule?.make();
  if (!rule || !state) throw new Error("no rule");
  const refused: [number, string][] = [];
  for (const [i, { op: body, ...rest }] of v.ops.entries()) {
    const before = canonical(state.save());
    try {
      state.run({ ...rest, body }, true);
    } catch (e) {
      if (!(e instanceof FlowSyncError)) throw e;
      refused.push([i, e.code]);
      continue;
    } finally {
      expect(canonical(state.save())).toBe(before);
    }
    const untouched = state.clone();
    state.run({ ...rest, body });
    expect(canonical(untouched.save())).toBe(before);
    // What was saved goes on as if nothing had happened.
    state = rule.read(JSON.parse(canonical(state.save())) as Json);
  }
  expect(refused).toEqual(v.refused);
  expect(canonical(state.save())).toBe(canonical(v.state));
  expect(canonical(state.value())).toBe(canonical(v.value));
  expect(digest(state.digested?.() ?? canonical(state.save()))).toBe(v.digest);
});

test("states that are not of the rule are refused", () => {
  for (const rule of rules) {
    const good = rule.make().save() as JsonObject;
    const spoilt = [null, 1, [], {}, { ...good, v: 2 }, { ...good, more: 1 }];
    for (const key of Object.keys(good)) spoilt.push({ ...good, [key]: key === "root" ? "" : "x" });
    for (const saved of spoilt) {
      expect(() => rule.read(saved as Json), `${rule.name} ${JSON.stringify(saved)}`).toThrow(FlowSyncError);
    }
  }
});

test("only the 1,024 greatest deletes of an ephemeral stream are remembered", () => {
  const state = rules.find((r) => r.name === "ephemeral")?.make();
  const run = (off: number, body: JsonObject) =>
    state?.run({ off, at: 0, client: "c", inc: "h", seq: 0, body });
  for (let n = 1; n <= 1025; n++) run(n + 10, { key: `k${n}`, op: "delete" });
  run(1, { key: "k1", op: "set", value: "returns" });
  run(1, { key: "k2", op: "set", value: "does not" });
  expect(state?.value()).toEqual({ k1: "returns" });
});
