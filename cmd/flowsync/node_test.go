package main

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// replica is a flowsync node under test. Answers and events share its stdout;
// what one looks for, the other keeps.
type replica struct {
	*process
	id     int
	events []map[string]any // seen while an answer was awaited
}

func startReplica(t *testing.T, url, client string, args ...string) *replica {
	t.Helper()
	path, before := nodeUnderTest(t)
	return &replica{process: startProgram(t, path, slices.Concat(before, []string{"--url", url, "--client", client}, args)...)}
}

// do sends a command and returns its answer.
func (r *replica) do(format string, args ...any) map[string]any {
	r.t.Helper()
	r.send(format, args...)
	return r.answer(r.id)
}

// send sends a command with the next id.
func (r *replica) send(format string, args ...any) {
	r.t.Helper()
	r.id++
	line := strings.TrimSuffix(fmt.Sprintf(format, args...), "}")
	if _, err := fmt.Fprintf(r.in, "%s,\"id\":%d}\n", line, r.id); err != nil {
		r.t.Fatal(err)
	}
}

func (r *replica) answer(id int) map[string]any {
	r.t.Helper()
	for {
		m := r.object()
		kinds := 0
		for _, kind := range []string{"ok", "error", "event"} {
			if _, ok := m[kind]; ok {
				kinds++
			}
		}
		if kinds != 1 {
			r.t.Fatalf("a line is an answer or an event: %v", m)
		}
		if m["event"] != nil {
			r.events = append(r.events, m)
			continue
		}
		if m["id"] != float64(id) {
			r.t.Fatalf("got the answer %v, want that of id %d", m, id)
		}
		return m
	}
}

// must sends a command that has to succeed.
func (r *replica) must(format string, args ...any) map[string]any {
	r.t.Helper()
	a := r.do(format, args...)
	if a["ok"] != true {
		r.t.Fatalf("%s: %v", fmt.Sprintf(format, args...), a)
	}
	return a
}

// event returns the first event not asked for yet for which is holds.
func (r *replica) event(is func(map[string]any) bool) map[string]any {
	r.t.Helper()
	for i := 0; ; i++ {
		if i == len(r.events) {
			m := r.object()
			if m["event"] == nil {
				r.t.Fatalf("an answer that nobody waits for: %v", m)
			}
			r.events = append(r.events, m)
		}
		if e := r.events[i]; is(e) {
			r.events = slices.Delete(r.events, i, i+1)
			return e
		}
	}
}

// shows waits until a subscribed stream shows a value.
func (r *replica) shows(stream string, value any) {
	r.t.Helper()
	r.event(func(m map[string]any) bool {
		return m["event"] == "value" && m["stream"] == stream && reflect.DeepEqual(m["value"], value)
	})
}

func is(event string) func(map[string]any) bool {
	return func(m map[string]any) bool { return m["event"] == event }
}

