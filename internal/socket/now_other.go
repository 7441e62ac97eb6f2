//go:build !unix

package socket

import (
	"errors"
	"syscall"
)

// Without descriptors that do not wait, descriptor answers nil, and a writer
// takes the place of the other two.

var errWouldBlock = errors.New("the call would wait")

func descriptor(syscall.Conn) syscall.RawConn { return nil }

func readNow(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }

func writeNow(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }
