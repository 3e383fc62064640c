package technician

import (
	"sync"
	"time"
)

// The limits of guessing.
const (
	Tries    = 5 // wrong codes, then it closes
	closed   = 10 * time.Minute
	closedAt = 24 * time.Hour // at most
)

// Guard stands at the entrance. It counts in memory: a start of the machine
// forgets, and takes longer than what it would save. Its methods may be called
// from any goroutine; it must not be copied.
type Guard struct {
	Dir string           // the kiosk's folder
	Now func() time.Time // nil is time.Now

	mu     sync.Mutex
	wrong  int       // since it was opened
	closes int       // since the last right code
	until  time.Time // closed; zero not
}

// Stand is how the entrance stands.
type Stand struct {
	None   bool          // there is no code: nobody gets in
	Closed time.Duration // for so long yet; 0 open
	Left   int           // tries until it closes
}

// Stand says how the entrance stands now.
func (g *Guard) Stand() Stand {
	made := Made(g.Dir)
	g.mu.Lock()
	defer g.mu.Unlock()
	return Stand{None: !made, Closed: g.closedFor(), Left: Tries - g.wrong}
}

// Try says whether this is the code. While it is closed nothing is tried, and
// nobody learns whether it would have been right. A try counts before its
// outcome is known. An error is the disk's, or ErrNone.
func (g *Guard) Try(c Code) (bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closedFor() > 0 {
		return false, nil
	}
	ok, err := check(g.Dir, c)
	switch {
	case err != nil:
		return false, err
	case ok:
		g.wrong, g.closes, g.until = 0, 0, time.Time{}
		return true, nil
	}
	if g.wrong++; g.wrong >= Tries {
		long := closedAt
		if g.closes < 8 { // 10 minutes, 20, 40 …
			long = min(closed<<g.closes, closedAt)
		}
		g.wrong, g.closes, g.until = 0, g.closes+1, g.now().Add(long)
	}
	return false, nil
}

// Forget opens the entrance again: whoever made a new code is root.
func (g *Guard) Forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wrong, g.closes, g.until = 0, 0, time.Time{}
}

// closedFor needs mu. The clock's own steps do not count (time.Time's
// monotonic reading).
func (g *Guard) closedFor() time.Duration {
	if g.until.IsZero() {
		return 0
	}
	left := g.until.Sub(g.now())
	if left <= 0 {
		g.until = time.Time{}
		return 0
	}
	return left
}

func (g *Guard) now() time.Time {
	if g.Now != nil {
		return g.Now()
	}
	return time.Now()
}
