import { expect } from "vitest";
import { clientId, converged, makeClient, push, shown, shows, status, stored, test, World } from "./world.js";

const world = new World();
const add = (value: string) => ({ op: "add", value });
/** Of what a browser logs when a hub cannot be reached, or the network is off. */
const noNetwork = /WebSocket connection to .* failed|ERR_INTERNET_DISCONNECTED/;

test("an unbundled page edits, and meets another user's", async () => {
  const a = await world.tab(await world.context());
  const b = await world.tab(await world.context());
  for (const page of [a, b]) await makeClient(page, { url: world.hub.url });
  await push(a, "set:met", add(":)"));
  await push(b, "set:met", add("é😀"));
  await push(a, "counter:met", { op: "increment", amount: 2 });
  await push(b, "counter:met", { op: "increment", amount: 3 });
  await converged(world.hub, "set:met", [":)", "é😀"], a, b);
  await converged(world.hub, "counter:met", 5, a, b);
});

test("two tabs of one browser are two clients", async () => {
  const context = await world.context();
  const a = await world.tab(context);
  const b = await world.tab(context);
  for (const page of [a, b]) {
    await makeClient(page, { url: world.hub.url });
    await status(page, "online");
  }
  expect(await clientId(a)).not.toBe(await clientId(b));
  const held = await a.evaluate(async () => (await navigator.locks.query()).held?.map((l) => l.name));
  expect(held?.sort()).toEqual(
    [await clientId(a), await clientId(b)].map((id) => `flowsync:default:${id}`).sort(),
  );
});

test("a window that a tab opens gets a copy of its sessionStorage, and an id of its own", async () => {
  const context = await world.context();
  const opener = await world.tab(context);
  await makeClient(opener, { url: world.hub.url });
  await status(opener, "online");
  const opening = context.waitForEvent("page");
  await opener.evaluate((url) => void window.open(url), world.site.url());
  const opened = await opening;
  world.listen(opened);
  await opened.waitForFunction(() => document.title === "ready");
  const copied = await opened.evaluate(() => sessionStorage.getItem("flowsync:default:"));
  expect(copied).toBe(await clientId(opener));
  await makeClient(opened, { url: world.hub.url });
  await status(opened, "online");
  expect(await clientId(opened)).not.toBe(copied);
  await push(opener, "set:opened", add("opener"));
  await push(opened, "set:opened", add("opened"));
  await converged(world.hub, "set:opened", ["opened", "opener"], opener, opened);
});

test("what a crashed tab had queued is brought in by another", async () => {
  const context = await world.context();
  const living = await world.tab(context);
  await makeClient(living, { url: world.hub.url });
  await status(living, "online");
  const dying = await world.tab(context);
  await makeClient(dying, { url: world.hub.url, offline: true });
  await push(dying, "set:crashed", add("left behind"));
  await stored(dying, "set:crashed");
  const id = await clientId(dying);
  const crashed = dying.waitForEvent("crash");
  await Promise.all([crashed, dying.goto("chrome://crash").catch(() => {})]);
  await dying.close();

  // A tab that runs takes queues over when it comes online.
  await living.evaluate(() => {
    window.client.simulateOffline(true);
    window.client.simulateOffline(false);
  });
  await converged(world.hub, "set:crashed", ["left behind"], living);
  const authors = await living.evaluate(async () => {
    const { entries } = await window.client.stream("set:crashed").history();
    return entries.map((e) => e.client);
  });
  expect(authors).toEqual([id]);
  const left = (dead: string) => Object.keys(localStorage).filter((k) => k.includes(dead));
  await expect.poll(() => living.evaluate(left, id)).toEqual([]);
});

test("a new tab takes the id and the queue of a crashed one", async () => {
  const context = await world.context();
  const dying = await world.tab(context);
  await makeClient(dying, { url: world.hub.url, offline: true });
  await push(dying, "set:heir", add("inherited"));
  await stored(dying, "set:heir");
  const id = await clientId(dying);
  await Promise.all([dying.waitForEvent("crash"), dying.goto("chrome://crash").catch(() => {})]);
  await dying.close();
  const heir = await world.tab(context);
  await makeClient(heir, { url: world.hub.url });
  await converged(world.hub, "set:heir", ["inherited"], heir);
  expect(await clientId(heir)).toBe(id);
});

