import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  type ClientOptions,
  FlowSyncClient,
  type FlowSyncError,
  localStorageStorage,
  memoryStorage,
} from "../src/core.js";
import { QuotaStorage } from "./quota.js";
import { FakeSocket, tokenFor } from "./socket.js";

const clients: FlowSyncClient[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
});

afterEach(async () => {
  for (const c of clients.splice(0)) c.destroy();
  await pass();
  expect(vi.getTimerCount()).toBe(0); // destroy leaves nothing behind, after every test
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function client(options: Partial<ClientOptions> = {}): FlowSyncClient {
  const c = new FlowSyncClient({ url: "http://hub.example", WebSocket: FakeSocket.ctor, ...options });
  clients.push(c);
  return c;
}

const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

/** A client with one counter, online. */
async function online(options: Partial<ClientOptions> = {}) {
  const c = client(options);
  const s = c.stream<number>("n", { initial: 0, rule: "crdt-counter" });
  s.subscribe(() => {});
  await pass();
  FakeSocket.last.welcome().synced("n");
  await pass();
  expect(c.status).toBe("online");
  return { c, s };
}

test("nothing starts before it is needed: no socket, no timer, no storage", async () => {
  vi.stubGlobal("document", {});
  vi.stubGlobal("localStorage", undefined);
  const c = client();
  await pass(60_000);
  expect(FakeSocket.all.length).toBe(0);
  expect(c.status).toBe("idle");
});

test("server rendering shows the initial value and connects to nothing", async () => {
  const s = client().stream("text", { initial: "placeholder" });
  expect(s.get()).toBe("placeholder");
  expect(s.get()).toBe(s.get());
  await pass(60_000);
  expect(FakeSocket.all.length).toBe(0);
});

test("an edit shows at once and synchronously, before and after the connection", async () => {
  const c = client();
  const s = c.stream<number>("n", { initial: 7, rule: "crdt-counter" });
  let told = 0;
  s.subscribe(() => told++);
  expect(s.get()).toBe(7);
  expect(s.push({ op: "increment", amount: 2 })).toMatchObject({ ok: true });
  expect(s.get()).toBe(2); // an initial value is never merged
  expect(told).toBe(1);
  await pass();
  expect(FakeSocket.last.url).toBe("ws://hub.example");
  FakeSocket.last.welcome().synced("n");
  await pass();
  expect(FakeSocket.last.of("push")).toMatchObject([
    { stream: "n", seq: 1, ops: [{ op: "increment", amount: 2 }] },
  ]);
});

test("ops of one task leave in one push", async () => {
  const { s } = await online();
  for (let i = 0; i < 100; i++) s.push({ op: "increment" });
  await pass();
  expect(FakeSocket.last.of("push").map((p) => (p.ops as object[]).length)).toEqual([100]);
});

test("an op that makes no sense is answered, not thrown, and sends nothing", async () => {
  const { c, s } = await online();
  expect(s.push({ op: "increment", amount: 0.5 })).toMatchObject({ ok: false, code: "bad_op" });
  expect(s.push({ op: "append", value: 1 })).toMatchObject({ ok: false, code: "wrong_rule" });
  expect(s.push([] as object)).toMatchObject({ ok: false, code: "bad_op" });
  expect(c.stream("lww").push({ op: "set", value: "\ud83d" })).toMatchObject({ ok: false, code: "bad_text" });
  expect(c.pendingCount).toBe(0);
  expect(() => c.stream("no such name")).toThrow(expect.objectContaining({ code: "bad_stream" }));
});

test("a black-holed socket is given up for good, and one takes its place", async () => {
  const { c } = await online({ reconnect: { minMs: 100, maxMs: 1000 } });
  const hole = FakeSocket.last;
  const late = hole.onmessage;
  await pass(20_000);
  expect(hole.of("ping").length).toBe(1);
  await pass(8_000);
  expect(hole.closedWith).toBe(4504);
  expect(hole.onmessage).toBeNull();
  expect(c.isOnline).toBe(false);
  await pass(1000);
  expect(FakeSocket.all.length).toBe(2);
  FakeSocket.last.welcome().synced("n");
  late?.({ data: '{"t":"drain","after_ms":99999}' }); // stalled frames arrive later
  await pass();
  expect(c.status).toBe("online");
  expect(FakeSocket.all.filter((s) => s.readyState === 1).length).toBe(1);
});

test("a hub that talks nonsense is hung up on and tried again", async () => {
  const { c } = await online();
  const errors: string[] = [];
  c.on("error", (e) => errors.push(e.code));
  FakeSocket.last.onmessage?.({ data: '{"t":"pong","n":1,"n":2}' });
  expect(FakeSocket.last.closedWith).toBe(4400);
  expect(errors).toEqual(["bad_json"]);
  await pass(1000);
  expect(FakeSocket.all.length).toBe(2);
});

test("a refused token is replaced once, then it is denied and stays so", async () => {
  const asked: unknown[] = [];
  const c = client({ authToken: (r) => `t${asked.push(r)}` });
  const errors: FlowSyncError[] = [];
  c.on("error", (e) => errors.push(e));
  c.connect();
  await pass();
  FakeSocket.last.readyState = 1;
  FakeSocket.last.onopen?.();
  await pass();
  expect(FakeSocket.last.sent[0]).toMatchObject({ t: "hello", token: "t1" });
  expect(FakeSocket.last.url).not.toContain("t1");
  FakeSocket.last.end(4401, "authentication failed");
  await pass();
  FakeSocket.last.end(4401, "authentication failed");
  await pass(3600_000);
  expect(asked).toEqual([
    { reason: "connect", attempt: 0 },
    { reason: "rejected", attempt: 0 },
  ]);
  expect(c.status).toBe("denied");
  expect(errors.at(-1)).toMatchObject({ code: "denied", retryable: false });
  expect(FakeSocket.all.length).toBe(2);
  c.connect();
  await pass();
  expect(FakeSocket.all.length).toBe(3);
});

test("no token stops, a source that fails is asked again", async () => {
  const none = client({ authToken: () => null });
  none.connect();
  await pass();
  expect(none.status).toBe("needs-auth");
  let fails = 2;
  const c = client({
    authToken: async () => {
      if (fails-- > 0) throw new Error("offline");
      return "t";
    },
  });
  c.connect();
  await pass(5000);
  expect(FakeSocket.all.length).toBe(1);
});

test("an expiring token is renewed in the session", async () => {
  let n = 0;
  await online({ authToken: () => `t${++n}` });
  FakeSocket.last.say({ t: "expiring", in_ms: 30000 });
  await pass();
  expect(FakeSocket.last.of("auth")).toMatchObject([{ token: "t2" }]);
});

test("replaced by a newer session it stays closed until connect", async () => {
  const { c } = await online();
  FakeSocket.last.end(4409);
  await pass(600_000);
  expect(c.status).toBe("closed");
  expect(c.connection.lastError?.code).toBe("replaced");
  c.stream("n").push({ op: "increment" });
  await pass(1000);
  expect(FakeSocket.all.length).toBe(1);
  c.connect();
  await pass();
  expect(FakeSocket.all.length).toBe(2);
});

test("values and meta keep their identity until they change, and are frozen", async () => {
  const { c } = await online();
  const s = c.stream<{ [k: string]: unknown }>("map:x", { rule: "crdt-map", initial: {} });
  s.push({ op: "set", key: "a", value: { deep: [1] } });
  const value = s.get();
  expect(s.get()).toBe(value);
  expect(s.meta()).toBe(s.meta());
  expect(Object.isFrozen((value.a as { deep: number[] }).deep)).toBe(true);
  s.push({ op: "set", key: "b", value: 1 });
  expect(s.get()).not.toBe(value);
  expect(s.get().a).toBe(value.a);
  expect(s.meta()).toMatchObject({ status: "local", pending: 2 });
});

test("a stream that nobody looks at is left after a second, unless somebody looks again", async () => {
  const { c } = await online();
  const off = c.stream("m", { rule: "crdt-counter" }).subscribe(() => {});
  await pass();
  FakeSocket.last.synced("m");
  off();
  const again = c.stream("m").subscribe(() => {});
  await pass(5000);
  expect(FakeSocket.last.of("unsub").length).toBe(0);
  again();
  await pass(1100);
  expect(FakeSocket.last.of("unsub")).toMatchObject([{ stream: "m" }]);
});

test("where storage is refused it works in memory and says so", async () => {
  vi.stubGlobal("document", { visibilityState: "visible" });
  Object.defineProperty(globalThis, "localStorage", {
    configurable: true,
    get() {
      throw new DOMException("access denied", "SecurityError");
    },
  });
  try {
    const c = client();
    const seen: string[] = [];
    c.on("storage", (s) => seen.push(s));
    c.stream("n", { rule: "crdt-counter" }).push({ op: "increment" });
    await pass();
    expect(c.stream("n").get()).toBe(1);
    expect([c.storage, ...seen]).toEqual(["off", "off"]);
    FakeSocket.last.welcome().synced("n");
    await pass();
    expect(FakeSocket.last.of("push").length).toBe(1);
  } finally {
    Reflect.deleteProperty(globalThis, "localStorage");
  }
});

test("without room it goes on in memory, loses nothing, and recovers by itself", async () => {
  const area = new QuotaStorage(3000);
  const c = client({ storage: localStorageStorage(area) });
  c.simulateOffline(true);
  const s = c.stream<number[]>("log", { rule: "append-log", initial: [] });
  const seen: string[] = [];
  c.on("storage", (h) => seen.push(h));
  for (let i = 0; i < 100; i++) {
    expect(s.push({ op: "append", value: "x".repeat(50) }).ok).toBe(true);
    await pass(60);
  }
  expect(s.get().length).toBe(100);
  expect(seen).toEqual(["degraded"]);
  Object.assign(area, { quota: 100_000 });
  await pass(6000);
  expect(seen).toEqual(["degraded", "ok"]);
  c.destroy();
  const after = client({ storage: localStorageStorage(area) });
  after.simulateOffline(true);
  after.connect();
  await pass();
  expect(after.stream<number[]>("log", { rule: "append-log" }).get().length).toBe(100);
});

/** Web Locks, as far as they are used. */
function locks() {
  const held = new Set<string>();
  return {
    held,
    async request(name: string, _: object, work: (lock: object | null) => unknown) {
      if (held.has(name)) return work(null);
      held.add(name);
      try {
        return await work({});
      } finally {
        held.delete(name);
      }
    },
  };
}

/** sessionStorage, for one tab at a time. */
function tab(items: { [key: string]: string } = {}) {
  vi.stubGlobal("sessionStorage", {
    getItem: (k: string) => items[k] ?? null,
    setItem: (k: string, v: string) => {
      items[k] = v;
    },
  });
  return items;
}

test.each(["with Web Locks", "without, as over plain http"])(
  "every tab is a client of its own: %s",
  async (how) => {
    vi.stubGlobal("navigator", how === "with Web Locks" ? { locks: locks() } : {});
    const storage = localStorageStorage(new QuotaStorage());
    const first = tab();
    const a = client({ storage });
    a.connect();
    await pass();
    tab({ ...first }); // a duplicated tab has a copy
    const b = client({ storage });
    b.connect();
    await pass();
    expect(first["flowsync:default:"]).toBe(a.clientId);
    expect(b.clientId).not.toBe(a.clientId);
    // A reload finds its own id free again.
    const id = a.clientId;
    a.destroy();
    await pass();
    tab(first);
    const reloaded = client({ storage });
    reloaded.connect();
    await pass();
    expect(reloaded.clientId).toBe(id);
  },
);

test("a new tab takes over the id and the queue that a dead one left", async () => {
  const web = locks();
  vi.stubGlobal("navigator", { locks: web });
  const storage = localStorageStorage(new QuotaStorage());
  tab();
  const dead = client({ storage });
  dead.simulateOffline(true);
  dead.stream("n", { rule: "crdt-counter" }).push({ op: "increment", amount: 3 });
  await pass(100);
  const id = dead.clientId;
  dead.destroy();
  await pass();
  tab();
  const c = client({ storage });
  const s = c.stream("n", { rule: "crdt-counter" });
  s.push({ op: "increment", amount: 4 }); // before the queue was found
  await pass();
  expect(c.clientId).toBe(id);
  expect(s.get()).toBe(7);
  expect(c.pendingCount).toBe(2);
});

test("one user's queue is not sent as another's", async () => {
  vi.stubGlobal("navigator", { locks: locks() });
  const area = new QuotaStorage();
  const storage = localStorageStorage(area);
  const session = tab();
  const { c: a, s: sa } = await online({ storage, authToken: tokenFor("alice") });
  a.simulateOffline(true);
  sa.push({ op: "increment", amount: 1000 });
  await pass(100);
  const id = a.clientId;
  a.destroy();
  await pass();
  tab(session);
  const b = client({ storage, authToken: tokenFor("bob") });
  const sb = b.stream<number>("n", { rule: "crdt-counter", initial: 0 });
  sb.push({ op: "increment", amount: 2 });
  await pass();
  expect(b.clientId).not.toBe(id);
  FakeSocket.last.welcome().synced("n");
  await pass();
  expect(FakeSocket.last.sent[0]).toMatchObject({ t: "hello", client: b.clientId });
  expect(FakeSocket.last.of("push")).toMatchObject([{ ops: [{ op: "increment", amount: 2 }] }]);
  expect(sb.get()).toBe(2);
  await pass(1000);
  expect(
    FakeSocket.all.some((s) =>
      s.sent.some((l) => l.t === "hello" && l.client === id && s !== FakeSocket.all[0]),
    ),
  ).toBe(false);
  expect(area.keys().some((k) => k.startsWith(`flowsync:default:${id}:q:`))).toBe(true);
});

test("signing out leaves nothing in storage", async () => {
  const area = new QuotaStorage();
  area.setItem("theirs", "stays");
  const { c, s } = await online({ storage: localStorageStorage(area), authToken: tokenFor("alice") });
  c.simulateOffline(true);
  const pushed = s.push({ op: "increment" });
  await pass(3000);
  await c.clearLocal();
  expect(area.keys()).toEqual(["theirs"]);
  expect(c.pendingCount).toBe(0);
  expect(pushed.ok && (await pushed.settled)).toMatchObject({ ok: false });
});

test("a callback that throws stops no other, and its error is not lost", async () => {
  const c = client({ storage: memoryStorage() });
  const s = c.stream<number>("n", { rule: "crdt-counter", initial: 0 });
  let told = 0;
  s.subscribe(() => {
    throw new Error("mine");
  });
  s.subscribe(() => told++);
  s.push({ op: "increment" });
  expect(told).toBe(1);
  expect(() => vi.runOnlyPendingTimers()).toThrow("mine");
});

test("errors say what, what to try, and whether trying again can help", async () => {
  const { c } = await online();
  const errors: FlowSyncError[] = [];
  c.on("error", (e) => errors.push(e));
  FakeSocket.last.say({ t: "error", code: "rate_limited", retry: true, msg: "too fast", stream: "other" });
  expect(errors[0]).toMatchObject({
    code: "rate_limited",
    retryable: true,
    stream: "other",
    message: "too fast",
  });
  expect(c.stream("n").push({ op: "x" })).toMatchObject({ ok: false, hint: expect.stringMatching(/./) });
  expect(() => new FlowSyncClient({ url: "" })).toThrow(expect.objectContaining({ code: "bad_message" }));
});
