/** A seeded generator of 32-bit numbers, so that a failing history can be played again. */
export class Random {
  constructor(private state: number) {}

  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** From 0 up to, not including, n. */
  below(n: number): number {
    return this.next() % n;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  text(max = 8): string {
    const units = ["a", "b", "c", " ", "\n", "é", "漢", "😀", "👍", "e\u0301"];
    let s = "";
    for (let n = 1 + this.below(max); n > 0; n--) s += this.pick(units);
    return s;
  }
}

declare const process: { env: Record<string, string | undefined> };

/** A number from the environment, such as FLOWSYNC_SEED to play one history again. */
export const setting = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);
