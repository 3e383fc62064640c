package link_test

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"
)

// After all tests, whatever they started has ended.
func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	for end := time.Now().Add(40 * time.Second); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			b := make([]byte, 1<<20)
			fmt.Printf("%d goroutines, %d before\n%s\n", runtime.NumGoroutine(), before, b[:runtime.Stack(b, true)])
			os.Exit(1)
		}
	}
	os.Exit(code)
}
