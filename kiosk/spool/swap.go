package spool

import (
	"fmt"
	"os"
	"strings"
)

// SwapActive says whether the machine may write memory, and with it a
// visitor's pages, to a disk. Swap in compressed memory (zram) does not count.
func SwapActive() (bool, error) {
	data, err := os.ReadFile("/proc/swaps")
	if os.IsNotExist(err) { // a kernel without swap
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("spool: swap: %w", err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	for _, l := range lines[1:] { // below the header
		if !strings.HasPrefix(l, "/dev/zram") {
			return true, nil
		}
	}
	return false, nil
}
