package ydoc_test

import (
	"fmt"
	"log"

	"github.com/wavesiddhartha/flowsync/crdt/ydoc"
)

// Two replicas type at once and exchange their updates.
func Example() {
	alice, bob := ydoc.New(1), ydoc.New(2)
	a, b := alice.Text("text"), bob.Text("text")
	fromAlice := alice.AppendTransact(nil, func() { check(a.Insert(0, "Hello ")) })
	fromBob := bob.AppendTransact(nil, func() { check(b.Insert(0, "world")) })
	check(alice.Apply(fromBob))
	check(bob.Apply(fromAlice))
	fmt.Println(a.String(), "|", b.String())
	// Output: Hello world | Hello world
}

func ExampleDoc_AppendDiff() {
	server, client := ydoc.New(1), ydoc.New(2)
	check(server.Text("text").Insert(0, "long history"))
	missing, err := server.AppendDiff(nil, client.AppendStateVector(nil))
	check(err)
	check(client.Apply(missing))
	fmt.Println(client.Text("text"))
	// Output: long history
}

func ExampleMap() {
	d := ydoc.New(1)
	m := d.Map("settings")
	check(m.Set("theme", ydoc.String("dark")))
	tags, err := m.SetArray("tags")
	check(err)
	check(tags.Insert(0, ydoc.String("go"), ydoc.Number(1)))
	fmt.Println(string(d.AppendJSON(nil)))
	// Output: {"settings":{"tags":["go",1],"theme":"dark"}}
}

func ExampleXMLFragment() {
	d := ydoc.New(1)
	p, err := d.XMLFragment("doc").InsertElement(0, "p")
	check(err)
	check(p.SetAttribute("class", ydoc.String("lead")))
	t, err := p.InsertText(0)
	check(err)
	check(t.Insert(0, "Hello"))
	fmt.Println(d.XMLFragment("doc"))
	// Output: <p class="lead">Hello</p>
}

func ExampleText_Anchor() {
	d := ydoc.New(1)
	t := d.Text("text")
	check(t.Insert(0, "caret here"))
	caret, err := t.Anchor(5, 0)
	check(err)
	check(t.Insert(0, "The "))
	fmt.Println(d.Resolve(caret))
	// Output: 9 true
}

func ExampleDoc_Undo() {
	d := ydoc.New(1)
	t := d.Text("text")
	u := d.Undo(t)
	check(t.Insert(0, "oops"))
	u.Undo()
	fmt.Printf("%q\n", t)
	u.Redo()
	fmt.Printf("%q\n", t)
	// Output:
	// ""
	// "oops"
}

func ExampleDoc_Observe() {
	d := ydoc.New(1)
	d.Observe(func(c ydoc.Change) { fmt.Println(c.Root, c.Splices, c.Local) })
	check(d.Text("text").Insert(0, "hi"))
	// Output: text [{0 0 2 hi}] true
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
