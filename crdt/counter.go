package crdt

// counter is a PN-Counter (Shapiro et al., A comprehensive study of Convergent
// and Commutative Replicated Data Types, 2011): per client how much it added and
// how much it took away. The hub may fold the totals of clients that were idle
// for long into one base, so that the state does not grow with every client
// there ever was.
type counter struct{ plus, minus ledger }

func newCounter() *counter { return &counter{newLedger(), newLedger()} }

func (c *counter) side(name []byte) *ledger {
	if string(name) == "increment" {
		return &c.plus
	}
	return &c.minus
}

func (c *counter) Check(op Op) (int, error) {
	var o object
	if err := o.read(op); err != nil {
		return 0, err
	}
	switch string(o.name) {
	case "increment", "decrement":
		n, ok := amount(&o)
		if !ok {
			return 0, Errorf(BadOp, `the only field of this op is "amount", an integer from 1 to 2^53−1; without it the amount is 1`)
		}
		return c.side(o.name).check(op.Writer.Client, n)
	case "fold":
		if !foldable(&o) {
			return 0, Errorf(BadOp, `the only field of fold is "clients", an array of client ids`)
		}
		return 0, nil // moving a total into base never makes the encoding longer
	case "initial":
		fresh, err := initialCounter(&o)
		if err != nil {
			return 0, err
		}
		return fresh.Size() - c.Size(), nil
	}
	return 0, o.unknown()
}

func (c *counter) Apply(op Op) {
	var o object
	if o.read(op) != nil {
		return
	}
	switch string(o.name) {
	case "increment", "decrement":
		if n, ok := amount(&o); ok {
			c.side(o.name).add(op.Writer.Client, n)
		}
	case "fold":
		c.fold(&o)
	case "initial":
		if fresh, err := initialCounter(&o); err == nil {
			*c = *fresh
		}
	}
}

// amount reads the amount of an increment or decrement.
func amount(o *object) (total, bool) {
	if o.n == 0 {
		return total{lo: 1}, true
	}
	n, ok := parseInteger(o.get("amount"))
	return total{lo: n}, ok && n > 0 && o.only("amount")
}

func (c *counter) fold(o *object) {
	if !foldable(o) {
		return
	}
	r := reader{rest: o.get("clients")}
	for range r.items("[", "]") {
		client := unescape(unquote(r.value()))
		c.plus.fold(client)
		c.minus.fold(client)
	}
}

// foldable reports whether a fold is well formed.
func foldable(o *object) bool {
	r := reader{rest: o.get("clients")}
	for range r.items("[", "]") {
		r.text(maxID)
	}
	return o.exactly("clients") && !r.bad
}

// initialCounter is the state that an initial op names: a number, or totals per
// client.
func initialCounter(o *object) (*counter, error) {
	refused := Errorf(BadOp, `an initial counter is an integer (beyond 2^53−1 a decimal string), or an object "increments" and "decrements" of such amounts by client`)
	value := o.get("value")
	if !o.exactly("value") {
		return nil, refused
	}
	c := newCounter()
	if value[0] != '{' {
		negative, n, ok := parseAmount(value)
		if !ok {
			return nil, refused
		}
		side := &c.plus
		if negative {
			side = &c.minus
		}
		side.base, side.sum = n, n
		return c, nil
	}
	r := reader{rest: value}
	for range r.items("{", "}") {
		var side *ledger
		switch r.text(maxID) {
		case "increments":
			side = &c.plus
		case "decrements":
			side = &c.minus
		default:
			return nil, refused
		}
		r.want(":")
		if err := r.amounts(side); err != nil {
			return nil, err
		}
	}
	if r.bad {
		return nil, refused
	}
	return c, nil
}

// amounts reads an object from client to amount into l.
func (r *reader) amounts(l *ledger) error {
	for range r.items("{", "}") {
		client := r.text(maxID)
		r.want(":")
		negative, n, ok := parseAmount(r.value())
		if !ok || negative {
			r.fail()
			return nil
		}
		if _, err := l.check(client, n); err != nil {
			return err
		}
		l.add(client, n)
	}
	return nil
}

// parseAmount reads a canonical JSON integer, or a decimal string.
func parseAmount(value []byte) (negative bool, n total, ok bool) {
	if text := unquote(value); text != nil {
		value = text
	}
	if len(value) > 0 && value[0] == '-' {
		negative, value = true, value[1:]
	}
	n, ok = parseTotal(value)
	return negative, n, ok && !(negative && n.zero())
}

func (c *counter) Clone() State {
	return &counter{c.plus.clone(), c.minus.clone()}
}

func (c *counter) AppendState(b []byte) []byte {
	b = append(b, `{"base":["`...)
	b = c.plus.base.appendDecimal(b)
	b = append(b, `","`...)
	b = c.minus.base.appendDecimal(b)
	b = append(b, `"],"dec":`...)
	b = c.minus.append(b)
	b = append(b, `,"inc":`...)
	b = c.plus.append(b)
	return append(b, `,"v":1}`...)
}

func (c *counter) Size() int {
	return len(`{"base":["",""],"dec":,"inc":,"v":1}`) +
		c.plus.base.digits() + c.minus.base.digits() +
		c.plus.encodedLen() + c.minus.encodedLen()
}

func decodeCounter(encoded []byte) (State, error) {
	r := reader{rest: encoded}
	c := &counter{}
	r.want(`{"base":[`)
	plus := r.total()
	r.want(",")
	minus := r.total()
	r.want(`],"dec":`)
	c.minus = r.ledger(minus)
	r.want(`,"inc":`)
	c.plus = r.ledger(plus)
	r.want(`,"v":1}`)
	if err := r.err(Counter, encoded); err != nil {
		return nil, err
	}
	return c, nil
}

// AppendValue appends increments less decrements: a number, or a decimal string
// where a JSON number would lose digits.
func (c *counter) AppendValue(b []byte) []byte {
	plus, minus := c.plus.sum, c.minus.sum
	sign := ""
	if plus.less(minus) {
		plus, minus, sign = minus, plus, "-"
	}
	n := plus.minus(minus)
	if n.hi == 0 && n.lo <= maxInteger {
		return n.appendDecimal(append(b, sign...))
	}
	b = append(b, '"')
	b = append(b, sign...)
	b = n.appendDecimal(b)
	return append(b, '"')
}