// Two replicas and a watch: edits on both sides of a cut meet, on four rules.
func TestReplicasConverge(t *testing.T) {
	_, url := dev(t)
	streams := map[string]struct {
		before, alice, bob []string
		want               string
	}{
		"counter:value": {
			[]string{`{"op":"increment","amount":10}`}, []string{`{"op":"increment","amount":5}`}, []string{`{"op":"decrement","amount":2}`}, `13`},
		"set:guests": {
			[]string{`{"op":"add","value":"Ada"}`}, []string{`{"op":"remove","value":"Ada"}`, `{"op":"add","value":"Cem"}`}, []string{`{"op":"add","value":"Ada"}`, `{"op":"add","value":"Bo"}`}, `["Ada","Bo","Cem"]`},
		"map:settings": {
			[]string{`{"op":"set","key":"a","value":1}`}, []string{`{"op":"set","key":"b","value":2}`}, []string{`{"op":"delete","key":"a"}`, `{"op":"set","key":"c","value":[3]}`}, `{"b":2,"c":[3]}`},
		"chat:lobby": {
			[]string{`{"op":"append","value":"one"}`}, []string{`{"op":"append","value":"two"}`}, []string{`{"op":"append","value":"three"}`}, `["one","two","three"]`},
	}
	alice, bob := startReplica(t, url, "alice"), startReplica(t, url, "bob")
	watches := map[string]*process{}
	for _, name := range sortedNames(streams) {
		watches[name] = start(t, "watch", name, "--url", url)
		alice.must(`{"do":"sub","stream":%q}`, name)
		bob.must(`{"do":"sub","stream":%q}`, name)
		for _, op := range streams[name].before {
			alice.must(`{"do":"push","stream":%q,"op":%s}`, name, op)
		}
	}
	alice.must(`{"do":"flush"}`)
	for _, name := range sortedNames(streams) { // bob has seen what was before
		for bob.must(`{"do":"digest","stream":%q}`, name)["digest"] != alice.must(`{"do":"digest","stream":%q}`, name)["digest"] {
			time.Sleep(time.Millisecond)
		}
	}

	bob.must(`{"do":"offline"}`)
	pushed := 0
	for _, name := range sortedNames(streams) {
		for _, op := range streams[name].bob {
			pushed++
			bob.must(`{"do":"push","stream":%q,"op":%s}`, name, op)
		}
		for _, op := range streams[name].alice {
			alice.must(`{"do":"push","stream":%q,"op":%s}`, name, op)
		}
	}
	alice.must(`{"do":"flush"}`)
	if s := bob.must(`{"do":"status"}`); s["status"] != "offline" || s["pending"] != float64(pushed) || s["client"] != "bob" {
		t.Errorf("bob is offline with %d ops: %v", pushed, s)
	}
	bob.must(`{"do":"online"}`)
	if a := bob.must(`{"do":"flush"}`); a["pending"] != 0.0 || a["rejected"] != 0.0 {
		t.Errorf("flush: %v", a)
	}

	for _, name := range sortedNames(streams) {
		var want any
		if err := json.Unmarshal([]byte(streams[name].want), &want); err != nil {
			t.Fatal(err)
		}
		alice.shows(name, want)
		if got := bob.must(`{"do":"get","stream":%q}`, name)["value"]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s of bob: %v, want %v", name, got, want)
		}
		a, b := alice.must(`{"do":"digest","stream":%q}`, name), bob.must(`{"do":"digest","stream":%q}`, name)
		if a["digest"] != b["digest"] || a["cursor"] != b["cursor"] || len(a["digest"].(string)) != 64 {
			t.Errorf("%s: digests differ:\n%v\n%v", name, a, b)
		}
		for watches[name].line() != streams[name].want { // it may leave some out, never the last
		}
		if r := runCommand(t, "", "get", name, "--url", url); r.out != streams[name].want+"\n" {
			t.Errorf("get %s: %+v", name, r)
		}
	}
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func TestNodeRejection(t *testing.T) {
	_, url := dev(t)
	n := startReplica(t, url, "n")
	n.must(`{"do":"offline"}`)
	// Nothing is known of the stream yet, so nothing can refuse the op here.
	n.must(`{"do":"push","stream":"counter:value","op":{"op":"bump","amount":0}}`)
	n.must(`{"do":"push","stream":"counter:value","op":{"op":"increment","amount":3}}`)
	n.must(`{"do":"online"}`)
	if a := n.must(`{"do":"flush"}`); a["pending"] != 0.0 || a["rejected"] != 1.0 {
		t.Errorf("flush: %v", a)
	}
	e := n.event(is("rejected"))
	letters := n.must(`{"do":"rejected"}`)["rejected"].([]any)
	if len(letters) != 1 {
		t.Fatalf("dead letters: %v", letters)
	}
	for _, m := range []map[string]any{e, letters[0].(map[string]any)} {
		op, _ := m["op"].(map[string]any)
		if m["code"] != "bad_op" || m["stream"] != "counter:value" || m["seq"] != 1.0 || op["amount"] != 0.0 {
			t.Errorf("dead letter: %v", m)
		}
	}
	if v := n.must(`{"do":"get","stream":"counter:value"}`)["value"]; v != 3.0 {
		t.Errorf("value %v, want 3: the op after the rejected one counts", v)
	}
	// Now the rule is known, and the op refused at once.
	if a := n.do(`{"do":"push","stream":"counter:value","op":{"op":"increment","amount":0}}`); code(a) != "bad_op" {
		t.Errorf("%v", a)
	}
}

