package network

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"pointnum/kiosk"
)

// ClockRequest asks root to set the machine's clock, in milliseconds since 1970.
type ClockRequest struct {
	At int64 `json:"at"`
}

// clockYears is how far after its image's making a kiosk may be told to be.
const clockYears = 15

// Clock is root's side of the clock.
type Clock struct {
	// Floor is a time that has passed: that of the image. No earlier one is set.
	Floor time.Time
	// Set sets the machine's clock, and the one that runs when it is off.
	Set func(time.Time) error
	// Kept says whether the network keeps the clock right (NTP). Then nothing
	// is set: whoever took the agent over can't make old certificates good.
	Kept func() bool
	Log  *slog.Logger
}

// NewClock is Clock as on a kiosk.
func NewClock(log *slog.Logger) Clock {
	return Clock{Floor: BuildDate("/"), Set: setClock, Kept: synchronised, Log: log}
}

// BuildDate is when a system was made, by its files below root: a time that
// has passed for sure. Zero when nothing tells.
func BuildDate(root string) time.Time {
	var last time.Time
	for _, name := range []string{"usr/lib/clock-epoch", "usr/lib/os-release"} {
		if info, err := os.Stat(filepath.Join(root, name)); err == nil && info.ModTime().After(last) {
			last = info.ModTime()
		}
	}
	return last
}

// Answer is a steward.Do. A time out of bounds is kiosk.CodeBadRequest.
func (c Clock) Answer(_ context.Context, raw []byte) (any, error) {
	var q ClockRequest
	if err := decode(raw, &q); err != nil {
		return nil, err
	}
	at := time.UnixMilli(q.At)
	if at.Before(c.Floor) || at.After(c.Floor.AddDate(clockYears, 0, 0)) {
		return nil, &kiosk.Error{Code: kiosk.CodeBadRequest, Op: "clock", Err: errors.New("before the system was made, or long after")}
	}
	if c.Kept() {
		c.Log.Info("clock left to the network's time")
		return struct{}{}, nil
	}
	before := time.Now()
	if err := c.Set(at); err != nil {
		return nil, fmt.Errorf("clock: %w", err)
	}
	c.Log.Info("clock set", "by", at.Sub(before).Round(time.Millisecond))
	return struct{}{}, nil
}

// synchronised asks the kernel whether somebody disciplines its clock.
func synchronised() bool {
	state, err := unix.Adjtimex(&unix.Timex{})
	return err == nil && state != unix.TIME_ERROR
}

// setClock sets the system's clock, and the one with a battery where there is
// one: many a small PC has none.
func setClock(at time.Time) error {
	tv := unix.NsecToTimeval(at.UnixNano())
	if err := unix.Settimeofday(&tv); err != nil {
		return err
	}
	f, err := os.OpenFile("/dev/rtc0", os.O_RDWR, 0)
	if err != nil {
		return nil
	}
	u := at.UTC()
	err = unix.IoctlSetRTCTime(int(f.Fd()), &unix.RTCTime{Sec: int32(u.Second()), Min: int32(u.Minute()), Hour: int32(u.Hour()),
		Mday: int32(u.Day()), Mon: int32(u.Month()) - 1, Year: int32(u.Year()) - 1900})
	return errors.Join(err, f.Close())
}
