package outbox

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"pointnum/provisioning"
)

// Clock is what a machine knows of time. Its functions can be called at the
// same time.
type Clock struct {
	Now func() time.Time // by the wall clock, right or wrong
	// Boot names the present start of the machine, and says how long ago it
	// was, with the time it slept.
	Boot func() (id string, up time.Duration)
}

func (c Clock) orMachine() Clock {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Boot == nil {
		id := bootID()
		c.Boot = func() (string, time.Duration) {
			var t unix.Timespec
			if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
				return id, 0
			}
			return id, time.Duration(t.Nano())
		}
	}
	return c
}

// bootID is the kernel's name for this boot (random(4)).
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(b))
}

// stamp is a moment as the kiosk knows it, in µs.
type stamp struct {
	wall int64 // since 1970
	up   int64 // since the boot
}

func (b *Box) stamp() stamp {
	_, up := b.clock.Boot()
	return stamp{b.clock.Now().UnixMicro(), up.Microseconds()}
}

// now is the best time of a stamp of this boot, in µs since 1970. mu is held.
func (b *Box) now(s stamp) int64 {
	if b.zero != 0 {
		return b.zero + s.up
	}
	return s.wall
}

const (
	slotSeconds = int64(provisioning.Slot / time.Second)
	slotMicros  = int64(provisioning.Slot / time.Microsecond)
)

// slotKey names a quarter of an hour: its beginning in s since 1970 by the
// best clock there was, in one boot.
type slotKey struct {
	boot string
	wall int64
}

// slot is the quarter of a stamp, and the stamp's up at its beginning. mu is
// held.
func (b *Box) slot(s stamp) (slotKey, int64) {
	now := b.now(s)
	start := floor(now, slotMicros)
	return slotKey{b.boot, start / 1e6}, s.up - (now - start)
}

// floor is the greatest multiple of by that is not above n.
func floor(n, by int64) int64 {
	r := n % by
	if r < 0 {
		r += by
	}
	return n - r
}

// right is the time of a row by the server's clock, if that of its boot is
// known, in µs since 1970.
func right(zero, up, wall int64) int64 {
	if zero != 0 {
		return max(zero+up, 1)
	}
	return max(wall, 1)
}

// rightSlot is the quarter that is the nearest to a row of counts, in s since
// 1970: as long as the clock was wrong, quarters began at any time.
func rightSlot(zero, up, wall int64) int64 {
	at := right(zero, up, wall)
	return max(floor(at+slotMicros/2, slotMicros)/1e6, slotSeconds)
}

// shift moves the times in a state by d µs; those that are not set stay so.
func shift(s *provisioning.State, d int64) {
	if abs(d) < int64(2*time.Second/time.Microsecond) {
		return // the clock was right: what was told stays as it was
	}
	if s.Help != 0 {
		s.Help = max(s.Help+d, 1)
	}
	for i := range s.Conditions {
		if s.Conditions[i].Since != 0 {
			s.Conditions[i].Since = max(s.Conditions[i].Since+d, 1)
		}
	}
}
