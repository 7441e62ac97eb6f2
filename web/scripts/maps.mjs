// Thins the source maps of dist: one mapping per line of source, no names, no copies of the sources. What is
// left tells the file and line of every error, in a tenth of the bytes.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function decode(segment) {
  const numbers = [];
  let n = 0;
  let shift = 0;
  for (const digit of segment) {
    const bits = digits.indexOf(digit);
    n |= (bits & 31) << shift;
    shift += 5;
    if (bits & 32) continue;
    numbers.push(n & 1 ? -(n >> 1) : n >> 1);
    n = shift = 0;
  }
  return numbers;
}

function encode(numbers) {
  let out = "";
  for (const number of numbers) {
    let n = number < 0 ? (-number << 1) | 1 : number << 1;
    do {
      out += digits[(n & 31) | (n > 31 ? 32 : 0)];
      n >>= 5;
    } while (n);
  }
  return out;
}

/** Segments are [column, source, line, column there], each as the difference from the one before. */
function thin(mappings) {
  const at = [0, 0, 0, 0];
  let kept = [0, 0, 0, 0];
  const line = (text) => {
    at[0] = kept[0] = 0;
    const segments = [];
    for (const segment of text.split(",")) {
      const numbers = decode(segment);
      numbers.slice(0, 4).forEach((n, i) => {
        at[i] += n;
      });
      if (numbers.length < 4 || (segments.length && at[1] === kept[1] && at[2] === kept[2])) continue;
      segments.push(encode(at.map((n, i) => n - kept[i])));
      kept = [...at];
    }
    return segments.join();
  };
  return mappings.split(";").map(line).join(";");
}

export function thinMaps(dir) {
  for (const name of readdirSync(dir).filter((n) => n.endsWith(".js.map"))) {
    const { version, file, sources, mappings } = JSON.parse(readFileSync(`${dir}/${name}`, "utf8"));
    writeFileSync(`${dir}/${name}`, JSON.stringify({ version, file, sources, names: [], mappings: thin(mappings) }));
  }
}
