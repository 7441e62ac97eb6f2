//go:build unix

package socket

import (
	"errors"
	"syscall"
)

// errWouldBlock is what readNow and writeNow answer instead of waiting.
const errWouldBlock = syscall.EAGAIN

// descriptor is the connection's descriptor for readNow and writeNow.
func descriptor(c syscall.Conn) syscall.RawConn {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// readNow reads what is there.
func readNow(fd uintptr, b []byte) (int, error) {
	for {
		n, err := syscall.Read(int(fd), b)
		if !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}

// writeNow writes what the kernel takes.
func writeNow(fd uintptr, b []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), b)
		if !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}
