import type { StatusName } from "./machine/effect.js";
import type { DeadLetter } from "./machine/saved.js";
import type { FlowSyncError } from "./wire/error.js";

/** Whether the queue survives the tab: yes, at present not (no room), not at all. */
export type StorageHealth = "ok" | "degraded" | "off";

/** The connection. */
export type Status = {
  /**
   * `idle` not connected yet · `connecting` · `catching-up` connected, some streams are not up to date ·
   * `online` · `offline` waiting for the next attempt, or offline on purpose · `needs-auth` there is no
   * token · `denied` the hub refuses the token, the origin or the client · `closed` by disconnect(), or
   * replaced by a newer session of this client.
   */
  status: StatusName;
  /** The close code of the last connection, 0 without one. */
  code: number;
  /** Why it ended, for people; empty while connected. */
  reason: string;
  /** When the next attempt was planned, counted from the event; 0 when none is. */
  retryInMs: number;
};

/** The events of a client and what they carry. */
export type ClientEvents = {
  /** The connection changed. */
  status: Status;
  /** Something was refused or failed; see the code. */
  error: FlowSyncError;
  /** An op became a dead letter; its effect was taken back. */
  rejected: DeadLetter;
  /** An op that was taken for lost is committed after all. */
  recovered: DeadLetter;
  /** Whether the queue survives the tab changed. */
  storage: StorageHealth;
  /** The hub lost history that this client had seen; the stream's state was replaced. */
  discontinuity: string;
  /** An op of this client was applied and queued. */
  op: { stream: string; op: object; id: number };
};

/** Callbacks by event. */
export class Listeners<E> {
  readonly #all = new Map<keyof E, Set<(value: never) => void>>();

  on<K extends keyof E>(event: K, callback: (value: E[K]) => void): () => void {
    const set = this.#all.get(event) ?? new Set();
    this.#all.set(event, set);
    // Another function each time: the same callback may listen twice.
    const own = (value: E[K]) => callback(value);
    set.add(own);
    return () => {
      set.delete(own);
    };
  }

  /** Calls everyone. An error of one is thrown later, when all were called. */
  emit<K extends keyof E>(event: K, value: E[K]): void {
    for (const callback of [...(this.#all.get(event) ?? [])] as ((value: E[K]) => void)[]) {
      try {
        callback(value);
      } catch (e) {
        setTimeout(() => {
          throw e;
        });
      }
    }
  }

  /** How many callbacks there are. */
  count(): number {
    return [...this.#all.values()].reduce((n, set) => n + set.size, 0);
  }

  clear(): void {
    this.#all.clear();
  }
}
