package socket

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// RTT is how long a segment and its acknowledgement take to the client and back,
// as the kernel last measured it; for a client behind a proxy, to the proxy.
// False where it is not known: connections that are not TCP, and systems other
// than Linux.
func (s *Socket) RTT() (time.Duration, bool) {
	tcp, ok := plainConn(s.conn).(*net.TCPConn)
	if !ok {
		return 0, false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return 0, false
	}
	var info *unix.TCPInfo
	var failed error
	if err := raw.Control(func(fd uintptr) {
		info, failed = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	}); err != nil || failed != nil {
		return 0, false
	}
	return time.Duration(info.Rtt) * time.Microsecond, true
}
