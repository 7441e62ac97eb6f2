package store

// Revocation says that tokens may be used no more: one by its id, or all that a
// subject was given. Times are in seconds since 1970, of the clock of the hub
// that revoked.
type Revocation struct {
	Number uint64 // from 1, grows with each

	// Token is the id of the one token; empty: all of Subject that were issued
	// at Made or before, or do not say when.
	Token   string
	Subject string

	Made  int64
	Until int64 // when the last of these tokens has expired
}
