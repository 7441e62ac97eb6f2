import type { Json } from "../wire/canonical.js";
import { refuse } from "../wire/error.js";
import {
  bad,
  compare,
  define,
  element,
  isOffset,
  list,
  MAX_ELEMENTS,
  members,
  must,
  type Op,
  object,
  only,
} from "./rule.js";

/** crdt-set, a 2P-Set: an element is added, then perhaps removed, and then never returns. */
type TwoPhase = { live: Set<string>; removed: Set<string> };

function full(size: number): void {
  if (size >= MAX_ELEMENTS) refuse("stream_full", "a set has at most 100,000 elements");
}

function elements(op: Op): string[] {
  const all = list(only(op, "value").value).map(element);
  full(all.length - 1);
  return all;
}

const strings = (v: Json | undefined): Set<string> => {
  must(Array.isArray(v) && v.every((s) => typeof s === "string"));
  const all = new Set(v as string[]);
  must(all.size === v.length);
  return all;
};

export const set = define<TwoPhase>("crdt-set", {
  make: () => ({ live: new Set(), removed: new Set() }),
  kinds: {
    add: (s, op) => {
      const v = element(only(op, "value").value);
      if (s.removed.has(v)) {
        refuse(
          "removed_forever",
          "a removed element never returns to a 2P-Set",
          "use another element, or crdt-orset",
        );
      }
      if (!s.live.has(v)) full(s.live.size + s.removed.size);
      return () => {
        s.live.add(v);
      };
    },
    remove: (s, op) => {
      const v = element(only(op, "value").value);
      return () => {
        if (s.live.delete(v)) s.removed.add(v);
      };
    },
    initial: (_, op) => {
      const live = new Set(elements(op));
      return () => ({ live, removed: new Set<string>() });
    },
  },
  clone: (s) => ({ live: new Set(s.live), removed: new Set(s.removed) }),
  save: (s) => ({ live: [...s.live].sort(), removed: [...s.removed].sort() }),
  read(saved) {
    const [live, removed] = members(saved, "live", "removed").map(strings) as [Set<string>, Set<string>];
    must(![...removed].some((v) => live.has(v)));
    return { live, removed };
  },
  value: (s) => [...s.live].sort(),
});

/** One add of an element: [offset, client, incarnation]. */
type Add = [number, string, string];
/** crdt-orset: adds by element. A list of adds is never changed in place, so clones share it. */
type Observed = Map<string, Add[]>;

const sameWriter = (a: Add, op: Op) => a[1] === op.client && a[2] === op.inc;
const sorted = (s: Observed) => [...s.keys()].sort();

export const orset = define<Observed>("crdt-orset", {
  make: () => new Map(),
  kinds: {
    add: (s, op) => {
      const v = element(only(op, "value").value);
      const adds = s.get(v) ?? [];
      if (!adds.length) full(s.size);
      if ((adds.at(-1)?.[0] ?? 0) >= op.off) bad();
      return () => {
        s.set(v, [...adds.filter((a) => !sameWriter(a, op)), [op.off, op.client, op.inc]]);
      };
    },
    remove: (s, op) => {
      const v = element(only(op, "value").value);
      return () => {
        // What the author had not seen stays: add wins. Its own adds come earlier in the log.
        const left = s.get(v)?.filter((a) => a[0] > op.at && !sameWriter(a, op)) ?? [];
        if (left.length) s.set(v, left);
        else s.delete(v);
      };
    },
    initial: (_, op) => {
      const all = elements(op);
      return () => new Map(all.map((v) => [v, [[op.off, op.client, op.inc]]]));
    },
  },
  clone: (s) => new Map(s),
  save: (s) => ({ adds: Object.fromEntries(sorted(s).map((v) => [v, s.get(v) as Json])) }),
  read(saved) {
    const [adds] = members(saved, "adds");
    return new Map(
      Object.entries(object(adds)).map(([v, list]) => {
        must(Array.isArray(list) && list.length);
        list.forEach((a, i) => {
          must(
            Array.isArray(a) &&
              a.length === 3 &&
              isOffset(a[0]) &&
              a.slice(1).every((id) => typeof id === "string"),
          );
          must(i === 0 || compare(list[i - 1] as Json[], a, 1) < 0);
        });
        return [v, list as Add[]];
      }),
    );
  },
  value: sorted,
});
