package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"pointnum/cmd/internal/testportal"
	"pointnum/kiosk"
)

// The times of a try.
const (
	openLimit   = 30 * time.Second       // for the page of escapes to open
	backLimit   = 2 * time.Second        // for the portal to be in front again
	resultLimit = 5 * time.Second        // for the page to say what it saw; it waits 4 s itself
	hangLimit   = 4 * hang               // for the watchdog, on a machine that is busy with the hang
	askLimit    = 3 * time.Second        // before the kiosk's button is pressed where a page may wait
	noticeLimit = 8 * time.Second        // for Chromium's word that a download has begun to go
	settle      = 400 * time.Millisecond // for what is under way when the page has spoken
	linkSettle  = 800 * time.Millisecond // the same after "parti": the page says it before anything happens
)

// all makes every try that is meant. It fails when a try can't be made, or
// when a visit can't be wiped.
func (h *house) all(ctx context.Context, each func(result)) ([]result, error) {
	var out []result
	done := func(r result) {
		r.Mode = h.mode
		out = append(out, r)
		each(r)
	}
	for _, e := range testportal.Escapes() {
		if h.o.only != nil && !h.o.only.MatchString(e.ID) {
			continue
		}
		r, err := h.try(ctx, e)
		if err != nil {
			return out, fmt.Errorf("%s: %w", e.ID, err)
		}
		done(r)
	}
	for _, more := range []func(context.Context, func(result)) error{h.gestures, h.keys, h.otherUser} {
		if err := more(ctx, done); err != nil {
			return out, err
		}
	}
	if err := h.leave(); err != nil {
		return out, fmt.Errorf("the wipe: %w", err)
	}
	if h.meant("files-anywhere") {
		r, err := h.filesAnywhere()
		if err != nil {
			return out, err
		}
		done(r)
	}
	return out, nil
}

// slow is a limit on a machine that is slower than a kiosk.
func (h *house) slow(limit time.Duration) time.Duration {
	return limit * time.Duration(max(h.o.slower, 1))
}

func (h *house) meant(id string) bool { return h.o.only == nil || h.o.only.MatchString(id) }

// try makes one try of the page of escapes and judges it.
func (h *house) try(ctx context.Context, e testportal.Escape) (result, error) {
	r := result{ID: e.ID, Kind: e.Kind, What: e.Sentence, Verdict: holding}
	if err := h.ready(ctx); err != nil {
		return r, err
	}
	h.portal.Forget()
	h.agent.came.Store(0)
	before, refused := h.visit.state(), h.proxy.Stats().Refused
	if err := h.touch(ctx, `[data-escape="`+e.ID+`"]`); err != nil {
		return r, err
	}
	h.follow(ctx, &r)
	after := h.visit.state()
	r.seen(before, after)
	if n := h.proxy.Stats().Refused - refused; n > 0 {
		r.heldBy("proxy: refused")
	}
	if err := h.around(ctx, &r); err != nil {
		return r, err
	}
	if spoils(e) || r.Verdict == escaping || after.Restarted > before.Restarted {
		if err := h.leave(); err != nil {
			return r, fmt.Errorf("the wipe: %w", err)
		}
	}
	r.reached(h.portal.Foreign(), h.agent.came.Load()) // also what came while the visit ended
	return r, nil
}

// spoils says whether a try leaves something in the visit for the next one.
func spoils(e testportal.Escape) bool {
	return e.Kind == testportal.KindHang || strings.Contains(e.ID, "service") || strings.HasPrefix(e.ID, "window-")
}

// follow watches what is in front until the try is over.
func (h *house) follow(ctx context.Context, r *result) {
	touched := time.Now()
	limit := resultLimit
	switch {
	case waits(r.ID):
		limit = askLimit
	case needsWatchdog(r.Kind):
		limit = h.slow(hangLimit)
	}
	var over, back time.Time // the page has spoken or is gone; the portal is in front
	said, where := "", ""
	for ctx.Err() == nil {
		f, err := h.visit.look(ctx, r.ID)
		now := time.Now()
		switch {
		case err != nil || !f.portal():
			back, where = time.Time{}, f.Scheme
			r.Away = now.Sub(touched)
		case back.IsZero():
			back = now
		}
		if err == nil && f.Result != nil {
			said = *f.Result
		}
		if over.IsZero() && (err == nil && f.Result == nil || spoken(said)) {
			over = now
		}
		pause := settle
		if said == "parti" || f.Result == nil {
			pause = linkSettle
		}
		if !over.IsZero() && !back.IsZero() && now.Sub(over) > pause && now.Sub(back) > settle {
			break
		}
		if now.Sub(touched) > limit && (!back.IsZero() || now.Sub(touched) > limit+h.slow(backLimit)) {
			break
		}
		pace(ctx)
	}
	r.said(said)
	most := h.slow(backLimit)
	if needsWatchdog(r.Kind) {
		most = h.slow(hangLimit)
	}
	if back.IsZero() {
		h.wayOut(ctx, r, where)
	} else if r.Away > most {
		r.escape("the portal was back after %v only", r.Away.Round(10*time.Millisecond))
	}
}

