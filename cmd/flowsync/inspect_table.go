package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// write prints the inspection for people: a line a stream, and the sum.
func (in *inspection) write(w io.Writer, paint palette, file string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "stream\trule\toffsets\tsnapshots\twriters\tsize\tdigest")
	for i := range in.streams {
		s := &in.streams[i]
		if s.Damage != "" {
			fmt.Fprintf(table, "%s\t%s\t%s\t\t\t\tdamaged\n", s.Stream, s.Rule, s.offsets())
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%s\t%.12s\n", s.Stream, s.Rule, s.offsets(), len(s.Snapshots), s.Writers, size(s.Bytes), s.Digest)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for i := range in.streams {
		if s := &in.streams[i]; s.Damage != "" {
			fmt.Fprintf(w, "%s %s: %s\n", paint.bad("✗"), s.Stream, s.Damage)
		} else if s.Value != nil {
			fmt.Fprintf(w, "%s\n", s.Value)
		}
	}
	if in.bad > 0 || in.damage != nil {
		return nil // the verdict says it
	}
	_, err := fmt.Fprintf(w, "%s %s: %s, %s, %s, all sound\n", paint.good("✓"), file, plural(len(in.streams), "stream"), plural(int(in.ops), "op"), size(in.bytes))
	return err
}

// offsets is what the log holds.
func (s *streamReport) offsets() string {
	if s.First > s.Head {
		return "-"
	}
	return fmt.Sprintf("%d-%d", s.First, s.Head)
}

// size writes a number of bytes for people.
func size(n int64) string {
	const kilo = 1 << 10
	switch {
	case n < kilo:
		return fmt.Sprintf("%d B", n)
	case n < kilo*kilo:
		return fmt.Sprintf("%.1f KiB", float64(n)/kilo)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(kilo*kilo))
}
