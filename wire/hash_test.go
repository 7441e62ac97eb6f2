package wire

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

type writerVector struct {
	Prev string `json:"prev"`
	Seq  uint64 `json:"seq"`
	Op   string `json:"op"`
	Hash string `json:"hash"`
}

type opVector struct {
	Client string `json:"client"`
	Inc    string `json:"inc"`
	Seq    uint64 `json:"seq"`
	At     uint64 `json:"at"`
	Op     string `json:"op"`
	Hash   string `json:"hash"`
	Chain  string `json:"chain"` // after this op; the first follows 32 bytes 0x11
}

type cursorVector struct {
	Key    string `json:"key"`
	Stream string `json:"stream"`
	Epoch  string `json:"epoch"`
	Offset uint64 `json:"offset"`
	Chain  string `json:"chain"`
	Cursor string `json:"cursor"`
}

func TestHashVectors(t *testing.T) {
	var file struct {
		Writer  []writerVector `json:"writer"`
		Ops     []opVector     `json:"ops"`
		Cursors []cursorVector `json:"cursors"`
	}
	ops := []string{`{"amount":5,"op":"increment"}`, `{"op":"add","value":"é😀"}`, `{"op":"append","value":"` + strings.Repeat("x", 300) + `"}`}
	seqs := []uint64{1, 2, 5} // 3 and 4 were rejected

	var h [8]byte
	chain := [32]byte(bytes.Repeat([]byte{0x11}, 32))
	for i, op := range ops {
		next := WriterHash(h, seqs[i], []byte(op))
		file.Writer = append(file.Writer, writerVector{FormatHash(h), seqs[i], op, FormatHash(next)})
		h = next

		client := []string{"tab-1", "hub:initial", strings.Repeat("c", 128)}[i]
		sum := OpHash(client, "00000000000000a1", seqs[i], uint64(40*i), []byte(op))
		chain = ChainNext(chain, sum)
		file.Ops = append(file.Ops, opVector{client, "00000000000000a1", seqs[i], uint64(40 * i), op, hex.EncodeToString(sum[:]), hex.EncodeToString(chain[:])})

		key := [32]byte(bytes.Repeat([]byte{byte(0x22 + i)}, 32))
		stream := []string{"counter:value", "a", strings.TrimSuffix(strings.Repeat(strings.Repeat("s", 31)+":", 8), ":")}[i]
		offset := []uint64{0, 42, MaxSafeInt}[i]
		c := SignCursor(key, stream, "0123456789abcdef", offset, chain)
		file.Cursors = append(file.Cursors, cursorVector{hex.EncodeToString(key[:]), stream, "0123456789abcdef", offset, hex.EncodeToString(chain[:]), c.String()})
	}
	requireVectors(t, "hashes.json", file)
}

// TestHashesFollowThePage computes what docs/protocol.md section 3 says in the
// plainest way.
func TestHashesFollowThePage(t *testing.T) {
	op := []byte(`{"amount":5,"op":"increment"}`)
	prev := [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
	seq := binary.BigEndian.AppendUint64(nil, 300)
	at := binary.BigEndian.AppendUint64(nil, 299)

	want := sha256.Sum256(bytes.Join([][]byte{prev[:], seq, op}, nil))
	if got := WriterHash(prev, 300, op); !bytes.Equal(got[:], want[:8]) {
		t.Errorf("writer hash %x, want %x", got, want[:8])
	}

	want = sha256.Sum256(bytes.Join([][]byte{{5}, []byte("tab-1"), {16}, []byte("00000000000000a1"), seq, at, op}, nil))
	opHash := OpHash("tab-1", "00000000000000a1", 300, 299, op)
	if opHash != want {
		t.Errorf("op hash %x, want %x", opHash, want)
	}

	chain := [32]byte{9}
	want = sha256.Sum256(append(chain[:], opHash[:]...))
	if got := ChainNext(chain, opHash); got != want {
		t.Errorf("chain %x, want %x", got, want)
	}

	key := [32]byte(bytes.Repeat([]byte("k"), 32))
	signed := fmt.Sprintf("0123456789abcdef.42.%x", chain[:4])
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte("counter:value\x00" + signed))
	wantCursor := fmt.Sprintf("%s.%x", signed, mac.Sum(nil)[:8])
	if got := SignCursor(key, "counter:value", "0123456789abcdef", 42, chain).String(); got != wantCursor {
		t.Errorf("cursor %s, want %s", got, wantCursor)
	}
}

func TestCursor(t *testing.T) {
	key, chain := [32]byte{1}, [32]byte{2}
	c := SignCursor(key, "a:b", "0123456789abcdef", 42, chain)
	back, ok := ParseCursor(c.String())
	if !ok || back != c {
		t.Fatalf("parsed %v %+v, want %+v", ok, back, c)
	}
	if !back.Verify(key, "a:b") || !back.Fits(chain) {
		t.Error("own cursor refused")
	}
	if back.Fits([32]byte{3}) {
		t.Error("cursor fits another chain")
	}
	if back.Verify([32]byte{2}, "a:b") || back.Verify(key, "a:c") {
		t.Error("cursor of another key or stream accepted")
	}
	for name, forge := range map[string]func(*Cursor){
		"epoch":  func(c *Cursor) { c.Epoch = "1123456789abcdef" },
		"offset": func(c *Cursor) { c.Offset++ },
		"check":  func(c *Cursor) { c.Check[3] ^= 1 },
		"mac":    func(c *Cursor) { c.Mac[7] ^= 1 },
	} {
		forged := c
		if forge(&forged); forged.Verify(key, "a:b") {
			t.Errorf("forged %s accepted", name)
		}
	}
}

func TestParseCursorRefuses(t *testing.T) {
	good := "0123456789abcdef.42.89abcdef.0011223344556677"
	if _, ok := ParseCursor(good); !ok {
		t.Fatal("good cursor refused")
	}
	for _, bad := range []string{
		"", ".", "...", "x", good + ".", good + "0", "." + good, strings.ToUpper(good), " " + good,
		"0123456789abcde.42.89abcdef.0011223344556677", "0123456789abcdef..89abcdef.0011223344556677",
		"0123456789abcdef.042.89abcdef.0011223344556677", "0123456789abcdef.-1.89abcdef.0011223344556677",
		"0123456789abcdef.+1.89abcdef.0011223344556677", "0123456789abcdef.1e3.89abcdef.0011223344556677",
		"0123456789abcdef.9007199254740992.89abcdef.0011223344556677", "0123456789abcdef.42.89abcdeg.0011223344556677",
		"0123456789abcdef.42.89abcdef.001122334455667", "0123456789abcdef.42.0011223344556677",
	} {
		if c, ok := ParseCursor(bad); ok {
			t.Errorf("%q accepted as %+v", bad, c)
		}
	}
}

func TestParseHash(t *testing.T) {
	h, ok := ParseHash("00ff10a00b0c0d0e")
	if !ok || h != [8]byte{0, 0xff, 0x10, 0xa0, 0x0b, 0x0c, 0x0d, 0x0e} || FormatHash(h) != "00ff10a00b0c0d0e" {
		t.Errorf("got %x, %v", h, ok)
	}
	if h, ok := ParseHash(""); !ok || h != [8]byte{} {
		t.Error("the empty hash is H(0)")
	}
	for _, bad := range []string{"0", "00FF10A00B0C0D0E", "00ff10a00b0c0d0", "00ff10a00b0c0d0e0", "00ff10a00b0c0d0g"} {
		if _, ok := ParseHash(bad); ok || ValidInc(bad) {
			t.Errorf("%q accepted", bad)
		}
	}
}
