import * as Y from "yjs";
import type { Random } from "./random.js";

/** A change of what a text replica does not show. */
export function richEdit(r: Random, doc: Y.Doc, formats: boolean): unknown {
  const map = doc.getMap("map");
  const list = doc.getArray<unknown>("list");
  const xml = doc.getXmlFragment("xml");
  const key = r.pick(["k", "l", "__proto__", "1"]);
  const nested = [...map.values(), ...list.toArray()].filter((v) => v instanceof Y.AbstractType);
  switch (r.below(formats ? 14 : 10)) {
    case 0:
      return map.set(
        key,
        r.pick<unknown>([1, -5, 1.5, 2 ** 40, "v", null, true, { b: 1, a: [undefined, "😀"] }, 7n]),
      );
    case 1:
      return map.set(key, r.pick([() => new Y.Map(), () => new Y.Array(), () => new Y.Text("in")])());
    case 2:
      return map.delete(key);
    case 3:
      return list.insert(
        r.below(list.length + 1),
        [r.below(9), "x", new Uint8Array([1, 2, 200])].slice(r.below(3)),
      );
    case 4:
      return list.insert(r.below(list.length + 1), [
        r.pick([() => new Y.Map(), () => new Y.XmlElement("p")])(),
      ]);
    case 5: {
      const at = r.below(list.length + 1);
      return list.delete(at, Math.min(1 + r.below(3), list.length - at));
    }
    case 6: {
      const p = new Y.XmlElement("p");
      p.setAttribute("id", r.text(2));
      p.insert(0, [new Y.XmlText(r.text()), new Y.XmlElement("br")]);
      return xml.insert(r.below(xml.length + 1), [p]);
    }
    case 7:
      return xml.length > 0 ? xml.delete(r.below(xml.length), 1) : undefined;
    case 8: {
      const inner = nested.length ? r.pick(nested) : undefined;
      if (inner instanceof Y.Map) inner.set(key, r.pick([() => r.below(5), () => new Y.Map()])());
      else if (inner instanceof Y.Array) inner.insert(0, [r.below(5), new Y.Text("deep")]);
      else if (inner instanceof Y.Text) inner.insert(r.below(inner.length + 1), r.text());
      return undefined;
    }
    case 9:
      return map.set(key, new Y.Doc({ guid: `doc-${r.below(3)}` }));
    case 10:
    case 11: {
      const text = doc.getText("text");
      const at = r.below(text.length + 1);
      const mark = r.pick([{ bold: true }, { bold: null }, { link: { href: "x", a: 1 } }]);
      return text.format(at, Math.min(r.below(6), text.length - at), mark as object);
    }
    case 12: {
      const text = doc.getText("text");
      return text.insertEmbed(r.below(text.length + 1), { image: "a.png", alt: "A" });
    }
    default: {
      const text = doc.getText("text");
      return text.insert(r.below(text.length + 1), "italic", { italic: true });
    }
  }
}
