package crdt

// Editor is implemented by states whose ops people cannot write by hand: the
// replica that edits turns what was asked for, in positions, into the op that is
// sent and committed. Clients do that themselves; for clients that only speak
// positions the hub does.
type Editor interface {
	State

	// Positional reports whether body asks for an edit in positions. Such a body
	// goes through Edit first; Check refuses it and Apply ignores it.
	Positional(body []byte) bool

	// Edit makes the edit that op.Body asks for, applies it to the state, and
	// returns the body to commit in its place. Positions count in what the author
	// saw: the stream up to op.At and the author's own ops. since holds the other
	// ops above op.At, and the author's, that the state contains already, in
	// order. author is the document client that makes the edit; nobody else may
	// use it. On error the state is unchanged.
	Edit(op Op, since []Op, author uint64) ([]byte, error)

	// Carry returns the body of an op that follows refused ones of its writer.
	// Later edits refer to what the refused ones inserted, so that stays, as
	// deleted content, and travels with the next op that is an update: for any
	// other one Carry fails. What was refused for being no update brings nothing.
	Carry(refused [][]byte, next []byte) ([]byte, error)

	// Taken reports whether somebody else uses the document client author.
	Taken(author uint64) bool
}
