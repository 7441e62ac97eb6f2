import { expect } from "vitest";
import { TcpProxy } from "./proxy.js";
import { converged, makeClient, push, shown, status, test, World } from "./world.js";

const world = new World();
const noNetwork = /WebSocket connection to .* failed|ERR_INTERNET_DISCONNECTED/;

test("a network that stalls and comes back: one live socket, and every op once", async () => {
  world.allow(noNetwork);
  const proxy = new TcpProxy(world.hub.url);
  const url = await proxy.start();
  try {
    const context = await world.context();
    const page = await world.tab(context);
    await makeClient(page, { url, pingIntervalMs: 300, pongTimeoutMs: 300 });
    await push(page, "chat:stalled", { op: "append", value: "before" });
    await converged(world.hub, "chat:stalled", ["before"], page);
    // An open socket does not close: what is sent waits, and is delivered when the network is back.
    await context.setOffline(true);
    for (const value of ["one", "two", "three"]) await push(page, "chat:stalled", { op: "append", value });
    await expect.poll(() => page.evaluate(() => window.client.isOnline)).toBe(false);
    await push(page, "chat:stalled", { op: "append", value: "four" });
    await context.setOffline(false);
    await converged(world.hub, "chat:stalled", ["before", "one", "two", "three", "four"], page);
    await status(page, "online");
    await expect.poll(() => proxy.live).toBe(1);
    expect(await page.evaluate(() => window.client.pendingCount)).toBe(0);
    await page.close(); // before its hub is gone
  } finally {
    proxy.close();
  }
});

test("a connection that swallows everything is given up in time, and replaced by one", async () => {
  const proxy = new TcpProxy(world.hub.url);
  const url = await proxy.start();
  try {
    const page = await world.tab(await world.context());
    await makeClient(page, { url, pingIntervalMs: 1000, pongTimeoutMs: 1000 });
    await push(page, "counter:black", { op: "increment" });
    await converged(world.hub, "counter:black", 1, page);
    proxy.swallow();
    await push(page, "counter:black", { op: "increment" });
    const took = await page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          const since = performance.now();
          window.client.on("status", ({ status }) => {
            if (status === "offline") resolve(performance.now() - since);
          });
        }),
    );
    // Ping interval and time-out are two seconds; the rest is for a machine that is busy.
    expect(took).toBeLessThan(3000);
    await converged(world.hub, "counter:black", 2, page);
    await status(page, "online");
    expect(await page.evaluate(() => window.client.pendingCount)).toBe(0);
    await page.close(); // before its hub is gone
  } finally {
    proxy.close();
  }
});

test("10,000 ops that were queued offline drain within 5 s", async () => {
  const page = await world.tab(await world.context());
  await makeClient(page, { url: world.hub.url, offline: true });
  const median = await page.evaluate(() => {
    const s = window.client.stream("counter:drain");
    const took: number[] = [];
    for (let i = 0; i < 10_000; i++) {
      const since = performance.now();
      s.push({ op: "increment" });
      took.push(performance.now() - since);
    }
    return took.sort((a, b) => a - b)[5000] as number;
  });
  expect(median).toBeLessThan(1);
  expect(await shown(page, "counter:drain")).toBe(10_000);
  const drained = await page.evaluate(async () => {
    const since = performance.now();
    window.client.simulateOffline(false);
    await window.client.flush();
    return performance.now() - since;
  });
  console.log(`10,000 ops drained in ${Math.round(drained)} ms`);
  expect(drained).toBeLessThan(5000);
  await converged(world.hub, "counter:drain", 10_000, page);
});
