package devtools

import (
	"bytes"
	"log/slog"
	"sync"
)

// maxLine cuts a line of the browser's output that never ends.
const maxLine = 4096

// lineLogger counts the browser's own output, line by line. Only the length is
// logged: Chromium prints addresses and console messages, which are the
// visitor's.
type lineLogger struct {
	log *slog.Logger

	mu   sync.Mutex
	rest []byte
}

func (l *lineLogger) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		i := bytes.IndexByte(l.rest, '\n')
		if i < 0 && len(l.rest) > maxLine {
			i = len(l.rest) - 1
		}
		if i < 0 {
			return len(p), nil
		}
		l.emit(l.rest[:i])
		l.rest = append(l.rest[:0], l.rest[i+1:]...)
	}
}

func (l *lineLogger) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.emit(l.rest)
	l.rest = nil
}

func (l *lineLogger) emit(line []byte) {
	if l.log == nil || len(line) == 0 {
		return
	}
	l.log.Debug("browser wrote a line", "bytes", len(line))
}