test("a reload offline keeps the id, what is shown and what is queued", async () => {
  world.allow(noNetwork);
  const context = await world.context();
  const page = await world.tab(context);
  await makeClient(page, { url: world.hub.url });
  await push(page, "chat:reload", { op: "append", value: "sent" });
  await converged(world.hub, "chat:reload", ["sent"], page);
  await page.waitForFunction(() => Object.keys(localStorage).some((k) => k.includes(":snap:chat:reload")));
  await page.evaluate(() => window.client.simulateOffline(true));
  await push(page, "chat:reload", { op: "append", value: "queued" });
  await stored(page, "chat:reload");
  const id = await clientId(page);

  await page.reload();
  await page.waitForFunction(() => document.title === "ready");
  await makeClient(page, { url: world.hub.url, offline: true });
  await shows(page, "chat:reload", ["sent", "queued"]);
  expect(await page.evaluate(() => window.client.pendingCount)).toBe(1);
  await page.evaluate(() => window.client.simulateOffline(false));
  await converged(world.hub, "chat:reload", ["sent", "queued"], page);
  expect(await clientId(page)).toBe(id);
});

test("localStorage that is full does not stop the editing, and is written again when there is room", async () => {
  const page = await world.tab(await world.context());
  await makeClient(page, { url: world.hub.url, offline: true });
  await push(page, "chat:full", { op: "append", value: 0 });
  await stored(page, "chat:full");
  await page.evaluate(() => {
    for (let size = 1 << 16, n = 0; size > 0; ) {
      try {
        localStorage.setItem(`others:${n++}`, "x".repeat(size));
      } catch {
        size >>= 1;
      }
    }
  });
  for (let i = 1; i <= 50; i++) expect(await push(page, "chat:full", { op: "append", value: i })).toBe(true);
  const storage = () => page.evaluate(() => window.client.storage);
  await expect.poll(storage).toBe("degraded");
  const all = Array.from({ length: 51 }, (_, i) => i);
  expect(await shown(page, "chat:full")).toEqual(all);
  await page.evaluate(() => {
    for (const key of Object.keys(localStorage)) if (key.startsWith("others:")) localStorage.removeItem(key);
  });
  await expect.poll(storage, { timeout: 15_000 }).toBe("ok");
  await page.reload();
  await page.waitForFunction(() => document.title === "ready");
  await makeClient(page, { url: world.hub.url });
  await converged(world.hub, "chat:full", all, page);
});

test("where localStorage is blocked, the client works in memory and says so", async () => {
  const context = await world.context();
  await context.addInitScript(() => {
    Object.defineProperty(window, "localStorage", {
      get() {
        throw new DOMException("denied", "SecurityError");
      },
    });
  });
  const page = await world.tab(context);
  await makeClient(page, { url: world.hub.url });
  expect(await push(page, "counter:blocked", { op: "increment" })).toBe(true);
  await converged(world.hub, "counter:blocked", 1, page);
  expect(await page.evaluate(() => window.client.storage)).toBe("off");
});

test("a page over plain http of another machine works, without locks and crypto.subtle", async () => {
  const context = await world.context();
  const url = world.site.url("lan.test");
  const a = await world.tab(context, url);
  expect(await a.evaluate(() => [isSecureContext, navigator.locks, crypto.subtle])).toEqual([
    false,
    undefined,
    undefined,
  ]);
  const b = await world.tab(context, url);
  for (const page of [a, b]) {
    await makeClient(page, { url: world.hub.url });
    await status(page, "online");
  }
  expect(await clientId(a)).not.toBe(await clientId(b));
  await push(a, "counter:lan", { op: "increment", amount: 1 });
  await push(b, "counter:lan", { op: "increment", amount: 2 });
  await converged(world.hub, "counter:lan", 3, a, b);
  await a.evaluate(() => window.client.simulateOffline(true));
  await push(a, "counter:lan", { op: "increment", amount: 4 });
  await stored(a, "counter:lan");
  const id = await clientId(a);
  await a.reload();
  await a.waitForFunction(() => document.title === "ready");
  await makeClient(a, { url: world.hub.url });
  await converged(world.hub, "counter:lan", 7, a, b);
  expect(await clientId(a)).toBe(id);
});
