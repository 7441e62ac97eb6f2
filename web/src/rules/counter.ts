import type { Json, JsonObject } from "../wire/canonical.js";
import { refuse } from "../wire/error.js";
import { bad, define, list, members, must, type Op, object, only } from "./rule.js";

/**
 * crdt-counter, a PN-Counter: per client how much it added and how much it took away, side 0 and side 1.
 * Totals are exact up to 10^38.
 */
type Counter = { base: Pair; by: [Totals, Totals]; sum: Pair };
type Pair = [bigint, bigint];
type Totals = Map<string, bigint>;
type Side = 0 | 1;

const make = (base: Pair = [0n, 0n]): Counter => ({ base, by: [new Map(), new Map()], sum: [...base] });

const within = (n: bigint) => n <= 10n ** 38n;

function bound(n: bigint): void {
  if (!within(n)) refuse("overflow", "the counter would pass 10^38");
}

function change(side: Side) {
  return (c: Counter, op: Op) => {
    const { amount } = only(op, ...("amount" in op.body ? ["amount"] : []));
    if (amount !== undefined && !(Number.isSafeInteger(amount) && (amount as number) > 0)) {
      bad("amount is an integer from 1 to 2^53-1");
    }
    const n = BigInt((amount as number) ?? 1);
    bound(c.sum[side] + n);
    return () => add(c, side, op.client, n);
  };
}

function add(c: Counter, side: Side, client: string, n: bigint): void {
  if (n) c.by[side].set(client, (c.by[side].get(client) ?? 0n) + n);
  c.sum[side] += n;
}

/** Reads an amount of an initial value: an integer, or a decimal string. */
function amount(v: Json | undefined): bigint {
  if (!Number.isSafeInteger(v) && !/^(0|-?[1-9]\d{0,38})$/.test(typeof v === "string" ? v : "")) {
    bad();
  }
  return BigInt(v as string);
}

function initial(v: Json | undefined): Counter {
  let c = make();
  if (typeof v !== "object" || v === null) {
    const n = amount(v);
    c = make(n < 0n ? [0n, -n] : [n, 0n]);
  } else {
    for (const key of Object.keys(v)) {
      const side = ["increments", "decrements"].indexOf(key) as Side;
      const by = (v as JsonObject)[key];
      if (side < 0 || typeof by !== "object" || by === null || Array.isArray(by)) bad();
      for (const client of Object.keys(by)) {
        const n = amount(by[client]);
        if (n < 0n) bad();
        add(c, side, client, n);
      }
    }
  }
  c.sum.forEach(bound);
  return c;
}

export const counter = define<Counter>("crdt-counter", {
  make,
  kinds: {
    increment: change(0),
    decrement: change(1),
    initial: (_, op) => {
      const fresh = initial(only(op, "value").value);
      return () => fresh;
    },
    fold: (c, op) => {
      const clients = list(only(op, "clients").clients);
      return () => {
        for (const side of [0, 1] as const) {
          for (const client of clients as string[]) {
            c.base[side] += c.by[side].get(client) ?? 0n;
            c.by[side].delete(client);
          }
        }
      };
    },
  },
  clone: (c) => ({ base: [...c.base], by: [new Map(c.by[0]), new Map(c.by[1])], sum: [...c.sum] }),
  save: (c) => ({ base: c.base.map(String), dec: encode(c.by[1]), inc: encode(c.by[0]) }),
  read(saved) {
    const [base, dec, inc] = members(saved, "base", "dec", "inc");
    must(Array.isArray(base) && base.length === 2);
    const c = make([total(base[0]), total(base[1])]);
    decode(c, 0, inc);
    decode(c, 1, dec);
    must(c.sum.every(within));
    return c;
  },
  value(c) {
    const n = c.sum[0] - c.sum[1];
    const small = Number(n);
    return Number.isSafeInteger(small) ? small : String(n);
  },
});

function encode(by: Totals): JsonObject {
  return Object.fromEntries(Array.from(by, ([client, n]) => [client, String(n)]));
}

function decode(c: Counter, side: Side, v: Json | undefined): void {
  for (const [client, n] of Object.entries(object(v))) {
    must(n !== "0");
    add(c, side, client, total(n));
  }
}

function total(v: Json | undefined): bigint {
  must(typeof v === "string" && /^(0|[1-9]\d{0,38})$/.test(v));
  return BigInt(v);
}
