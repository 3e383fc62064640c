package fault_test

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pointnum/cmd/internal/fault"
	"pointnum/kiosk/browser/devtools"
	"pointnum/ui/safeweb"
)

var pictures = flag.String("pictures", "", "folder to write the screens to")

func TestFaultIsNamed(t *testing.T) {
	now := time.Unix(1795374458, 0)
	for _, c := range []struct {
		name string
		ends []fault.Note // one after the other, a minute between
		hung bool
		want fault.Code
	}{
		{"it never ran", nil, false, fault.Stopped},
		{"it was stopped", []fault.Note{{Result: "success"}}, false, fault.Stopped},
		{"it runs and says nothing", nil, true, fault.Hung},
		{"the configuration is wrong", []fault.Note{{Result: "exit-code", Status: "125"}}, false, fault.Config},
		{"it ended once", []fault.Note{{Result: "exit-code", Status: "1"}}, false, fault.Stopped},
		{"it ends again and again", []fault.Note{{Result: "exit-code", Status: "1"}, {Result: "signal"}, {Result: "watchdog"}}, false, fault.Loop},
		{"no memory", []fault.Note{{Result: "oom-kill"}}, false, fault.Memory},
		{"no room on the disk", []fault.Note{{Result: "exit-code", Status: "1", Full: true}}, false, fault.Full},
		{"it was told whose it is after its end", []fault.Note{{Result: "exit-code", Status: "125"}, {Kiosk: "k1"}}, false, fault.Config},
		{"it was well in between", []fault.Note{{Result: "exit-code", Status: "125"}, {Result: "success"}}, false, fault.Stopped},
	} {
		path := filepath.Join(t.TempDir(), "a", "note.json")
		for i, n := range c.ends {
			n.At = now.Add(time.Duration(i-len(c.ends)) * time.Minute)
			if err := fault.Write(path, n); err != nil {
				t.Fatal(err)
			}
		}
		n, err := fault.Read(path)
		if got := fault.Judge(n, c.hung, now); err != nil || got != c.want {
			t.Errorf("%s: %q, want %q (%v)", c.name, got, c.want, err)
		}
	}
}

func TestOldFailuresAreNoLoop(t *testing.T) {
	path := filepath.Join(t.TempDir(), "note.json")
	at := time.Unix(1795374458, 0)
	for range 5 {
		at = at.Add(8 * time.Minute)
		if err := fault.Write(path, fault.Note{Result: "exit-code", Status: "1", At: at}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := fault.Read(path); err != nil || fault.Judge(n, false, at) != fault.Stopped {
		t.Errorf("%+v, %v", n, err)
	}
}

// agentAt is an agent's screen, protected as it is.
func agentAt(t *testing.T, addr string) *http.Server {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<title>agent</title>") //nolint:errcheck // nobody is there to be told
	})
	srv := &http.Server{Handler: safeweb.Protect(safeweb.Options{Hosts: []string{addr}, Siblings: true}, page), ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	return srv
}

// serve starts the fault screen for an agent there.
func serve(t *testing.T, o fault.Options) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- fault.Serve(ctx, o, ln) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "http://" + ln.Addr().String()
}

// freeAddr is an address that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// until waits for a page's text or title.
func until(t *testing.T, p *devtools.Page, script, want string) {
	t.Helper()
	var got string
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if err := p.Eval(t.Context(), script, &got); err == nil && strings.Contains(got, want) {
			return
		}
	}
	t.Fatalf("the screen shows %q, not %q", got, want)
}

// shown asks as the screen's unit does.
func shown(t *testing.T, at string, want int) {
	t.Helper()
	res, err := http.Get(at + safeweb.ShownPath)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
	if res.StatusCode != want {
		t.Errorf("shown: %s, want %d", res.Status, want)
	}
}

