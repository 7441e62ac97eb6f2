package cross

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// lines is a replica that is driven by the JSON lines of docs/node.md, and by
// what starts and ends it.
type lines struct {
	t      *testing.T
	client string
	used   []string
	begin  func() // starts it on its queue
	kill   func() // ends it as a crash would
	send   func(line string)
	// answer returns the next answer, nil if its process is gone.
	answer func() []byte
}

// reply is an answer.
type reply struct {
	OK       bool `json:"ok"`
	Error    *struct{ Code, Msg string }
	Value    json.RawMessage `json:"value"`
	Digest   string          `json:"digest"`
	Cursor   string          `json:"cursor"`
	Status   string          `json:"status"`
	Pending  int             `json:"pending"`
	Rejected json.RawMessage `json:"rejected"`
}

// read takes the next answer.
func (l *lines) read() (reply, bool) {
	l.t.Helper()
	var r reply
	line := l.answer()
	if line == nil {
		return r, false
	}
	if err := json.Unmarshal(line, &r); err != nil {
		l.t.Fatalf("%s: %v in %s", l.client, err, line)
	}
	if r.Error != nil && r.Error.Code == "internal" {
		l.t.Fatalf("%s: %s", l.client, r.Error.Msg)
	}
	return r, true
}

func (l *lines) do(format string, args ...any) reply {
	l.t.Helper()
	l.send(fmt.Sprintf(format, args...))
	r, ok := l.read()
	if !ok {
		l.t.Fatalf("%s ended before it answered", l.client)
	}
	return r
}

// must carries out a command that cannot fail.
func (l *lines) must(format string, args ...any) reply {
	l.t.Helper()
	r := l.do(format, args...)
	if r.Error != nil {
		l.t.Fatalf("%s: %s: %v", l.client, fmt.Sprintf(format, args...), *r.Error)
	}
	return r
}

func (l *lines) name() string { return l.client }

func (l *lines) use(stream string) {
	l.used = append(l.used, stream)
	l.do(`{"do":"get","stream":%q,"timeout_ms":0}`, stream)
}

func (l *lines) push(stream string, ops []string) []verdict {
	for _, op := range ops {
		l.send(fmt.Sprintf(`{"do":"push","stream":%q,"op":%s}`, stream, op))
	}
	return l.verdicts(len(ops))
}

func (l *lines) verdicts(n int) []verdict {
	verdicts := make([]verdict, n)
	for i := range verdicts {
		switch r, ok := l.read(); {
		case !ok:
			verdicts[i] = unknown
		case r.Error != nil:
			verdicts[i] = refused
		}
	}
	return verdicts
}

func (l *lines) setOffline(offline bool) {
	if offline {
		l.must(`{"do":"offline"}`)
	} else {
		l.must(`{"do":"online"}`)
	}
}

func (l *lines) look(stream string) (shown, bool) {
	r := l.do(`{"do":"digest","stream":%q}`, stream)
	return shown{digest: r.Digest, cursor: r.Cursor}, r.Error == nil
}

func (l *lines) value(stream string) (string, error) {
	r := l.do(`{"do":"get","stream":%q,"timeout_ms":%d}`, stream, patience.Milliseconds())
	if r.Error != nil {
		return "", fmt.Errorf("%s: %s", r.Error.Code, r.Error.Msg)
	}
	return string(r.Value), nil
}

func (l *lines) flush() error {
	if r := l.do(`{"do":"flush","timeout_ms":%d}`, patience.Milliseconds()); r.Error != nil {
		return fmt.Errorf("%s: %s", r.Error.Code, r.Error.Msg)
	}
	return nil
}

func (l *lines) status() string { return l.must(`{"do":"status"}`).Status }

func (l *lines) pending() int { return l.must(`{"do":"status"}`).Pending }

func (l *lines) rejected() []letter {
	var letters []letter
	if err := json.Unmarshal(l.must(`{"do":"rejected"}`).Rejected, &letters); err != nil {
		l.t.Fatal(err)
	}
	return letters
}

func (l *lines) restart() {
	l.kill()
	l.begin()
	for _, stream := range l.used {
		l.do(`{"do":"get","stream":%q,"timeout_ms":0}`, stream)
	}
}

func (l *lines) close() { l.kill() }
