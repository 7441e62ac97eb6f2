import type { DurableEffect } from "../src/machine/effect.js";
import { follow, type Saved, type SavedStream } from "../src/machine/saved.js";
import { NO_HASH } from "../src/wire/hash.js";

/** What a client saves, kept in memory: the plainest reading of the durable effects. */
export class Memory {
  private readonly saved: Saved = { streams: [], dead: [] };

  copy(): Saved {
    return structuredClone(this.saved);
  }

  do(effect: DurableEffect): void {
    const e = structuredClone(effect);
    switch (e.do) {
      case "saveStream":
        Object.assign(this.stream(e.head.stream), { head: e.head, ops: e.ops });
        return;
      case "saveHead":
        this.stream(e.head.stream).head = e.head;
        return;
      case "saveOp": {
        const rec = this.stream(e.stream);
        rec.ops = [...rec.ops.filter((o) => o.seq !== e.op.seq), e.op].sort((a, b) => a.seq - b.seq);
        follow(rec.head, e.op);
        return;
      }
      case "dropOps":
        this.drop(e.stream, e.through);
        return;
      case "saveState":
        Object.assign(this.stream(e.head.stream), {
          head: e.head,
          kept: { cursor: e.cursor, state: e.state },
        });
        this.drop(e.head.stream, e.through);
        return;
      case "saveDead": {
        const rec = this.stream(e.dead.stream);
        rec.ops = rec.ops.filter((o) => o.seq !== e.dead.seq);
        this.saved.dead.push(e.dead);
        return;
      }
      case "dropDead":
        this.saved.dead = this.saved.dead.filter(
          (d) => d.stream !== e.stream || d.inc !== e.inc || d.seq !== e.seq,
        );
    }
  }

  private drop(name: string, through: number): void {
    const rec = this.stream(name);
    rec.ops = rec.ops.filter((o) => o.seq > through);
  }

  private stream(name: string): SavedStream {
    let rec = this.saved.streams.find((s) => s.head.stream === name);
    if (!rec) {
      const head = {
        stream: name,
        rule: "",
        inc: "",
        next: 1,
        acked: 0,
        hash: NO_HASH,
        epoch: "",
        at: 0,
        seen: false,
      };
      rec = { head, ops: [] };
      this.saved.streams.push(rec);
    }
    return rec;
  }
}
