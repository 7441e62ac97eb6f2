package ydoc

import "fmt"

// Vet says what [Doc.Apply] would, and changes nothing. Where Apply would keep
// something waiting, it returns [ErrMissing], or [ErrInvalid] if parts of the
// update wait for each other: what they wait for can then never come. It costs
// about what Apply costs.
func (d *Doc) Vet(update []byte) error {
	if d.tx.depth > 0 {
		return errNested
	}
	if d.typesOn(update) {
		return nil
	}
	var in inbox
	if err := in.check(update, &d.limits); err != nil {
		return err
	}
	missing, err := d.missing(&in)
	switch {
	case err != nil:
		return err
	case in.circle:
		return errCircle
	case missing:
		return fmt.Errorf("%w: send what comes before it first", ErrMissing)
	}
	if err := d.in.check(update, &d.limits); err != nil {
		return err
	}
	d.begin(false)
	d.budget = d.limits.Work
	waiting := d.pending
	err = d.receive()
	d.rollback()
	d.pending = waiting
	return err
}
