import { expect, test } from "vitest";
import { newClient, step } from "../src/machine/client.js";
import type { DurableEffect, Effect, Event } from "../src/machine/effect.js";
import type { Saved } from "../src/machine/saved.js";
import { rules } from "../src/rules/builtin.js";
import { loadQueue } from "../src/storage/load.js";
import { localStorageStorage } from "../src/storage/local.js";
import { newQueue, type Queue } from "../src/storage/queue.js";
import { canonical, type Json } from "../src/wire/canonical.js";
import { decode } from "../src/wire/decode.js";
import { FlowSyncError } from "../src/wire/error.js";
import { Memory } from "./memory.js";
import { QuotaStorage } from "./quota.js";
import { vectors } from "./vectors.js";

const prefix = "flowsync:default:dev-1:";
const durable = /^(save|drop)/;

function openOn(area: QuotaStorage, onHealth = () => {}, max = 4_000_000): { queue: Queue; saved: Saved } {
  const storage = localStorageStorage(area);
  const entries = storage.load(prefix) as [string, string][];
  const loaded = loadQueue(entries, prefix);
  return { queue: newQueue(storage, prefix, entries, loaded, max, onHealth), saved: loaded.saved };
}

/** What a saved queue says, whatever order its streams are in. */
function said(s: Saved): unknown {
  const streams = [...s.streams].sort((a, b) => (a.head.stream < b.head.stream ? -1 : 1));
  const dead = [...s.dead].sort((a, b) => (canonical(a) < canonical(b) ? -1 : 1));
  return JSON.parse(JSON.stringify({ streams, dead }));
}

type Trace = {
  name: string;
  config: { client: string; keep?: boolean };
  random: number[];
  steps: { now: number; event: { do: string; msg?: Json } }[];
};

test.each(vectors<Trace[]>("client-traces"))("comes back as it was saved: $name", (trace) => {
  let drawn = 0;
  const cfg = { ...trace.config, rules, random: () => trace.random[drawn++] ?? 0 };
  const memory = new Memory();
  const area = new QuotaStorage();
  let { queue } = openOn(area);
  let c = newClient(cfg);
  for (const s of trace.steps) {
    if (s.event.do === "restart") {
      c = newClient(cfg, memory.copy());
      queue = openOn(area).queue;
      continue;
    }
    const event = { ...s.event } as unknown as Event;
    if (event.do === "received")
      event.msg = s.event.msg ? decode(canonical(s.event.msg)) : { t: "pong", n: 0 };
    const out: Effect[] = [];
    try {
      step(c, s.now, event, out);
    } catch (e) {
      if (!(e instanceof FlowSyncError)) throw e;
    }
    for (const e of out) {
      if (!durable.test(e.do)) continue;
      memory.do(e as DurableEffect);
      queue.do(structuredClone(e) as DurableEffect);
    }
    queue.commit();
    expect(queue.healthy()).toBe(true);
    expect(said(openOn(area).saved), JSON.stringify(event)).toEqual(said(memory.copy()));
    expect(queue.used()).toBe(area.used);
  }
});

/** A client that is offline, with a queue in area. */
function offline(area: QuotaStorage, max?: number) {
  const health: boolean[] = [];
  const { queue, saved } = openOn(area, () => health.push(queue.healthy()), max);
  let n = 1;
  const c = newClient({ client: "dev-1", random: () => n++ * 7919, rules }, saved);
  const run = (ev: Event) => {
    const out: Effect[] = [];
    step(c, 1000, ev, out);
    for (const e of out) if (durable.test(e.do)) queue.do(e as DurableEffect);
  };
  run({ do: "open", stream: "log", rule: "append-log", mode: "rw", as: "state" });
  const push = (value: string) => {
    run({ do: "push", stream: "log", op: { op: "append", value } });
    queue.commit();
  };
  return { c, queue, push, run, health };
}

