package ydoc

import "fmt"

// Vet says what [Doc.Apply] would, and changes nothing. Where Apply would keep
// something waiting, it returns [ErrMissing]. It costs about what Apply costs.
func (d *Doc) Vet(update []byte) error {
	if d.tx.depth > 0 {
		return errNested
	}
	if d.typesOn(update) {
		return nil
	}
	missing, err := d.Missing(update)
	if err != nil {
		return err
	}
	if missing {
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
