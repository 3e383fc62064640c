package people_test

import "testing"

func newStore(t *testing.T) kept {
	t.Helper()
	return newMemory()
}
