import type { Settled } from "./handle.js";
import type { Client } from "./machine/client.js";
import { oldest } from "./machine/view.js";

type Done = (s: Settled) => void;

/** Who waits for what becomes of ops. */
export class Waiters {
  /** By stream, in the order of their ids. */
  readonly #ops = new Map<string, { id: number; done: Done }[]>();
  #flushes: { through: number; done(): void }[] = [];

  add(stream: string, id: number, done: Done): void {
    const list = this.#ops.get(stream) ?? [];
    list.push({ id, done });
    this.#ops.set(stream, list);
  }

  /** Some ops of a stream were acked: those before the oldest that is not. */
  acked(m: Client, stream: string): void {
    const first = oldest(m.streams.get(stream));
    const list = this.#ops.get(stream) ?? [];
    const n = list.findIndex((w) => w.id >= first);
    for (const w of list.splice(0, n < 0 ? list.length : n)) w.done({ ok: true });
  }

  /** An op was refused for good. */
  refused(stream: string, id: number, s: Settled): void {
    const list = this.#ops.get(stream) ?? [];
    const i = list.findIndex((w) => w.id === id);
    if (i >= 0) list.splice(i, 1)[0]?.done(s);
  }

  /** Hands over everyone who waits for an op, by its id. */
  take(): Map<number, Done> {
    const all = new Map([...this.#ops.values()].flat().map((w) => [w.id, w.done]));
    this.#ops.clear();
    return all;
  }

  /** Resolves when no op made so far is unacked. */
  flush(m: Client): Promise<void> {
    return new Promise((done) => {
      this.#flushes.push({ through: m.ids, done });
      this.check(m);
    });
  }

  /** After each run of events. */
  check(m: Client): void {
    if (!this.#flushes.length) return;
    let first = Number.POSITIVE_INFINITY;
    for (const st of m.streams.values()) first = Math.min(first, oldest(st));
    this.#flushes = this.#flushes.filter((f) => f.through >= first || f.done());
  }

  /** The ops have other ids now: whoever waited for all waits for all of these. */
  moved(m: Client): void {
    for (const f of this.#flushes) f.through = m.ids;
  }
}
