package ref

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"math"
	"math/big"
	"strconv"
)

// Counter is a reference to a crdt-counter stream: an integer that everyone may
// add to and subtract from.
type Counter struct{ stream }

// NewCounter refers to a stream.
func NewCounter(in Streams, name string) Counter { return Counter{stream{in, name}} }

// maxAmount is the greatest amount of one op: 2^53−1.
const maxAmount = 1<<53 - 1

// amountOp is a counter's op. Fields of ops are in canonical order, which spares
// sorting them.
type amountOp struct {
	Amount uint64 `json:"amount"`
	Op     string `json:"op"`
}

// Add adds n, which may be negative. Adding 0 does nothing. Each call is one op,
// so |n| is at most 2^53−1.
func (c Counter) Add(ctx context.Context, n int64) error {
	if n == 0 {
		return nil
	}
	op := amountOp{Op: "increment", Amount: uint64(n)}
	if n < 0 {
		op = amountOp{Op: "decrement", Amount: -uint64(n)}
	}
	if op.Amount > maxAmount {
		return errors.New("one op adds at most 2^53-1: call Add more than once")
	}
	return c.in.Push(ctx, c.name, op)
}

// Value returns the sum. It fails when the sum does not fit an int64; Big reads
// any.
func (c Counter) Value(ctx context.Context) (int64, error) {
	raw, err := c.in.Get(ctx, c.name)
	if err != nil {
		return 0, err
	}
	return parseInt(raw)
}

// Big returns the sum, which counters keep exact up to ±10^38.
func (c Counter) Big(ctx context.Context) (*big.Int, error) {
	raw, err := c.in.Get(ctx, c.name)
	if err != nil {
		return nil, err
	}
	return parseBig(raw)
}

// Watch yields the sum now and after each change.
func (c Counter) Watch(ctx context.Context) iter.Seq2[int64, error] {
	return watch(ctx, c.stream, parseInt)
}

func parseInt(raw json.RawMessage) (int64, error) {
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return n, nil
	}
	b, err := parseBig(raw)
	if err != nil {
		return 0, err
	}
	if !b.IsInt64() {
		return 0, errors.New("the sum is beyond ±" + strconv.FormatInt(math.MaxInt64, 10) + ": read it with Big")
	}
	return b.Int64(), nil
}

// parseBig reads a sum: a JSON number, or a decimal string beyond ±(2^53−1).
func parseBig(raw json.RawMessage) (*big.Int, error) {
	digits := string(raw)
	if len(digits) > 2 && digits[0] == '"' {
		digits = digits[1 : len(digits)-1]
	}
	b, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		return nil, errors.New("the stream's value is no integer: it is not a crdt-counter")
	}
	return b, nil
}
