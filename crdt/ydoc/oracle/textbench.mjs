// Measures one phase of one session with one library and prints one JSON line,
// the same fields as `go run ./crdt/ydoc/textbench -phase …`, which says what
// the phases are.
//
//   node textbench.mjs --peer yjs|yjs-default|json-joy --phase P [--n 1] [--warm MS] --dir D TRACE.json
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { SAMPLES, heapBytes, round, sampled, timed } from './measure.mjs'
import { READER, peerNamed } from './peers.mjs'
import { readSession, repeat, replicas } from './session.mjs'

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { peer: { type: 'string', default: 'yjs' }, phase: { type: 'string' }, n: { type: 'string', default: '1' }, warm: { type: 'string', default: '2000' }, dir: { type: 'string' } },
})
const peer = peerNamed(flags.peer)
const n = Number(flags.n)
const warm = Number(flags.warm)
const repeats = !['cold', 'spot'].includes(flags.phase)
const session = repeats && n > 1 ? repeat(readSession(positionals[0]), n) : readSession(positionals[0])

function requireEnd(document, when) {
  if (session.end !== null && document.text() !== session.end) {
    throw new Error(`${session.name}: ${flags.peer}: the text after ${when} differs from the end of the session`)
  }
}

/** Plays a sequential session; each gets every update. Without it, none is made. */
function replay(each) {
  const document = peer.open(0)
  for (const { patches } of session.txns) {
    if (!each) document.edit(patches)
    else {
      const update = document.editUpdate(patches)
      if (update !== null) each(update)
    }
  }
  return document
}

/** Every transaction's update, made by one document per replica. */
function replayTogether() {
  const documents = Array.from({ length: replicas(session) }, (_, r) => peer.open(r))
  const updates = []
  for (const { r, recv, patches } of session.txns) {
    for (const i of recv) if (updates[i]) documents[r].apply(updates[i])
    updates.push(documents[r].editUpdate(patches))
  }
  return updates.filter((update) => update !== null)
}

// Updates and states are kept, so that the rounds of a comparison make them once.
const kept = (what) => join(flags.dir, `${session.name}-${repeats ? n : 1}.${flags.peer}.${what}`)

function allUpdates() {
  const path = kept('updates')
  if (!existsSync(path)) {
    const updates = []
    if (session.kind === 'concurrent') updates.push(...replayTogether())
    else replay((update) => updates.push(update))
    writeFileSync(path, Buffer.concat(updates.flatMap((update) => {
      const length = Buffer.alloc(4)
      length.writeUInt32LE(update.length)
      return [length, update]
    })))
    return updates
  }
  const bytes = readFileSync(path)
  const updates = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32LE(at)
    updates.push(Uint8Array.prototype.slice.call(bytes, at + 4, end))
    at = end
  }
  return updates
}

function applyAll(updates) {
  const document = peer.open(READER)
  for (const update of updates) document.apply(update)
  return document
}

function fullState() {
  const path = kept('state')
  if (existsSync(path)) return new Uint8Array(readFileSync(path))
  const document = session.kind === 'concurrent' ? applyAll(allUpdates()) : replay()
  const state = document.save()
  writeFileSync(path, state)
  return state
}

function local(each) {
  let document
  let bytes = 0
  const costs = sampled(n > 1 ? 0 : warm, () => {
    bytes = 0
    document = replay(each && ((update) => { bytes += update.length }))
  })
  requireEnd(document, 'a replay')
  writeFileSync(kept('state'), document.save())
  return { ops: session.txns.length, costs, bytes }
}

function remote() {
  const updates = allUpdates()
  let document
  const costs = sampled(warm, () => { document = applyAll(updates) })
  requireEnd(document, 'remote apply')
  return { ops: updates.length, costs, bytes: updates.reduce((sum, update) => sum + update.length, 0) }
}

function save() {
  const state = fullState()
  const document = peer.load(state)
  let saved
  const costs = sampled(warm, () => { saved = document.save() })
  if (saved.length !== state.length) throw new Error('the state changed on its way')
  return { ops: 1, costs, bytes: saved.length }
}

function load() {
  const state = fullState()
  let document
  const costs = sampled(warm, () => { document = peer.load(state) })
  requireEnd(document, 'load')
  return { ops: 1, costs, bytes: state.length }
}

async function heap() {
  const state = fullState()
  // One small document is lost in what else the collector finds to do.
  const COPIES = 8
  const before = await heapBytes()
  const documents = Array.from({ length: COPIES }, () => peer.load(state))
  const heap_bytes = Math.round(((await heapBytes()) - before) / COPIES)
  requireEnd(documents[0], 'load')
  return { ops: 1, costs: [], bytes: state.length, chars: [...documents[0].text()].length, heap_bytes }
}

// Documents hold the first tenth of the session; then each receives the next
// updates in turn, so that no document is in a cache when its turn comes.
function cold() {
  const NEXT = 200 // updates in a sample
  const base = Math.floor(session.txns.length / 10)
  const author = peer.open(0)
  for (const { patches } of session.txns.slice(0, base)) author.edit(patches)
  const state = author.save()
  const documents = Array.from({ length: n }, () => peer.load(state))
  const costs = []
  for (let part = 0, at = base; part <= SAMPLES; part++, at += NEXT) {
    const updates = session.txns.slice(at, at + NEXT).map(({ patches }) => author.editUpdate(patches)).filter((u) => u !== null)
    const cost = timed(() => {
      for (const update of updates) for (const document of documents) document.apply(update)
    })
    if (part > 0) costs.push(cost) // the first one warms up
  }
  const want = author.text()
  if (documents.some((document) => document.text() !== want)) throw new Error('a document differs from its author')
  return { ops: NEXT * n, costs }
}

function spot() {
  const first = peer.open(0).editUpdate([[0, 0, 'ab']])
  const updates = Array.from({ length: n }, (_, r) => {
    const writer = peer.open(READER + 1 + r)
    writer.apply(first)
    return writer.editUpdate([[1, 0, 'x']])
  })
  // A fixed shuffle: neither the best order nor the worst.
  for (let i = updates.length - 1, seed = 1; i > 0; i--) {
    seed = (seed * 48271) % 2147483647
    const j = seed % (i + 1)
    ;[updates[i], updates[j]] = [updates[j], updates[i]]
  }
  const costs = sampled(warm, () => {
    const document = applyAll([first, ...updates])
    if (document.text().length !== n + 2) throw new Error('an insert was lost')
  })
  return { ops: n, costs }
}

const phases = { quiet: () => local(null), local: () => local((update) => update), remote, save, load, heap, cold, spot }
if (!phases[flags.phase]) throw new Error(`no phase ${flags.phase}: want one of ${Object.keys(phases).join(', ')}`)
const { costs, ...rest } = await phases[flags.phase]()
console.log(JSON.stringify({
  peer: flags.peer,
  trace: session.name,
  phase: flags.phase,
  n,
  ...rest,
  cpu_ms: costs.map(({ cpu }) => round(cpu)),
  wall_ms: costs.map(({ wall }) => round(wall)),
}))
