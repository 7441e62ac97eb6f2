// Writes testdata/oracle/updates.json: updates made by yjs with every kind of
// content, and the states of a document that receives them forward and
// backward. They let the engine be
// held to yjs where Node is absent, and are what mutations start from.
//
//   node corpus.mjs > ../testdata/oracle/updates.json
import * as Y from 'yjs'

const READER = 101
const base64 = (bytes) => Buffer.from(bytes).toString('base64')

/** A document of one author that collects its updates. */
function author(updates, client, known = []) {
  const doc = new Y.Doc()
  doc.clientID = client
  for (const update of known) Y.applyUpdate(doc, update)
  doc.on('update', (update, _, __, { local }) => { if (local) updates.push(update) })
  return doc
}

/** Adds an item that only older versions of yjs wrote. */
function insertContent(doc, content) {
  doc.transact((transaction) => {
    const parent = doc.getArray('array')
    const left = parent._start
    const id = Y.createID(doc.clientID, Y.getState(doc.store, doc.clientID))
    new Y.Item(id, left, left && left.lastId, left && left.right, null, parent, null, content).integrate(transaction, 0)
  })
}

const cases = {
  text(updates) {
    const text = author(updates, 1).getText('text')
    text.insert(0, 'Hello')
    text.insert(5, ' wörld 🙂')
    text.delete(1, 3)
    text.insert(1, 'i, a')
    text.delete(0, 1)
  },
  concurrent(updates) {
    author(updates, 7).getText('text').insert(0, 'base')
    const base = [updates[0]]
    for (const client of [3, 9, 4294967295, 2, 9007199254740991]) {
      const text = author(updates, client, base).getText('text')
      text.insert(2, `<${client}`)
      text.insert(text.length - 2, '>')
      text.delete(1, 2)
    }
  },
  formatted(updates) {
    const text = author(updates, 1).getText('text')
    text.insert(0, 'plain bold plain')
    text.format(6, 4, { bold: true })
    text.insert(8, 'BOLD', { bold: true, size: { px: 12 } })
    text.insertEmbed(3, { image: 'a.png' }, { bold: null })
    text.format(0, 12, { bold: null, link: 'https://example.com' })
    text.delete(4, 6)
  },
  formattedConcurrently(updates) {
    author(updates, 1).getText('text').insert(0, 'abcdefgh')
    const base = [updates[0]]
    author(updates, 2, base).getText('text').format(1, 4, { bold: true })
    author(updates, 3, base).getText('text').format(2, 5, { bold: true, em: true })
    author(updates, 4, base).getText('text').format(0, 8, { bold: null })
    author(updates, 5, base).getText('text').delete(3, 2)
  },
  values(updates) {
    const doc = author(updates, 1)
    const map = doc.getMap('map')
    const all = [null, true, 0, -1, 63, 64, -64, 2 ** 31, 2 ** 53 - 1, 0.5, 0.1, -1.25e-7, 1e300, '', 'é🙂', [], [1, [null]], {}, { a: { b: [1] } }, new Uint8Array([0, 255])]
    doc.transact(() => all.forEach((value, i) => map.set(`k${i}`, value)))
    map.set('undefined', undefined)
    map.set('bigint', -(2n ** 63n))
    doc.getArray('array').insert(0, all)
    doc.getArray('array').delete(2, 5)
    map.set('k1', 'again')
    map.delete('k2')
  },
  mapsConcurrently(updates) {
    author(updates, 1).getMap('map').set('key', 'base')
    const base = [updates[0]]
    for (const client of [5, 2, 8]) author(updates, client, base).getMap('map').set('key', client)
    author(updates, 3, base).getMap('map').delete('key')
  },
  nested(updates) {
    const doc = author(updates, 1)
    const map = doc.getMap('map')
    const inner = map.set('inner', new Y.Map())
    const list = inner.set('list', new Y.Array())
    list.insert(0, [1, 2, new Y.Text('deep')])
    list.get(2).insert(4, 'er')
    inner.set('text', new Y.Text('gone'))
    map.set('inner', 'replaced')
    const kept = doc.getArray('array')
    kept.insert(0, [new Y.Array(), new Y.Map()])
    kept.get(0).push([1, 2, 3])
    kept.delete(0, 1)
  },
  xml(updates) {
    const doc = author(updates, 1)
    const root = doc.getXmlFragment('xml')
    const p = new Y.XmlElement('p')
    root.insert(0, [p, new Y.XmlText('tail')])
    p.setAttribute('class', 'a')
    p.setAttribute('class', 'b')
    p.insert(0, [new Y.XmlText('some text'), new Y.XmlElement('br')])
    p.get(0).format(0, 4, { strong: {} })
    root.insertAfter(p, [new Y.XmlHook('hook'), new Y.XmlElement('div')])
    root.delete(1, 1)
    p.removeAttribute('class')
  },
  subdocument(updates) {
    const doc = author(updates, 1)
    doc.getMap('map').set('sub', new Y.Doc({ guid: 'a-guid', autoLoad: true, meta: { title: 'x' } }))
    doc.getArray('array').insert(0, [new Y.Doc({ guid: 'another' }), 'after'])
    doc.getArray('array').delete(0, 1)
  },
  legacy(updates) {
    const doc = author(updates, 1)
    insertContent(doc, new Y.ContentJSON([{ old: true }, undefined, 'x', null]))
    doc.getArray('array').insert(2, ['between'])
    doc.getArray('array').delete(0, 1)
  },
  gap(updates) {
    const made = []
    const text = author(made, 1).getText('text')
    for (const letter of 'abcdef') text.insert(text.length, letter)
    text.delete(1, 2)
    updates.push(Y.mergeUpdates([made[0], made[3]]), made[6], made[5], made[1], made[4], made[2])
  },
  whole(updates) {
    const made = []
    const doc = author(made, 1)
    doc.getText('text').insert(0, 'one')
    doc.getMap('map').set('key', new Y.Text('two'))
    doc.getMap('map').set('key', 'three')
    const other = author(made, 2, made)
    other.getText('text').insert(3, ' more')
    other.getText('text').delete(0, 2)
    updates.push(Y.encodeStateAsUpdate(other))
  },
}

/** The state after each update. What waits for an earlier one is part of it. */
function states(updates) {
  const doc = author([], READER)
  return updates.map((update) => {
    Y.applyUpdate(doc, update)
    return base64(Y.encodeStateAsUpdate(doc))
  })
}

const corpus = Object.entries(cases).map(([name, make]) => {
  const updates = []
  make(updates)
  return { name, updates: updates.map(base64), forward: states(updates), backward: states(updates.toReversed()) }
})
console.log(JSON.stringify(corpus, null, 1))
