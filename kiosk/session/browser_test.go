package session_test

import (
	"context"
	"fmt"
	"image"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/session"
)

// browser is a portal browser as the tests want it: it has no pages, only
// what they would tell. Hooks that are nil do what works.
type browser struct {
	mu     sync.Mutex
	opened []kiosk.BrowseOptions
	follow func(kiosk.BrowserState)
	state  kiosk.BrowserState
	got    map[string]string // what pages were given, by name
	calls  []string
	closes int
	places []image.Rectangle
	files  map[string]string // downloads

	open   func(ctx context.Context) error
	attach func(ctx context.Context) error
	do     func(ctx context.Context) error
	close  func(ctx context.Context) error
}

func (b *browser) hook(ctx context.Context, h *func(context.Context) error) error {
	b.mu.Lock()
	f := *h
	b.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(ctx)
}

// hooks changes hooks while the engine runs.
func (b *browser) hooks(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

func (b *browser) Open(ctx context.Context, o kiosk.BrowseOptions) (kiosk.Browsing, error) {
	if err := b.hook(ctx, &b.open); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.opened = append(b.opened, o)
	b.follow, b.state, b.got = o.Follow, kiosk.BrowserState{Host: "portal.test", Tabs: 1, Zoom: 100}, map[string]string{}
	o.Follow(b.state)
	return b, nil
}

// tell changes what the browser says of its pages.
func (b *browser) tell(change func(*kiosk.BrowserState)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state.Downloads = slices.Clone(b.state.Downloads)
	change(&b.state)
	b.follow(b.state)
}

// choose has a page ask for a file.
func (b *browser) choose(c kiosk.FileChoice) {
	b.tell(func(s *kiosk.BrowserState) { s.Choice = &c })
}

func (b *browser) call(ctx context.Context, format string, args ...any) error {
	if err := b.hook(ctx, &b.do); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = append(b.calls, fmt.Sprintf(format, args...))
	return nil
}

func (b *browser) called() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.calls, "; ")
}

func (b *browser) received() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for name, content := range b.got {
		all = append(all, name+"="+content)
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}

func (b *browser) Attach(ctx context.Context, choice string, files []kiosk.Attachment) error {
	if err := b.hook(ctx, &b.attach); err != nil {
		return err
	}
	got := map[string]string{}
	for _, f := range files {
		content, err := attached(f)
		if err != nil {
			return err
		}
		got[f.Name] = content
	}
	b.mu.Lock()
	if b.state.Choice == nil || b.state.Choice.ID != choice {
		b.mu.Unlock()
		return fault(kiosk.CodeBadRequest)
	}
	b.got = got
	b.mu.Unlock()
	b.tell(func(s *kiosk.BrowserState) { s.Choice = nil })
	return nil
}

func (b *browser) Refuse(ctx context.Context, choice string) error {
	b.tell(func(s *kiosk.BrowserState) { s.Choice = nil })
	return b.call(ctx, "refuse %s", choice)
}

func (b *browser) Do(ctx context.Context, c kiosk.BrowserCommand) error {
	return b.call(ctx, "%s", c)
}

func (b *browser) OpenMailbox(ctx context.Context, address string) error {
	b.tell(func(s *kiosk.BrowserState) { s.Mailbox, s.Tabs = true, 2 })
	return b.call(ctx, "mailbox %s", address)
}

func (b *browser) Type(ctx context.Context, text string) error { return b.call(ctx, "type %s", text) }
func (b *browser) Press(ctx context.Context, key string) error { return b.call(ctx, "press %s", key) }

func (b *browser) Print(context.Context) ([]byte, error) { return []byte("%PDF-page"), nil }

func (b *browser) Text(ctx context.Context) (string, string, error) {
	return "Votre dossier", "fr-FR", b.call(ctx, "text")
}

func (b *browser) Take(_ context.Context, id string) (io.ReadCloser, error) {
	b.mu.Lock()
	content, ok := b.files[id]
	delete(b.files, id)
	b.mu.Unlock()
	if !ok {
		return nil, fault(kiosk.CodeBadRequest)
	}
	b.tell(func(s *kiosk.BrowserState) {
		s.Downloads = slices.DeleteFunc(s.Downloads, func(d kiosk.Download) bool { return d.ID == id })
	})
	return io.NopCloser(strings.NewReader(content)), nil
}

// gives has a page give a file.
func (b *browser) gives(id, content string) {
	b.mu.Lock()
	if b.files == nil {
		b.files = map[string]string{}
	}
	b.files[id] = content
	b.mu.Unlock()
	b.tell(func(s *kiosk.BrowserState) {
		s.Downloads = append(s.Downloads, kiosk.Download{ID: id, Name: "secret.pdf", Size: int64(len(content)), Done: true})
	})
}

func (b *browser) Place(_ context.Context, r image.Rectangle) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.places = append(b.places, r)
	return nil
}

func (b *browser) Close(ctx context.Context) error {
	if err := b.hook(ctx, &b.close); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closes++
	return nil
}

func (b *browser) closed() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closes
}

// with gives an engine a portal browser.
func with(b *browser) func(*session.Config) {
	return func(c *session.Config) {
		c.Browser = b
		c.Address = func(portal string) string {
			if portal == "nowhere" {
				return ""
			}
			return "https://" + portal + ".test/"
		}
		c.PortalAt = func(host string) string { return strings.TrimSuffix(host, ".test") }
		c.Mailbox = func(id string) string {
			if id != "post" {
				return ""
			}
			return "https://post.test/"
		}
	}
}

// browsing is a rig with the page of a scanned paper and a portal open.
func browsing(t *testing.T, b *browser, change ...func(*session.Config)) *rig {
	t.Helper()
	return browsingAt(t, &desk{}, b, change...)
}

func browsingAt(t *testing.T, d *desk, b *browser, change ...func(*session.Config)) *rig {
	t.Helper()
	r := startIn(t, folder(t), d, append(change, with(b))...)
	r.do(session.Start{Lang: "fr"})
	d.feed("a", "b")
	r.do(session.Scan{})
	r.screen(session.ScreenReview)
	r.idle()
	r.do(session.OpenPortal{Portal: "caf"})
	r.idle()
	r.screen(session.ScreenBrowse)
	r.asks(session.AskNothing)
	return r
}

// asks waits until a question stands over the page, and nothing is in hand.
func (r *rig) asks(what session.Ask) session.State {
	r.t.Helper()
	return r.wait("the question "+string(what), func(s session.State) bool {
		return s.Task == nil && s.Browse != nil && s.Browse.Host != "" && s.Browse.Asking == what
	})
}

func (r *rig) faulty(want kiosk.Code) session.State {
	r.t.Helper()
	return r.wait("the fault "+string(want), func(s session.State) bool {
		return s.Task == nil && s.Fault != nil && s.Fault.Code == want
	})
}

func (r *rig) refused(actions ...session.Action) {
	r.t.Helper()
	for _, a := range actions {
		if err := r.Do(context.Background(), a); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
			r.t.Errorf("%T: got %v, want %s", a, err, kiosk.CodeBadRequest)
		}
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited 20 s for: %s", what)
		}
	}
}

// content reads the first file of a document's result.
func (r *rig) content(document string) string {
	r.t.Helper()
	rc, _, err := r.OpenFile(document, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	defer rc.Close()
	content, err := io.ReadAll(rc)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(content)
}
