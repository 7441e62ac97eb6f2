/** How long a line may be, in bytes. */
const MAX_LINE = 10 << 20;

/** Yields the lines of a stream of bytes, without their ends. */
export async function* lines(stream) {
  let rest = [];
  let size = 0;
  for await (const chunk of stream) {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      rest.push(chunk.subarray(from, end));
      from = end + 1;
      yield Buffer.concat(rest);
      rest = [];
      size = 0;
    }
    rest.push(chunk.subarray(from));
    size += chunk.length - from;
    if (size > MAX_LINE) throw new Error(`a line is longer than ${MAX_LINE} bytes`);
  }
  if (size) yield Buffer.concat(rest);
}
