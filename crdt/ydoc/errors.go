package ydoc

import (
	"errors"
	"fmt"
)

// Errors of this package; branch on them with errors.Is. An error says more
// than its kind, and never repeats content.
var (
	// ErrInvalid: the input is not an update, state vector, anchor or value as
	// Yjs writes them, or refers to what cannot be (itself, its own future, a
	// neighbour in another list). The document is unchanged.
	ErrInvalid = errors.New("ydoc: invalid")

	// ErrConflict: the update gives other content to ids that the document
	// already has. Two editors used the same client id. The document is unchanged.
	ErrConflict = errors.New("ydoc: ids already used for other content")

	// ErrLimit: the input is beyond one of [Limits]. The document is unchanged.
	ErrLimit = errors.New("ydoc: limit exceeded")

	// ErrRange: a position or length is outside of the text or list.
	ErrRange = errors.New("ydoc: position out of range")

	// ErrMissing: the update depends on ids that the document does not have. Only
	// [Doc.Vet] says so; Apply keeps such an update waiting.
	ErrMissing = errors.New("ydoc: something that the update depends on is missing")

	// ErrText: text in the update is not UTF-8, or holds half of a surrogate pair.
	// It is an ErrInvalid too.
	ErrText = errors.New("ydoc: text is not valid Unicode")

	// ErrDeleted: the shared type of a handle is no longer in the document.
	ErrDeleted = errors.New("ydoc: shared type was deleted")
)

var (
	errNotUTF8   = fmt.Errorf("%w: a string is not UTF-8; replace what is broken before inserting it", ErrInvalid)
	errBadText   = fmt.Errorf("%w: %w; replace what is broken", ErrInvalid, ErrText)
	errTwice     = fmt.Errorf("%w: an object names a member twice; keep one", ErrInvalid)
	errShared    = fmt.Errorf("%w: a shared type cannot be inserted as a value; make a new one with methods such as SetMap", ErrInvalid)
	errDeepValue = fmt.Errorf("%w: a value nests deeper than Limits.Depth", ErrLimit)
	errCircle    = fmt.Errorf("%w: parts of the update depend on each other in a circle; no editor makes that", ErrInvalid)
	errNested    = fmt.Errorf("%w: Apply was called inside of Transact; apply before or after it", ErrInvalid)
)
