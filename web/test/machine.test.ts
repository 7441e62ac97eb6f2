import { expect, test } from "vitest";
import { type Client, newClient, step } from "../src/machine/client.js";
import type { DurableEffect, Effect, Event } from "../src/machine/effect.js";
import { shownValue } from "../src/machine/view.js";
import { rules } from "../src/rules/builtin.js";
import { canonical, type Json } from "../src/wire/canonical.js";
import { decode } from "../src/wire/decode.js";
import { FlowSyncError } from "../src/wire/error.js";
import { Memory } from "./memory.js";
import { vectors } from "./vectors.js";

type Trace = {
  name: string;
  config: { client: string; keep?: boolean; tokenInHello?: boolean; queueOps?: number };
  random: number[];
  steps: {
    now: number;
    event: { do: string; msg?: Json };
    effects: Json[];
    error?: string;
    views?: { [stream: string]: Json };
  }[];
};

/** An effect as traces hold it: ops as JSON, history pages by their length. */
function recorded(e: Effect): Json {
  const copy = JSON.parse(JSON.stringify(e), (key, v) => {
    // An op of a dead letter or a queue is text here, JSON there.
    return key === "op" && typeof v === "string" && v[0] === "{" ? JSON.parse(v) : v;
  });
  if (e.do === "historyPage") copy.entries = e.entries.length;
  if (e.do === "historyFailed" || e.do === "fault") delete copy.msg;
  return copy;
}

test.each(vectors<Trace[]>("client-traces"))("$name", (trace) => {
  let drawn = 0;
  const cfg = {
    ...trace.config,
    rules,
    random: () => {
      const n = trace.random[drawn++];
      if (n === undefined) throw new Error("more randomness than the trace has");
      return n;
    },
  };
  const saved = new Memory();
  let c: Client = newClient(cfg);
  for (const [i, s] of trace.steps.entries()) {
    if (s.event.do === "restart") {
      c = newClient(cfg, saved.copy());
      continue;
    }
    const event = { ...s.event } as unknown as Event;
    // A message to a socket that was given up is never looked at; the trace leaves it out.
    if (event.do === "received")
      event.msg = s.event.msg ? decode(canonical(s.event.msg)) : { t: "pong", n: 0 };
    const out: Effect[] = [];
    let code: string | undefined;
    try {
      step(c, s.now, event, out);
    } catch (e) {
      if (!(e instanceof FlowSyncError)) throw e;
      code = e.code;
    }
    const where = `step ${i}: ${JSON.stringify(s.event).slice(0, 300)}`;
    expect(out.map(recorded), where).toEqual(s.effects);
    expect(code, where).toBe(s.error);
    const views: { [stream: string]: unknown } = {};
    for (const e of out) {
      saved.do(e as DurableEffect);
      const st = e.do === "changed" && c.streams.get(e.stream);
      const value = st && shownValue(c, st);
      if (st && value !== undefined) views[st.name] = value;
    }
    expect(canonical(views), where).toBe(canonical(s.views ?? {}));
  }
  expect(drawn).toBe(trace.random.length);
});
