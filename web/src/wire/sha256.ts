/**
 * SHA-256 (FIPS 180-4), synchronous. WebCrypto's is asynchronous, and absent where a page came over plain
 * http; hashes of ops are needed at once, before an op is queued.
 */
export function sha256(data: Uint8Array): Uint8Array {
  const k = table();
  const h = k.slice(64);
  const w = new Int32Array(64);
  const padded = new Uint8Array(((data.length + 72) >> 6) << 6);
  padded.set(data);
  padded[data.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, data.length / 0x20000000);
  view.setUint32(padded.length - 4, data.length << 3);
  for (let at = 0; at < padded.length; at += 64) {
    let [a, b, c, d, e, f, g, x] = h as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    for (let i = 0; i < 64; i++) {
      if (i < 16) w[i] = view.getInt32(at + i * 4);
      else {
        const p = w[i - 15] as number;
        const q = w[i - 2] as number;
        w[i] =
          (w[i - 16] as number) +
          (rotate(p, 7) ^ rotate(p, 18) ^ (p >>> 3)) +
          (w[i - 7] as number) +
          (rotate(q, 17) ^ rotate(q, 19) ^ (q >>> 10));
      }
      const t =
        x +
        (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
        ((e & f) ^ (~e & g)) +
        (k[i] as number) +
        (w[i] as number);
      const u = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      x = g;
      g = f;
      f = e;
      e = (d + t) | 0;
      d = c;
      c = b;
      b = a;
      a = (t + u) | 0;
    }
    [a, b, c, d, e, f, g, x].forEach((v, i) => {
      h[i] = (h[i] as number) + v;
    });
  }
  const out = new DataView(new ArrayBuffer(32));
  h.forEach((v, i) => {
    out.setInt32(i * 4, v);
  });
  return new Uint8Array(out.buffer);
}

function rotate(n: number, by: number): number {
  return (n >>> by) | (n << (32 - by));
}

let constants: Int32Array | undefined;

/** The 64 round constants, then the 8 initial words: fractions of roots of primes, computed once. */
function table(): Int32Array {
  if (constants) return constants;
  const all = new Int32Array(72);
  let n = 0;
  for (let p = 2; n < 64; p++) {
    let prime = true;
    for (let q = 2; q * q <= p; q++) prime &&= p % q !== 0;
    if (!prime) continue;
    if (n < 8) all[64 + n] = (p ** 0.5 % 1) * 0x100000000;
    all[n++] = (p ** (1 / 3) % 1) * 0x100000000;
  }
  constants = all;
  return all;
}
