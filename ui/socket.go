package ui

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gorilla/websocket"

	"pointnum/kiosk/session"
	"pointnum/ui/safeweb"
)

// The limits of a socket.
const (
	pace          = 100 * time.Millisecond // between two views: at most ten a second
	writeDeadline = 5 * time.Second        // a page that takes no view for so long is gone
	pingEvery     = 10 * time.Second
	pongDeadline  = 25 * time.Second
	maxMessage    = 64 // bytes; a page only says that it was touched
	maxSockets    = 8
	stillEvery    = 2 * time.Second // between two StillHere, however often the screen is touched
)

// serveSocket sends the latest view whenever it changed. A slow page misses
// views in between, and never the last one.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	defer s.leave()
	up := websocket.Upgrader{
		HandshakeTimeout: writeDeadline,
		CheckOrigin:      safeweb.SameOrigin,
		WriteBufferSize:  16 << 10,
		WriteBufferPool:  noBuffers{},
	}
	c, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	ctx, cancel := context.WithCancel(s.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cancel()
		s.readTouches(ctx, c)
	}()
	if err := s.sendViews(ctx, c); err != nil {
		s.log.Debug("socket ended", "err", err)
	}
	cancel()
	if err := c.Close(); err != nil {
		s.log.Debug("socket not closed", "err", err)
	}
	<-done
}

// noBuffers gives each view a buffer of its own: a socket outlives visits, and
// its buffer would keep what was longer than the last view.
type noBuffers struct{}

// Get implements websocket.BufferPool.
func (noBuffers) Get() any { return nil }

// Put implements websocket.BufferPool.
func (noBuffers) Put(any) {}

func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.open >= maxSockets {
		return false
	}
	s.open++
	s.sockets.Add(1)
	return true
}

func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	s.sockets.Done()
}

// sendViews returns when ctx ends or the page does not take a view.
func (s *Server) sendViews(ctx context.Context, c *websocket.Conn) error {
	next := time.NewTimer(0)
	defer next.Stop()
	var sent uint64
	first := true
	for {
		select {
		case <-next.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		st, seq, err := s.nextState(ctx, sent, first)
		switch {
		case errors.Is(err, errQuiet):
			err = c.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeDeadline))
		case err == nil:
			if err = c.SetWriteDeadline(time.Now().Add(writeDeadline)); err == nil {
				err = c.WriteJSON(s.view(st, seq, time.Now()))
			}
			sent, first = seq, false
		}
		if err != nil {
			return err
		}
		next.Reset(pace)
	}
}

var errQuiet = errors.New("ui: nothing changed")

// nextState waits for a state other than the one sent; errQuiet when it is
// time to ask whether the page is still there.
func (s *Server) nextState(ctx context.Context, sent uint64, first bool) (session.State, uint64, error) {
	if first {
		st, seq := s.engine.State().Load()
		return st, seq, nil
	}
	wait, cancel := context.WithTimeoutCause(ctx, pingEvery, errQuiet)
	defer cancel()
	return s.engine.State().Wait(wait, sent)
}

// readTouches reads until the page is gone. Every message says the same: that
// somebody touched the screen.
func (s *Server) readTouches(ctx context.Context, c *websocket.Conn) {
	c.SetReadLimit(maxMessage)
	alive := func(string) error { return c.SetReadDeadline(time.Now().Add(pongDeadline)) }
	c.SetPongHandler(alive)
	var last time.Time
	for alive("") == nil {
		if _, _, err := c.ReadMessage(); err != nil {
			return
		}
		if now := time.Now(); now.Sub(last) >= stillEvery {
			last = now
			if err := s.engine.Do(ctx, session.StillHere{}); err != nil {
				s.log.Debug("touch not counted", "err", err)
			}
		}
	}
}
