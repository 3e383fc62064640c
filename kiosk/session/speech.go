package session

import (
	"context"
	"time"

	"pointnum/kiosk"
)

// Voice reads aloud; *speech.Voice does.
type Voice interface {
	// Speaks says whether a text in a language (BCP 47) can be understood.
	Speaks(lang string) bool
	// Say returns when the text was read, or is quiet at once when ctx ends.
	// Nothing of the text is left then, nor in the error.
	Say(ctx context.Context, text, lang string) error
}

const (
	// maxReading is how long one reading may take.
	maxReading = 5 * time.Minute
	// maxReadBytes limits the text of the kiosk's own screens.
	maxReadBytes = 16_000
)

// reading is a text being read aloud. It is never journaled.
type reading struct {
	stop context.CancelFunc
	page bool // of a portal
	done chan struct{}
}

// readAloud begins to read, or ends it.
func (e *Engine) readAloud(a ReadAloud) bool {
	if e.reading != nil {
		e.hush()
		return true
	}
	if e.cfg.Voice == nil || e.ending != "" || len(a.Text) > maxReadBytes {
		return false
	}
	lang, b := e.lang, e.browse
	if e.visit != nil {
		lang = e.visit.Lang
	}
	get := func(context.Context) (string, string, error) { return a.Text, lang, nil }
	switch {
	case a.Text != "":
		if !e.cfg.Voice.Speaks(lang) {
			return false
		}
	case b == nil || e.visit.Screen != ScreenBrowse || e.task != nil || b.asking != AskNothing:
		return false
	default:
		get = b.held.Text
	}
	r := &reading{page: a.Text == "", done: make(chan struct{})}
	ctx, stop := context.WithTimeout(e.ctx, maxReading)
	r.stop = stop
	e.reading, e.quiet = r, r.done
	e.workers.Go(func() {
		defer stop()
		text, lang, err := get(ctx)
		if err == nil {
			err = e.cfg.Voice.Say(ctx, text, lang)
		}
		if err != nil && ctx.Err() == nil {
			e.cfg.Log.Warn("not read aloud", "code", kiosk.CodeOf(err))
		}
		close(r.done)
		_ = e.call(e.ctx, func() { e.read(r) })
	})
	return true
}

// read notes that a reading has ended.
func (e *Engine) read(r *reading) {
	if e.reading != r {
		return
	}
	e.reading = nil
	if e.warned.IsZero() {
		e.touched = e.cfg.Now() // somebody listened
	}
	e.publish()
}

// hush ends a reading.
func (e *Engine) hush() {
	if e.reading != nil {
		e.reading.stop()
		e.reading = nil
	}
}

// hushFor ends a reading that an action makes out of date.
func (e *Engine) hushFor(a Action) {
	switch a := a.(type) {
	case StillHere, ReadAloud, TypeText, PressKey, WaitForCode:
		return
	case BrowserDo:
		if a.Command == kiosk.BrowserLarger || a.Command == kiosk.BrowserSmaller {
			return
		}
	}
	e.hush()
}

// hushPage ends the reading of a page that is not the one any more.
func (e *Engine) hushPage(before, now kiosk.BrowserState) {
	if e.reading != nil && e.reading.page && (now.Host != before.Host || now.Mailbox != before.Mailbox ||
		now.Loading && !before.Loading || now.Choice != nil) {
		e.hush()
	}
}

// silence waits until the last reading has let go of its text.
func (e *Engine) silence(quiet <-chan struct{}) error {
	if quiet == nil {
		return nil
	}
	t := time.NewTimer(e.closing())
	defer t.Stop()
	select {
	case <-quiet:
		return nil
	case <-t.C:
		return &kiosk.Error{Code: kiosk.CodeNotResponding, Op: "session: end of reading aloud"}
	}
}
