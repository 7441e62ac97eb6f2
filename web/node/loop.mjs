import { Command } from "./command.mjs";
import { canonical, Problem, parse } from "./line.mjs";
import { problemOf } from "./replica.mjs";

/**
 * Drives one replica by the commands of docs/node.md. Commands are carried out one after the other; pushes
 * that follow each other are applied at once and answered, in their order, when they are in the queue.
 */
export class Loop {
  #replica;
  #timeout;
  #write;
  /** The last push is answered when this resolves. */
  #answered = Promise.resolve();
  /** Of the subscribed streams: the value that was told last, and what ends it. */
  #subs = new Map();

  /**
   * @param replica the client that is driven
   * @param timeout how long a command waits unless it says otherwise, in ms
   * @param write called with each answer and event
   */
  constructor(replica, timeout, write) {
    this.#replica = replica;
    this.#timeout = timeout;
    this.#write = write;
  }

  /** Carries out one line. The next may be handed in when it resolves. */
  async serve(bytes) {
    let command;
    let id;
    try {
      command = new Command(parse(bytes));
      id = command.id;
      const what = command.text("do");
      if (what === "push") {
        this.#push(command);
        return;
      }
      if (!Object.hasOwn(COMMANDS, what)) {
        throw new Problem("unknown_type", `do is one of push ${Object.keys(COMMANDS).join(" ")}`);
      }
      await this.#answered;
      const { after, ...answer } = await COMMANDS[what](new Turn(this, command, what));
      this.#write({ ok: true, id, ...answer });
      after?.();
    } catch (e) {
      await this.#answered;
      const { also, after } = e;
      this.#write({ error: problemOf(e), id, ...also });
      after?.();
    }
  }

  #push(command) {
    const { id } = command;
    let pushed;
    try {
      const stream = command.stream();
      const op = command.raw("op");
      command.done("push");
      pushed = this.#replica.push(stream, op);
    } catch (e) {
      pushed = Promise.reject(e);
    }
    pushed.catch(() => {}); // it is looked at below, after the pushes before it
    this.#answered = this.#answered.then(async () => {
      try {
        this.#write({ ok: true, id, pending: await pushed });
      } catch (e) {
        this.#write({ error: problemOf(e), id });
      }
    });
  }

  /** Resolves when every push is answered. */
  settle() {
    return this.#answered;
  }

  get replica() {
    return this.#replica;
  }

  get timeout() {
    return this.#timeout;
  }

  /** Begins to tell the values of a stream: those that follow the one that is answered. */
  subscribe(stream) {
    if (this.#subs.has(stream)) return;
    const handle = this.#replica.use(stream);
    const sub = { last: undefined, answering: true, stop: () => {} };
    const look = () => {
      if (sub.answering) return;
      let value;
      try {
        value = this.#replica.look(stream);
      } catch {
        return; // an event has said why
      }
      const text = value === undefined ? undefined : canonical(value);
      if (text === undefined || text === sub.last) return;
      sub.last = text;
      this.#write({ event: "value", stream, value });
    };
    sub.stop = handle.subscribe(look);
    sub.look = look;
    this.#subs.set(stream, sub);
  }

  /** Values are told again; the one that was answered is not. */
  answered(stream, value) {
    const sub = this.#subs.get(stream);
    if (value !== undefined) sub.last = canonical(value);
    sub.answering = false;
    sub.look();
  }

  unsubscribe(stream) {
    this.#subs.get(stream)?.stop();
    this.#subs.delete(stream);
    this.#replica.leave(stream);
  }
}

/** A command at work. */
class Turn {
  constructor(loop, command, what) {
    this.loop = loop;
    this.command = command;
    this.what = what;
  }

  get replica() {
    return this.loop.replica;
  }

  deadline() {
    return this.command.deadline(this.loop.timeout);
  }

  done() {
    this.command.done(this.what);
  }
}

const COMMANDS = {
  async get(t) {
    const stream = t.command.stream();
    const deadline = t.deadline();
    t.done();
    return { value: await t.replica.get(stream, deadline) };
  },

  async sub(t) {
    const stream = t.command.stream();
    const deadline = t.deadline();
    t.done();
    t.replica.attend(stream);
    t.loop.subscribe(stream);
    try {
      const value = await t.replica.get(stream, deadline);
      return { value, after: () => t.loop.answered(stream, value) };
    } catch (e) {
      e.after = () => t.loop.answered(stream);
      throw e;
    }
  },

  async unsub(t) {
    const stream = t.command.stream();
    t.done();
    t.loop.unsubscribe(stream);
    return {};
  },

  async presence(t) {
    const stream = t.command.stream();
    const state = t.command.raw("state");
    t.done();
    t.replica.attend(stream);
    t.replica.use(stream).presence.set(state);
    return {};
  },

  async emit(t) {
    const stream = t.command.stream();
    const event = t.command.text("event");
    const data = t.command.raw("data");
    t.done();
    t.replica.emit(stream, event, data);
    return {};
  },

  async history(t) {
    const stream = t.command.stream();
    const before = t.command.number("before", 0);
    const limit = t.command.number("limit", 100);
    const deadline = t.deadline();
    t.done();
    const { entries, more } = await t.replica.history(stream, before, limit, deadline);
    const of = ({ off, client, inc, seq, at, op }) => ({ off, client, inc, seq, at, op });
    return { entries: entries.map(of), more };
  },

  async offline(t) {
    t.done();
    t.replica.setOffline(true);
    return {};
  },

  async online(t) {
    t.done();
    t.replica.setOffline(false);
    return {};
  },

  async flush(t) {
    const deadline = t.deadline();
    t.done();
    const counts = () => ({ pending: t.replica.pending, rejected: t.replica.rejected().length });
    try {
      await t.replica.flush(deadline);
    } catch (e) {
      e.also = counts();
      throw e;
    }
    return counts();
  },

  async status(t) {
    t.done();
    const { status, id: client, pending } = t.replica;
    return { status, client, pending, rejected: t.replica.rejected().length };
  },

  async digest(t) {
    const stream = t.command.stream();
    t.done();
    const handle = t.replica.known(stream);
    const digest = handle?.digest();
    if (digest === undefined) {
      throw new Problem("not_ready", "there is no confirmed state of this stream here: sub or get it first");
    }
    return { digest, cursor: handle.cursor() || undefined, pending: handle.meta().pending };
  },

  async rejected(t) {
    t.done();
    return { rejected: t.replica.rejected() };
  },
};
