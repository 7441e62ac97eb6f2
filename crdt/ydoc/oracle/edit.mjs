// One random edit on a document. An edit names no position of its own: it
// carries random numbers, and whoever executes it takes them modulo what it
// finds. Documents that are equal so execute it equally, in any language; the
// Go twin of this file is oracle_edit_test.go.
//
// @typedef {{
//   root: 'text' | 'map' | 'array' | 'xml',
//   path: number[],            which nested type to descend into, level by level
//   pick: number,              which edit to make there
//   a: number, b: number,      place and extent
//   s: string, key: string,    text and name
//   values: any[], attrs: object, embed: object, nest: number,
// }} Edit
import * as Y from 'yjs'

const roots = {
  text: (doc) => doc.getText('text'),
  map: (doc) => doc.getMap('map'),
  array: (doc) => doc.getArray('array'),
  xml: (doc) => doc.getXmlFragment('xml'),
}

/** Makes all roots known, so that value sees them even when they are empty. */
export function openRoots(doc) {
  return Object.values(roots).map((root) => root(doc))
}

export function execute(doc, edit, rich) {
  let target = roots[edit.root](doc)
  for (const step of edit.path) {
    const nested = children(target)
    if (nested.length === 0) break
    target = nested[step % nested.length]
  }
  if (target instanceof Y.Text) return editText(target, edit, rich)
  if (target instanceof Y.Map) return editMap(target, edit)
  if (target instanceof Y.Array) return editArray(target, edit)
  return editXml(target, edit)
}

function children(type) {
  if (type instanceof Y.Text) return []
  if (type instanceof Y.Map) return [...type.keys()].sort().map((key) => type.get(key)).filter(isType)
  return type.toArray().filter(isType)
}

const isType = (value) => value instanceof Y.AbstractType

/** Where each code unit starts a character: no position falls inside a pair. */
function place(units, at) {
  at = Math.min(at, units.length)
  return at > 0 && at < units.length && isHigh(units[at - 1]) && isLow(units[at]) ? at - 1 : at
}

const isHigh = (unit) => unit >= 0xd800 && unit < 0xdc00
const isLow = (unit) => unit >= 0xdc00 && unit < 0xe000

function unitsOf(text) {
  const units = []
  for (const { insert } of text.toDelta()) {
    if (typeof insert !== 'string') units.push(0)
    else for (let i = 0; i < insert.length; i++) units.push(insert.charCodeAt(i))
  }
  return units
}

function editText(text, { pick, a, b, s, attrs, embed }, rich) {
  const units = unitsOf(text)
  const at = place(units, a % (units.length + 1))
  const end = place(units, at + (b % 9))
  switch (pick % (rich ? 6 : 3)) {
    case 2: return end > at && text.delete(at, end - at)
    case 3: return end > at && text.format(at, end - at, attrs)
    case 4: return text.insert(at, s, attrs)
    case 5: return text.insertEmbed(at, embed, attrs)
    default: return text.insert(at, s)
  }
}

const nestable = [() => new Y.Map(), () => new Y.Array(), () => new Y.Text()]

function editMap(map, { pick, key, values, nest, s }) {
  switch (pick % 4) {
    case 1: return map.delete(key)
    case 2: {
      const type = map.set(key, nestable[nest % nestable.length]())
      return type instanceof Y.Text && type.insert(0, s)
    }
    default: return map.set(key, value(values[0]))
  }
}

function editArray(array, { pick, a, b, values, nest, s }) {
  const at = a % (array.length + 1)
  const n = Math.min(b % 4, array.length - at)
  switch (pick % 4) {
    case 1: return n > 0 && array.delete(at, n)
    case 2: {
      const type = nestable[nest % nestable.length]()
      array.insert(at, [type])
      return type instanceof Y.Text && type.insert(0, s)
    }
    default: return array.insert(at, values.map(value))
  }
}

function editXml(parent, { pick, a, b, s, key, nest }) {
  const at = a % (parent.length + 1)
  const n = Math.min(b % 3, parent.length - at)
  switch (pick % 6) {
    case 1: return n > 0 && parent.delete(at, n)
    case 2: {
      const text = new Y.XmlText()
      parent.insert(at, [text])
      return text.insert(0, s)
    }
    case 3: return parent instanceof Y.XmlElement && parent.setAttribute(key, s)
    case 4: return parent instanceof Y.XmlElement && parent.removeAttribute(key)
    default: return parent.insert(at, [new Y.XmlElement(['p', 'li', 'h1'][nest % 3])])
  }
}

/** What JSON cannot say travels as {"$": kind, …}. */
function value(v) {
  if (Array.isArray(v)) return v.map(value)
  if (v === null || typeof v !== 'object') return v
  switch (v.$) {
    case 'undefined': return undefined
    case 'bytes': return new Uint8Array(Buffer.from(v.base64, 'base64'))
    case 'bigint': return BigInt(v.digits)
  }
  return Object.fromEntries(Object.entries(v).map(([key, x]) => [key, value(x)]))
}

/** The document as the test compares it. */
export function valueOf(doc) {
  return {
    text: doc.getText('text').toDelta(),
    map: plain(doc.getMap('map').toJSON()),
    array: plain(doc.getArray('array').toJSON()),
    xml: doc.getXmlFragment('xml').toString(),
  }
}

function plain(v) {
  if (v === undefined) return { $: 'undefined' }
  if (typeof v === 'bigint') return { $: 'bigint', digits: String(v) }
  if (v instanceof Uint8Array) return { $: 'bytes', base64: Buffer.from(v).toString('base64') }
  if (Array.isArray(v)) return v.map(plain)
  if (v === null || typeof v !== 'object') return v
  return Object.fromEntries(Object.entries(v).map(([key, x]) => [key, plain(x)]))
}