func TestNodePresenceAndEvents(t *testing.T) {
	_, url := dev(t)
	a, b := startReplica(t, url, "a"), startReplica(t, url, "b")
	a.must(`{"do":"sub","stream":"chat:lobby"}`)
	b.must(`{"do":"sub","stream":"chat:lobby"}`)
	b.must(`{"do":"presence","stream":"chat:lobby","state":{"typing":true}}`)
	e := a.event(func(m map[string]any) bool { return m["event"] == "presence" && len(m["peers"].([]any)) == 1 })
	if got := fmt.Sprint(e["peers"]); got != "[map[client:b state:map[typing:true]]]" {
		t.Errorf("peers: %s", got)
	}
	b.must(`{"do":"emit","stream":"chat:lobby","event":"wave","data":[1]}`)
	if e := a.event(is("message")); e["stream"] != "chat:lobby" || e["client"] != "b" || e["name"] != "wave" || fmt.Sprint(e["data"]) != "[1]" {
		t.Errorf("message: %v", e)
	}
	b.must(`{"do":"presence","stream":"chat:lobby","state":null}`)
	a.event(func(m map[string]any) bool { return m["event"] == "presence" && len(m["peers"].([]any)) == 0 })
}

func TestNodeHistory(t *testing.T) {
	_, url := dev(t)
	n := startReplica(t, url, "n")
	for i := range 5 {
		n.must(`{"do":"push","stream":"log:x","op":{"op":"append","value":%d}}`, i)
	}
	n.must(`{"do":"flush"}`)
	page := n.must(`{"do":"history","stream":"log:x","limit":2}`)
	entries := page["entries"].([]any)
	if len(entries) != 2 || page["more"] != true {
		t.Fatalf("history: %v", page)
	}
	last := entries[1].(map[string]any)
	if last["off"] != 5.0 || last["client"] != "n" || last["seq"] != 5.0 || fmt.Sprint(last["op"]) != "map[op:append value:4]" {
		t.Errorf("the newest entry comes last: %v", last)
	}
	page = n.must(`{"do":"history","stream":"log:x","before":3}`)
	if entries := page["entries"].([]any); len(entries) != 2 || page["more"] != false {
		t.Errorf("the oldest page: %v", page)
	}
}

// Commands are answered one after the other, and one that waits gives up.
func TestNodeWaits(t *testing.T) {
	hub, url := dev(t)
	n := startReplica(t, url, "n", "--timeout", "200ms")
	n.must(`{"do":"offline"}`)
	if a := n.do(`{"do":"get","stream":"counter:value"}`); code(a) != "timeout" {
		t.Errorf("get without a hub: %v", a)
	}
	if a := n.do(`{"do":"sub","stream":"counter:value"}`); code(a) != "timeout" {
		t.Errorf("sub without a hub: %v", a)
	}
	n.must(`{"do":"push","stream":"log:x","op":{"op":"append","value":1}}`)
	begun := time.Now()
	n.send(`{"do":"flush","timeout_ms":300}`)
	n.send(`{"do":"online"}`)
	a := n.answer(n.id - 1)
	if took := time.Since(begun); code(a) != "timeout" || a["pending"] != 1.0 || took < 300*time.Millisecond {
		t.Errorf("flush was answered after %v: %v", took, a)
	}
	n.answer(n.id)
	n.shows("counter:value", 0.0) // the subscription was in force all the time
	if a := n.must(`{"do":"flush","timeout_ms":10000}`); a["pending"] != 0.0 {
		t.Errorf("%v", a)
	}
	n.must(`{"do":"unsub","stream":"counter:value"}`)
	hub.interrupt()
	n.event(func(m map[string]any) bool { return m["event"] == "status" && m["status"] == "offline" })
}

func TestNodeUnsubscribes(t *testing.T) {
	_, url := dev(t)
	n, other := startReplica(t, url, "n"), startReplica(t, url, "other")
	if a := n.must(`{"do":"sub","stream":"counter:value"}`); a["value"] != 0.0 {
		t.Errorf("%v", a)
	}
	n.must(`{"do":"sub","stream":"counter:value"}`) // harmless
	n.must(`{"do":"unsub","stream":"counter:value"}`)
	other.must(`{"do":"push","stream":"counter:value","op":{"op":"increment"}}`)
	other.must(`{"do":"flush"}`)
	for n.must(`{"do":"get","stream":"counter:value"}`)["value"] != 1.0 { // it is opened again, and catches up
		time.Sleep(time.Millisecond)
	}
	if i := slices.IndexFunc(n.events, is("value")); i >= 0 {
		t.Errorf("a value after unsub: %v", n.events[i])
	}
}

