package wire

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// decode reads a line as its side of the conversation does.
func decode(d *Decoder, from, line string) (any, error) {
	if from == "client" {
		m, err := d.Client([]byte(line))
		return m, err
	}
	m, err := d.Hub([]byte(line))
	return m, err
}

func TestRoundTrip(t *testing.T) {
	sides := map[string][]sample{"client": clientSamples(), "hub": hubSamples()}
	for from, samples := range sides {
		var d Decoder // one for all, so that nothing of a message stays in it
		for _, s := range samples {
			t.Run(from+"/"+s.name, func(t *testing.T) {
				if got := string(s.m.Append(nil)); got != s.line {
					t.Errorf("encoded\n got %s\nwant %s", got, s.line)
				}
				if got := string(s.m.Append([]byte("before"))); got != "before"+s.line {
					t.Errorf("appended\n got %s\nwant before%s", got, s.line)
				}
				canonical, err := Canonical(nil, []byte(s.line))
				if err != nil || string(canonical) != s.line {
					t.Errorf("the line is not canonical: %s, %v", canonical, err)
				}
				got, err := decode(&d, from, s.line)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(any(s.m), got, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("decoded (-want +got):\n%s", diff)
				}
			})
		}
	}
}
