package engine

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// Limits of one bridged connection.
const (
	maxFrame   = 1 << 20
	writeTime  = 30 * time.Second
	nodeTime   = 5 * time.Second
	lingerTime = 2 * time.Second // from NATS' end to the connection's
	copySize   = 1024            // of the two buffers of each connection
)

// bridge lets kiosks reach NATS on a path of the HTTPS port: it takes the
// bytes out of WebSocket frames and passes them to NATS, and back. What is
// inside (proof of the key, token, permissions) is between kiosk and NATS.
type bridge struct {
	dial    func(context.Context) (net.Conn, error)
	up      websocket.Upgrader
	metrics *metrics
	log     *slog.Logger

	mu     sync.Mutex
	open   map[*websocket.Conn]net.Conn
	closed bool
	wg     sync.WaitGroup
}

func newBridge(dial func(context.Context) (net.Conn, error), m *metrics, log *slog.Logger) *bridge {
	return &bridge{dial: dial, metrics: m, log: log, open: map[*websocket.Conn]net.Conn{}, up: websocket.Upgrader{
		ReadBufferSize: 512, WriteBufferSize: copySize, WriteBufferPool: &sync.Pool{},
		// Kiosks send no Origin; pages of a browser have nothing to do here.
		CheckOrigin: func(r *http.Request) bool { return r.Header.Get("Origin") == "" },
	}}
}

// ServeHTTP returns as soon as the connection is up, so that net/http frees
// its goroutine, its buffers and the request.
func (b *bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	done := setUp(r.Context())
	if !websocket.IsWebSocketUpgrade(r) {
		done()
		http.Error(w, "this address is for kiosks", http.StatusUpgradeRequired)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), nodeTime)
	defer cancel()
	inner, err := b.dial(ctx)
	if err != nil {
		done()
		b.metrics.connections.WithLabelValues("unavailable").Inc()
		b.log.Warn("nats cannot be reached for a kiosk", "error", err)
		http.Error(w, "later", http.StatusServiceUnavailable)
		return
	}
	ws, err := b.up.Upgrade(w, r, nil)
	if err != nil { // it has answered
		done()
		_ = inner.Close() // nothing was written
		b.metrics.connections.WithLabelValues("invalid").Inc()
		return
	}
	ws.SetReadLimit(maxFrame)
	if !b.enter(ws, inner) {
		done()
		_, _ = inner.Close(), ws.Close() // the engine stops
		return
	}
	go b.toKiosk(ws, inner, done)
	go b.fromKiosk(ws, inner)
}

// enter counts the two goroutines of a connection.
func (b *bridge) enter(ws *websocket.Conn, inner net.Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.open[ws] = inner
	b.wg.Add(2)
	return true
}

// leave ends a connection: both ends are closed, so that its other goroutine
// ends, too.
func (b *bridge) leave(ws *websocket.Conn, inner net.Conn) {
	_, _ = inner.Close(), ws.Close() // closing twice is harmless
	b.mu.Lock()
	delete(b.open, ws)
	b.mu.Unlock()
	b.wg.Done()
}

func (b *bridge) toKiosk(ws *websocket.Conn, inner net.Conn, done func()) {
	defer b.wg.Done()
	defer inner.Close() // also when it was NATS that hung up
	// The kiosk may be writing still: closing now would lose what it was told
	// last, and why. fromKiosk ends when it has hung up, or soon.
	defer func() {
		end := time.Now().Add(lingerTime)
		_ = ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), end)
		_ = ws.SetReadDeadline(end)
	}()
	result := "lost"
	settle := func(with string) {
		result = ""
		done()
		b.metrics.connections.WithLabelValues(with).Inc()
	}
	defer func() {
		if result != "" {
			settle(result)
		}
	}()
	buf := make([]byte, copySize)
	for {
		n, err := inner.Read(buf)
		if n > 0 {
			// After INFO comes the answer of the login: PONG or -ERR.
			if result != "" && bytes.Contains(buf[:n], []byte("PONG\r\n")) {
				settle("accepted")
			} else if result != "" && bytes.Contains(buf[:n], []byte("-ERR ")) {
				settle("refused")
			}
			if ws.SetWriteDeadline(time.Now().Add(writeTime)) != nil || ws.WriteMessage(websocket.BinaryMessage, buf[:n]) != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (b *bridge) fromKiosk(ws *websocket.Conn, inner net.Conn) {
	defer b.leave(ws, inner)
	buf := make([]byte, copySize)
	hungUp := false // NATS has; what the kiosk says now is for nobody
	for {
		_, r, err := ws.NextReader()
		if err != nil {
			return
		}
		for err == nil {
			var n int
			if n, err = r.Read(buf); n == 0 || hungUp {
				continue // writing nothing to a pipe would wait for a reader
			}
			_, failed := inner.Write(buf[:n])
			hungUp = failed != nil
		}
		// The end of a frame, or an error that NextReader gives, too.
	}
}

// close ends all connections and waits for their goroutines.
func (b *bridge) close() {
	b.mu.Lock()
	b.closed = true
	for ws, inner := range b.open {
		_, _ = inner.Close(), ws.Close() // its goroutines notice
	}
	b.mu.Unlock()
	b.wg.Wait()
}

// dialNodes reaches the nodes of an external cluster one after the other.
func dialNodes(urls []string) func(context.Context) (net.Conn, error) {
	var next atomic.Uint64
	return func(ctx context.Context) (net.Conn, error) {
		err := errors.New("no nodes")
		for range urls {
			host := strings.TrimPrefix(urls[int(next.Add(1)%uint64(len(urls)))], "nats://")
			d := net.Dialer{Timeout: nodeTime / 3}
			var c net.Conn
			if c, err = d.DialContext(ctx, "tcp", host); err == nil {
				return c, nil
			}
		}
		return nil, err
	}
}
