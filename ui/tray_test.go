package ui_test

import (
	"strings"
	"testing"

	"pointnum/kiosk"
	"pointnum/kiosk/session"
)

// browseView is what the page is told of a portal in use.
type browseView struct {
	Host, Banner, Stopped, Other, To string
	Reload                           bool
	Tray                             *struct {
		Takes  string
		Papers []struct {
			ID, Name, Fit, Given string
			Fits, Ready          bool
		}
	}
}

func (e *engine) tells(t *testing.T, address string, st session.State) browseView {
	t.Helper()
	e.state.Set(st)
	var v struct{ Browse *browseView }
	c := own(t, address)
	if err := c.ReadJSON(&v); err != nil || v.Browse == nil {
		t.Fatalf("got %+v, %v", v, err)
	}
	return *v.Browse
}

func TestTraySaysWhatFits(t *testing.T) {
	e := &engine{}
	address := serve(t, e)
	v := e.tells(t, address, asking(session.AskFile, tray))
	if got := strings.ReplaceAll(v.Tray.Takes, "\u00a0", " "); got != "Le site demande un PDF, de 0,5 Mo au plus." {
		t.Errorf("the field takes %q", got)
	}
	want := []struct {
		id    string
		fits  bool
		fit   string
		given bool
	}{
		{"d1", true, "Il convient.", false}, {"d2", false, "La borne va le rendre plus léger.", false},
		{"d3", false, "La borne va le préparer.", false}, {"d4", true, "Il convient.", true},
	}
	if len(v.Tray.Papers) != len(want) {
		t.Fatalf("got %+v", v.Tray.Papers)
	}
	for i, w := range want {
		if p := v.Tray.Papers[i]; p.ID != w.id || p.Fits != w.fits || p.Fit != w.fit || (p.Given != "") != w.given || p.Name == "" {
			t.Errorf("got %+v, want %+v", p, w)
		}
	}

	// A limit that nobody knows is not told; a file of just the limit does not fit.
	v = e.tells(t, address, asking(session.AskFile, func(st *session.State) {
		tray(st)
		st.Browse.Known = false
		st.Browse.Target.MaxBytes = st.Documents[0].Result.Bytes
		st.Documents[0].Pages[1].Ready = false
	}))
	if strings.ContainsAny(v.Tray.Takes, "0123456789") {
		t.Errorf("nobody knows the limit: %q", v.Tray.Takes)
	}
	if p := v.Tray.Papers[0]; p.Fits || p.Ready {
		t.Errorf("got %+v", p)
	}
}

func TestStopsAreTold(t *testing.T) {
	e := &engine{}
	address := serve(t, e)
	seen := map[string]bool{}
	for why, reload := range map[kiosk.BrowserStop]bool{
		kiosk.StopForeign: false, kiosk.StopScheme: false, kiosk.StopNetwork: true, kiosk.StopCrash: true,
	} {
		v := e.tells(t, address, browsing(func(st *session.State) { st.Browse.Stopped = why }))
		if v.Stopped == "" || seen[v.Stopped] || v.Reload != reload || v.Banner != "" {
			t.Errorf("%s: got %+v", why, v)
		}
		seen[v.Stopped] = true
	}
	// A reason that is new to the screens is told as the first.
	if v := e.tells(t, address, browsing(func(st *session.State) { st.Browse.Stopped = "new" })); !seen[v.Stopped] {
		t.Errorf("got %q", v.Stopped)
	}
	if v := e.tells(t, address, browsing(nil)); v.Stopped != "" || v.To != "result" || v.Host != "connect.caf.fr" {
		t.Errorf("got %+v", v)
	}
	away := asking(session.AskFile, tray)
	away.Screen, away.Current = session.ScreenScan, 4
	if v := e.tells(t, address, away); !strings.Contains(v.Banner, "attend") || v.To != "scan" {
		t.Errorf("got %+v", v)
	}
}
