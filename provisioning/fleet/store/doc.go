// Package store is the truth of the fleet's server, in SQLite or PostgreSQL.
//
// What a kiosk tells is counted exactly once: its events come at least once,
// and (kiosk, epoch, number) is a primary key that is written in the same
// transaction as the counters. When old events are pruned their outbox keeps a
// high-water mark, so that they are refused for ever.
//
// Isolation: a method that takes a fleet.Scope filters by it in SQL, and what
// is outside the scope is fleet.ErrNotFound, as if it were not there. Methods
// without one serve the server itself, for a kiosk that its key has named or a
// person who is logging in.
//
// Nothing that is stored tells one visit from another: events keep no content
// and the time of their slot, and counters are sums of slots.
package store
