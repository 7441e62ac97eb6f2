import type { DocEvent } from "../../src/doc-event.js";
import type { DocPresence, DocStream } from "../../src/yjs/index.js";

/** A hub's one stream: a log of committed updates, and what each client shows. */
export class Hub {
  readonly log: { author: Client; update: string }[] = [];
  readonly clients: Client[] = [];
  /** Refuses the ops for which it gives a code. */
  refuse: (update: string) => string | undefined = () => undefined;

  connect(name: string): Client {
    const client = new Client(this, name);
    this.clients.push(client);
    return client;
  }
}

/** A client's stream: a cursor into the log, a queue of own ops, presence. */
export class Client implements DocStream {
  online = true;
  full = false;
  queue: string[] = [];
  private cursor = 0;
  private listener: ((event: DocEvent) => void) | undefined;
  private readonly watchers = new Set<() => void>();
  private shown: { awareness: string } | null = null;

  constructor(
    private readonly hub: Hub,
    readonly name: string,
  ) {}

  push({ update }: { op: "update"; update: string }) {
    if (this.full) return { ok: false, code: "busy" } as const;
    this.queue.push(update);
    return { ok: true } as const;
  }

  feed(listener: (event: DocEvent) => void): () => void {
    this.listener = listener;
    if (this.online) this.open();
    return () => {
      this.listener = undefined;
    };
  }

  /** What the client does when a session begins, or when it took a snapshot. */
  open(): void {
    this.online = true;
    this.cursor = this.hub.log.length;
    this.listener?.({ type: "state", updates: [...this.hub.log.map((e) => e.update), ...this.queue] });
  }

  /** Commits one waiting op, and takes what is committed. */
  step(): void {
    if (!this.online) return;
    const update = this.queue.shift();
    if (update !== undefined) {
      const code = this.hub.refuse(update);
      if (code) this.listener?.({ type: "rejected", code });
      else this.hub.log.push({ author: this, update });
    }
    while (this.cursor < this.hub.log.length) {
      const entry = this.hub.log[this.cursor++];
      if (entry) this.listener?.({ type: "update", update: entry.update });
    }
  }

  readonly presence: DocPresence = {
    set: (state) => {
      this.shown = state && JSON.parse(JSON.stringify(state));
      for (const c of this.hub.clients) if (c !== this) for (const w of c.watchers) w();
    },
    peers: () =>
      this.hub.clients.filter((c) => c !== this && c.shown).map((c) => ({ client: c.name, state: c.shown })),
    subscribe: (callback) => {
      this.watchers.add(callback);
      return () => this.watchers.delete(callback);
    },
  };
}

/** Steps all clients until nothing moves. */
export function settle(hub: Hub): void {
  for (let before = -1; before < hub.log.length || hub.clients.some((c) => c.online && c.queue.length); ) {
    before = hub.log.length;
    for (const c of hub.clients) c.step();
  }
}