// The whole way of a screen: it starts before the agent, loses it, shows the
// fault, which a telephone reads, and comes back by itself.
func TestScreenShowsTheFaultAndComesBack(t *testing.T) {
	agent := freeAddr(t)
	boot, note := filepath.Join(t.TempDir(), "boot"), filepath.Join(t.TempDir(), "note.json")
	if err := os.WriteFile(boot, []byte("1a2b3c4d-0000-0000-0000-000000000000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := serve(t, fault.Options{Agent: "http://" + agent + "/", Note: note, Boot: boot})
	b, err := devtools.Start(t.Context(), devtools.Options{Headless: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	p, err := b.OpenPage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Navigate(t.Context(), at+"/"); err != nil {
		t.Fatal(err)
	}
	const text, title = "document.body.innerText", "document.title"
	until(t, p, text, "la borne démarre")
	shown(t, at, http.StatusNoContent)
	show(t, p, "starting")
	srv := agentAt(t, agent)
	until(t, p, title, "agent")
	shown(t, at, http.StatusServiceUnavailable) // the agent's page is there instead

	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	if err := fault.Write(note, fault.Note{Kiosk: "k7QX2", Version: "2.0.1", Result: "exit-code", Status: "125", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if err := p.Eval(t.Context(), "location.replace('"+at+"/lost')", nil); err != nil { // as the agent's page does
		t.Fatal(err)
	}
	until(t, p, text, "Demandez à l’accueil")
	const want = "POINTNUM P1 2.0.1 k7QX2 1a2b3c4d"
	until(t, p, text, want)
	until(t, p, "document.fonts.ready.then(() => [...document.images].every(i => i.naturalWidth > 0) && [...document.fonts].filter(f => f.status === 'loaded').length >= 2 ? 'drawn' : '')", "drawn")
	for _, picture := range show(t, p, "fault") {
		read, err := exec.CommandContext(t.Context(), "zbarimg", "-q", "--raw", picture).Output()
		if err != nil || strings.TrimSpace(string(read)) != want {
			t.Errorf("a telephone reads %q (%v)", read, err)
		}
	}
	agentAt(t, agent)
	until(t, p, title, "agent")
}

// show takes the screen at both sizes, and returns the files.
func show(t *testing.T, p *devtools.Page, name string) (files []string) {
	t.Helper()
	dir := *pictures
	if dir == "" {
		dir = t.TempDir()
	}
	for _, size := range [][2]int{{1080, 1920}, {1920, 1080}} {
		if err := p.Screen(t.Context(), size[0], size[1]); err != nil {
			t.Fatal(err)
		}
		var over bool
		if err := p.Eval(t.Context(), "document.documentElement.scrollHeight > innerHeight || document.documentElement.scrollWidth > innerWidth", &over); err != nil || over {
			t.Errorf("%s does not fit %v (%v)", name, size, err)
		}
		png, err := p.Screenshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, fmt.Sprintf("%s-%d.png", name, size[0]))
		if err := os.WriteFile(file, png, 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// The page is for the kiosk's own screen only.
func TestNobodyElseIsServed(t *testing.T) {
	at := serve(t, fault.Options{Agent: "http://" + freeAddr(t) + "/", Note: "/nonexistent"})
	for _, c := range []struct {
		name, path string
		header     http.Header
		want       int
	}{
		{"the screen", "/", nil, http.StatusOK},
		{"a page of another site", "/", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}}, http.StatusForbidden},
		{"a frame of the agent's page", "/", http.Header{"Sec-Fetch-Site": {"same-site"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"iframe"}}, http.StatusForbidden},
		{"the agent's page", "/lost", http.Header{"Sec-Fetch-Site": {"same-site"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}}, http.StatusOK},
		{"another text in the code", "/code/P1%20JEAN.svg", nil, http.StatusNotFound},
		{"a code", "/code/P1.svg", nil, http.StatusOK},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = c.header
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
		if res.StatusCode != c.want {
			t.Errorf("%s: %d, want %d", c.name, res.StatusCode, c.want)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
