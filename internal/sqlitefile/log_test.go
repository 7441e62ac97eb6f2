package sqlitefile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
)

const page = 512

// someLog is a write-ahead log of commits, one page each.
func someLog(commits int) []byte {
	log := binary.BigEndian.AppendUint32(nil, 0x377f0682)
	log = binary.BigEndian.AppendUint32(log, 3007000)
	log = binary.BigEndian.AppendUint32(log, page)
	log = append(log, "...\x00salt7890"...)
	sum := logSum{order: binary.LittleEndian}
	seal := func(data ...[]byte) {
		for _, d := range data {
			sum.add(d)
		}
		log = binary.BigEndian.AppendUint32(log, sum.a)
		log = binary.BigEndian.AppendUint32(log, sum.b)
	}
	seal(log)
	for i := range commits {
		begin := binary.BigEndian.AppendUint32(nil, 1)
		begin = binary.BigEndian.AppendUint32(begin, 1) // not 0: a commit
		content := bytes.Repeat([]byte{byte(i + 1)}, page)
		log = append(append(log, begin...), "salt7890"...)
		seal(begin, content)
		log = append(log, content...)
	}
	return log
}

// A flipped bit is told from the torn end of a log by the commits that follow.
func TestCutShort(t *testing.T) {
	const commits = 5
	if CutShort(bytes.NewReader(someLog(commits))) {
		t.Fatal("a sound log is called cut short")
	}
	for frame := range commits {
		for _, at := range []int{0, 9, 17, frameHeader, frameHeader + page - 1} {
			t.Run(fmt.Sprintf("frame %d, byte %d", frame, at), func(t *testing.T) {
				log := someLog(commits)
				log[logHeader+frame*(frameHeader+page)+at] ^= 0x10
				behind := commits - frame // commits from the damage on
				if at == 9 {
					behind-- // its salt: the frame itself looks left over
				}
				if got, want := CutShort(bytes.NewReader(log)), behind >= 2; got != want {
					t.Errorf("cut short: %v, want %v", got, want)
				}
			})
		}
	}
	for length := range len(someLog(commits)) { // torn anywhere
		if CutShort(bytes.NewReader(someLog(commits)[:length])) {
			t.Fatalf("a log that ends after %d bytes is called cut short", length)
		}
	}
	old := someLog(commits)
	copy(old, someLog(2)) // begun anew: the frames behind are left over
	for i := 2; i < commits; i++ {
		copy(old[logHeader+i*(frameHeader+page)+8:], "pepper78")
	}
	if CutShort(bytes.NewReader(old)) {
		t.Error("frames from before the log was begun anew are taken for its own")
	}
}

// No bytes panic it or make it allocate more than a page.
func FuzzCutShort(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, logHeader))
	f.Add(someLog(3))
	f.Fuzz(func(t *testing.T, log []byte) { CutShort(bytes.NewReader(log)) })
}
