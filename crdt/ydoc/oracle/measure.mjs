// Clock, heap and samples; crdt/ydoc/textbench/clock.go does the same.
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

const clock = () => Number(process.hrtime.bigint()) / 1e6
const cpuTime = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e3
}

/**
 * Runs f and returns the milliseconds that it took, in processor time of all
 * threads and on the clock. Nothing is collected first: a forced collection also
 * throws compiled code away, which makes what follows up to ten times as slow.
 */
export function timed(f) {
  const cpu = cpuTime()
  const start = clock()
  f()
  const wall = clock() - start
  return { cpu: cpuTime() - cpu, wall }
}

const SAMPLE_MIN = 100 // a sample repeats until then, and is the mean
export const SAMPLES = 3 // or fewer, if
const ENOUGH = 3000 // have passed since the first began

/**
 * Repeats f. What comes before warm milliseconds have passed, and at least one
 * repetition, is not sampled: compilers warm up. A warm of 0 samples at once.
 */
export function sampled(warm, f) {
  for (let start = clock(), n = 0; warm > 0 && (n === 0 || clock() - start < warm); n++) f()
  const costs = []
  for (const start = clock(); costs.length === 0 || (costs.length < SAMPLES && clock() - start < ENOUGH); ) {
    let n = 0
    const { cpu, wall } = timed(() => {
      for (const begun = clock(); n === 0 || clock() - begun < SAMPLE_MIN; n++) f()
    })
    costs.push({ cpu: cpu / n, wall: wall / n })
  }
  return costs
}

export const round = (x) => Number(x.toFixed(6))
