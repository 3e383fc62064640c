package console

import (
	"net/http"
	"time"
)

const (
	maxStreams = 12 // of one session: that many tabs
	liveEvery  = 25 * time.Second
	liveWrite  = 20 * time.Second // for one line to get through
)

// live tells the page that something has changed, nothing else; the page asks
// what. It ends with the session.
func (s *Server) live(w http.ResponseWriter, r *request) error {
	if !s.openStream(r.who.Session) {
		return ErrTooMany
	}
	defer s.closeStream(r.who.Session)
	changes, err := s.fleet.Changes(r.Context(), r.who)
	if err != nil {
		return err
	}
	out := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would keep it back
	send := func(line string) bool {
		if err := out.SetWriteDeadline(time.Now().Add(liveWrite)); err != nil {
			return false
		}
		if _, err := w.Write([]byte(line)); err != nil {
			return false
		}
		return out.Flush() == nil
	}
	tick := time.NewTicker(liveEvery)
	defer tick.Stop()
	ok := send("retry: 3000\n\ndata: here\n\n")
	for ok {
		select {
		case _, more := <-changes:
			ok = more && send("data: changed\n\n")
		case <-tick.C:
			// Disabled people, ended sessions.
			_, err := s.logins.Who(r.Context(), r.token, r.from)
			ok = err == nil && send(": here\n\n")
		case <-r.Context().Done():
			return nil
		case <-s.ctx.Done():
			return nil
		}
	}
	return nil
}

func (s *Server) openStream(session string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.open[session] >= maxStreams {
		return false
	}
	s.open[session]++
	s.streams.Add(1)
	return true
}

func (s *Server) closeStream(session string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[session]--; s.open[session] == 0 {
		delete(s.open, session)
	}
	s.streams.Done()
}
