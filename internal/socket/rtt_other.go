//go:build !linux

package socket

import "time"

// RTT is not known on this system; see the one for Linux.
func (s *Socket) RTT() (time.Duration, bool) { return 0, false }
