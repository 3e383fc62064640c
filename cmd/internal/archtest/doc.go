// Package archtest holds the rules of the project's structure as tests:
// who may import whom, what stands at the top, what is documented, what code
// may not do. It has no code of its own.
//
// The tests read the Go files themselves instead of asking "go list", whose
// answer the test cache does not see: a cached "ok" would hide a broken rule.
// Each rule is tried on small bad examples first, so that a rule which finds
// nothing is known to look.
//
// Rules are listed in rules_test.go. Those marked as advice are printed with
// "go test -v" and do not fail.
package archtest