func TestNodeRefusesBadCommands(t *testing.T) {
	_, url := dev(t)
	n := startReplica(t, url, "n")
	for _, c := range []struct{ line, code string }{
		{`{"do":"get"`, "bad_json"},
		{`hello`, "bad_json"},
		{``, "bad_json"},
		{`{"do":"get","do":"get","stream":"a"}`, "bad_json"},
		{`[1]`, "bad_message"},
		{`null`, "bad_message"},
		{`{}`, "bad_message"},
		{`{"do":7}`, "bad_message"},
		{`{"do":"get"}`, "bad_message"},
		{`{"do":"get","stream":"a","timout_ms":5}`, "bad_message"},
		{`{"do":"get","stream":"a","Stream":"a"}`, "bad_message"},
		{`{"do":"get","stream":"a","timeout_ms":-1}`, "bad_message"},
		{`{"do":"get","stream":"a","timeout_ms":null}`, "bad_message"},
		{`{"do":"flush","timeout_ms":"soon"}`, "bad_message"},
		{`{"do":"dance"}`, "unknown_type"},
		{`{"do":"get","stream":"a::b"}`, "bad_stream"},
		{`{"do":"push","stream":"a","op":"increment"}`, "bad_op"},
		{`{"do":"push","stream":"a","op":{"n":9007199254740993}}`, "bad_op"},
		{`{"do":"push","stream":"a","op":{"s":"\ud800"}}`, "bad_text"},
		{`{"do":"digest","stream":"never:seen"}`, "not_ready"},
		{`{"do":"emit","stream":"never:seen","event":"e","data":1}`, "not_ready"},
	} {
		io.WriteString(n.in, c.line+"\n")
		if a := n.until(func(m map[string]any) bool { return m["event"] == nil }); code(a) != c.code {
			t.Errorf("%s: %v, want %s", c.line, a, c.code)
		}
	}
	io.WriteString(n.in, `{"do":"dance","id":{"b":[1,2],"a":"x"}}`+"\n")
	if a := n.until(func(m map[string]any) bool { return m["event"] == nil }); fmt.Sprint(a["id"]) != "map[a:x b:[1 2]]" {
		t.Errorf("the id is echoed in errors too: %v", a)
	}
}

func code(a map[string]any) string {
	e, _ := a["error"].(map[string]any)
	s, _ := e["code"].(string)
	return s
}

// The end of stdin flushes; SIGINT does not wait.
func TestNodeEnds(t *testing.T) {
	_, url := dev(t)
	script := `{"do":"push","stream":"counter:value","op":{"op":"increment","amount":7}}` + "\n"
	if r := runNode(t, script, "--url", url); r.code != exitDone || r.err != "" {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, "", "get", "counter:value", "--url", url); r.out != "7\n" {
		t.Errorf("the end of stdin lost the op: %+v", r)
	}
	r := runNode(t, `{"do":"offline"}`+"\n"+script, "--url", url, "--timeout", "200ms")
	if r.code != exitFailed || !strings.Contains(r.err, "not acked 1 op") {
		t.Errorf("ops that are lost are told: %+v", r)
	}
	n := startReplica(t, url, "n")
	n.must(`{"do":"offline"}`)
	n.send(`{"do":"get","stream":"a"}`) // waits
	n.interrupt()
	begun := time.Now()
	if code := n.wait(); code != exitInterrupted || time.Since(begun) > 2*time.Second {
		t.Errorf("exit status %d after %v", code, time.Since(begun))
	}
}

// The page and the program name the same commands.
func TestNodePage(t *testing.T) {
	page := readFile(t, "../../docs/node.md")
	_, url := dev(t)
	n := startReplica(t, url, "n")
	msg := n.do(`{"do":"?"}`)["error"].(map[string]any)["msg"].(string)
	_, list, _ := strings.Cut(msg, "one of ")
	names := strings.Fields(list)
	if len(names) < 13 {
		t.Fatalf("%d commands: %s", len(names), msg)
	}
	for _, name := range names {
		if !strings.Contains(page, "\n| `"+name+"` |") {
			t.Errorf("docs/node.md lacks the command %s", name)
		}
		if a := n.do(`{"do":%q,"surplus":1}`, name); code(a) != "bad_message" && code(a) != "bad_stream" {
			t.Errorf("%s is listed and answered with %v", name, a)
		}
	}
	for _, event := range []string{"status", "value", "rejected", "recovered", "presence", "message", "discontinuity", "replaced", "refused", "missed"} {
		if !strings.Contains(page, "\n| `"+event+"` |") {
			t.Errorf("docs/node.md lacks the event %s", event)
		}
	}
}