test("ops of one commit share a key; single ones have their own", () => {
  const area = new QuotaStorage();
  const { push, run, queue } = offline(area);
  push("a");
  push("b");
  for (let i = 0; i < 600; i++) run({ do: "push", stream: "log", op: { op: "append", value: i } });
  queue.commit();
  expect(
    area
      .keys()
      .filter((k) => k.includes(":q:"))
      .map((k) => k.slice(k.indexOf(":q:"))),
  ).toEqual([
    ":q:log:1-000000000001+1",
    ":q:log:1-000000000002+1",
    ":q:log:1-000000000003+256",
    ":q:log:1-000000000259+256",
    ":q:log:1-000000000515+88",
  ]);
  expect(openOn(area).saved.streams[0]?.ops.length).toBe(602);
});

test("a queue without room keeps on in memory, loses nothing and recovers", async () => {
  const area = new QuotaStorage(20_000);
  const { push, c, health, queue } = offline(area);
  area.setItem("other app", "x".repeat(10_000));
  for (let i = 0; i < 200; i++) push(`entry ${i} ${"x".repeat(40)}`);
  expect(health).toEqual([false]);
  expect(c.streams.get("log")?.pending.length).toBe(200);
  const stored = openOn(area).saved.streams[0]?.ops ?? [];
  expect(stored.map((o) => o.seq)).toEqual(stored.map((_, i) => i + 1));
  area.removeItem("other app");
  await new Promise((done) => setTimeout(done, 5100));
  push("room again");
  expect(health).toEqual([false, true]);
  expect(queue.healthy()).toBe(true);
  expect(openOn(area).saved.streams[0]?.ops.length).toBe(201);
}, 10_000);

test("before it gives up a queue is written closer together", () => {
  const roomy = new QuotaStorage();
  const first = offline(roomy);
  for (let i = 0; i < 200; i++) first.push("x");
  const tight = new QuotaStorage(roomy.used - 2000);
  const second = offline(tight);
  for (let i = 0; i < 200; i++) second.push("x");
  expect(second.health).toEqual([]);
  expect(openOn(tight).saved.streams[0]?.ops.length).toBe(200);
  expect(tight.keys().some((k) => /:q:.*\+1\d\d$/.test(k))).toBe(true);
});

test("the queue's own bound holds, too", () => {
  const area = new QuotaStorage();
  const { push, health } = offline(area, 3000);
  for (let i = 0; i < 200; i++) push("x".repeat(40));
  expect(health).toEqual([false]);
  expect(area.used).toBeLessThan(3000);
});

test("what is damaged is moved aside, the rest comes back", () => {
  const area = new QuotaStorage();
  const { push } = offline(area);
  for (const v of ["a", "b", "c"]) push(v);
  const keys = area.keys().filter((k) => k.includes(":q:"));
  area.setItem(keys[1] as string, "[[2,0");
  area.setItem(`${prefix}meta:spoilt`, '{"v":1,"rev":0,"head":{"stream":"other"}}');
  area.setItem(`${prefix}q:nohead:1-000000000001+1`, "[]");
  area.setItem("another app", "{");
  const { queue, saved } = openOn(area);
  expect(saved.streams.map((s) => s.head.stream)).toEqual(["log"]);
  expect(saved.streams[0]?.ops.map((o) => [o.seq, !!o.lost])).toEqual([
    [1, false],
    [2, true],
    [3, false],
  ]);
  expect(saved.streams[0]?.head.next).toBe(4);
  queue.commit();
  expect(area.keys().filter((k) => k.includes(":bad:")).length).toBe(3);
  expect(area.getItem("another app")).toBe("{");
  expect(said(openOn(area).saved)).toEqual(said(saved));
});

test("localStorage: appending one key per op costs far less than one growing array", () => {
  const area = new QuotaStorage();
  const { push } = offline(area);
  for (let i = 0; i < 2000; i++) push("x");
  expect(area.writes).toBeLessThan(2 * 2000 + 10);
});
