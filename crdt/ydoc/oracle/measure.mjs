// Clock, heap and median, the same for every benchmark here.
import v8 from 'node:v8'
import vm from 'node:vm'

v8.setFlagsFromString('--expose-gc')
const collect = vm.runInNewContext('gc')

// Buffers outside the heap are given back by tasks that run after a
// collection, hence the turns of the event loop.
export async function heapBytes() {
  for (let i = 0; i < 5; i++) {
    collect()
    await new Promise(setImmediate)
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/**
 * Runs f, returns its result and the milliseconds that it took. Nothing is
 * collected first: a forced collection also throws compiled code away, which
 * makes what follows up to ten times as slow.
 */
export function timed(f) {
  const start = process.hrtime.bigint()
  const result = f()
  return [result, Number(process.hrtime.bigint() - start) / 1e6]
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

export const round = (x, digits = 3) => Number(x.toFixed(digits))
