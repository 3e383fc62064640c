package drivertest

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

// Main runs a package's tests and returns the exit code for its TestMain. It
// fails when a test leaves a goroutine behind.
func Main(m *testing.M) int {
	before := runtime.NumGoroutine()
	code := m.Run()
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if code == 0 && runtime.NumGoroutine() > before {
		stacks := make([]byte, 1<<20)
		fmt.Printf("goroutines left:\n%s\n", stacks[:runtime.Stack(stacks, true)])
		code = 1
	}
	return code
}
