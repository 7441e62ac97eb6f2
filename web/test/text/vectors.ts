import rules from "../../../testdata/vectors/rules.json";

/** A history of a text stream that every implementation must agree on. */
export interface Vector {
  rule: string;
  name: string;
  ops: { client: string; op: { op: string; update?: string; value?: string; root?: string } }[];
  refused: [number, string][];
  state: { root: string; update: string };
  value: string;
  digest: string;
  digested: string;
}

export const vectors = (rules as unknown as Vector[]).filter((v) => v.rule === "crdt-text");

export const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");

export const bytesOf = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

export const base64Of = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));
