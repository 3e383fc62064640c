package browser_test

import (
	"context"
	"os"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/browser"
)

func TestVisitOpensAttachesAndCloses(t *testing.T) {
	s := newSite(t)
	s.page("portal.test/", upload+`<input type=file id=f onchange="up('f',this.files)">`)
	start := time.Now()
	v := open(t, s.options())
	t.Log("opened in", time.Since(start))
	state := v.until(t, "the portal", func(b kiosk.BrowserState) bool { return b.Host == "portal.test" && !b.Loading })
	if state.Tabs != 1 || state.Zoom != 100 || state.Mailbox || state.CanBack || state.Choice != nil {
		t.Errorf("got %+v", state)
	}
	var x, y float64 = 40, 20
	if err := browser.Click(t.Context(), v.Browsing, x, y); err != nil {
		t.Fatal(err)
	}
	state = v.until(t, "the choice", func(b kiosk.BrowserState) bool { return b.Choice != nil })
	if err := v.Attach(t.Context(), state.Choice.ID, []kiosk.Attachment{attachment("releve.pdf", "%PDF-1.4 one")}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the upload", func() bool { return len(s.sent("f")) > 0 })
	if got := s.sent("f")[0]; got != "releve.pdf:12:%PDF-1.4" {
		t.Errorf("the portal got %q", got)
	}
	if v.until(t, "no choice", func(b kiosk.BrowserState) bool { return b.Choice == nil }).Stopped != "" {
		t.Error("stopped")
	}
	start = time.Now()
	if err := v.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Log("closed in", time.Since(start))
	if left, err := os.ReadDir(s.dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