// needsWatchdog says for which tries the watchdog is there.
func needsWatchdog(kind string) bool {
	return kind == testportal.KindHang || kind == testportal.KindWindow
}

// waits says of which tries the page rightly waits, for another page or for
// the visitor: the kiosk's button has to lead out of them.
func waits(id string) bool {
	return slices.Contains([]string{"hang-request", "window-alert", "window-confirm", "window-prompt"}, id)
}

// spoken says whether the page has said what came of a try.
func spoken(text string) bool { return text != "" && text != "essai en cours" }

// wayOut: the portal is not in front any more. Where a page may wait, as with
// a question, the kiosk's own button leads out.
func (h *house) wayOut(ctx context.Context, r *result, where string) {
	if where == "" {
		where = "nothing that answers"
	}
	if !waits(r.ID) {
		r.escape("the portal is not in front any more, but %s", where)
		return
	}
	pressed := time.Now()
	ok := h.visit.Do(ctx, kiosk.BrowserHome) == nil && within(ctx, h.slow(hangLimit), func() bool {
		f, err := h.visit.look(ctx, r.ID)
		return err == nil && f.portal()
	})
	if took := time.Since(pressed); !ok || took > h.slow(backLimit)+time.Second {
		r.escape("the page waits, and the kiosk's button leads back after %v only", took.Round(10*time.Millisecond))
		return
	}
	r.heldBy("the page waits; the kiosk's button leads back")
}

// around looks at what is beside the page: windows and files. It fails when
// it can't look at the files.
func (h *house) around(ctx context.Context, r *result) error {
	var strays []string
	known := within(ctx, h.slow(backLimit), func() bool {
		n, err := h.visit.strays(ctx)
		strays = n
		return err == nil && len(n) == 0
	})
	if !known {
		r.escape("pages are open that the guard does not know: %s", strings.Join(strays, ", "))
	}
	if h.screen != nil {
		limit := h.slow(backLimit)
		if slices.ContainsFunc(r.HeldBy, func(by string) bool { return strings.HasSuffix(by, " downloads") }) {
			limit = h.slow(noticeLimit)
		}
		h.screen.judge(ctx, r, limit)
		var kiosk bool
		if err := h.visit.eval(ctx, "matchMedia('(display-mode: fullscreen)').matches", &kiosk); err == nil && !kiosk {
			r.escape("the window has tabs and an address")
		}
	}
	files, err := h.filesOutside()
	if len(files) > 0 {
		r.escape("files were written outside: %s", strings.Join(files, ", "))
	}
	return err
}

// filesOutside lists the browser's files where it could write, but in the
// folder of a cell, and removes them: the next try has its own.
func (h *house) filesOutside() (found []string, err error) {
	for _, place := range h.cage.places {
		walked := filepath.WalkDir(place, func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // gone meanwhile
			}
			if err != nil {
				return err
			}
			name := d.Name()
			if d.IsDir() && filepath.Dir(path) == "/dev/shm" && strings.HasPrefix(name, "pointnum-cell-") {
				return fs.SkipDir
			}
			if !d.Type().IsRegular() || !h.browsers(d) || sharedMemory(path) {
				return nil
			}
			found = append(found, path)
			if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return nil
		})
		if walked != nil {
			err = errors.Join(err, fmt.Errorf("files outside: %w", walked))
		}
	}
	return found, err
}

// sharedMemory: Chromium's shared memory has a name for a moment.
func sharedMemory(path string) bool { return strings.HasPrefix(path, "/dev/shm/.org.chromium.") }

// browsers says whether a file is the browser's user's.
func (h *house) browsers(d fs.DirEntry) bool {
	info, err := d.Info()
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && (h.cage.user == "" || int(st.Uid) == h.cage.uid)
}

// filesAnywhere looks for files of the browser's user on the whole machine,
// after everything.
func (h *house) filesAnywhere() (result, error) {
	r := result{ID: "files-anywhere", Kind: "fichiers", What: "Un fichier du navigateur reste sur la machine", Verdict: holding}
	if h.cage.user == "" {
		r.Verdict = untried
		r.heldBy("needs root: the browser runs as us")
		return r, nil
	}
	n, unread := 0, 0
	err := filepath.WalkDir("/", func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // gone meanwhile
		case err != nil:
			unread++ // a mount that is not even root's
			return nil
		case d.IsDir() && (path == "/proc" || path == "/sys" || d.Name() == "node_modules"):
			return fs.SkipDir
		case path != h.cage.home && h.browsers(d) && !strings.HasPrefix(path, "/dev/shm/pointnum-cell-") && !sharedMemory(path):
			r.escape("%s", path) // the spare process has its cell
		}
		n++
		return nil
	})
	if err != nil {
		return r, fmt.Errorf("files anywhere: %w", err)
	}
	r.heldBy(fmt.Sprintf("none among %d", n))
	if unread > 0 {
		r.heldBy(fmt.Sprintf("%d can't be read", unread))
	}
	return r, nil
}
