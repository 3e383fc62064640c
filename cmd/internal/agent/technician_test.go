package agent_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pointnum/cmd/internal/agent"
	"pointnum/drivers/drivertest"
	"pointnum/kiosk/config"
	"pointnum/kiosk/control"
	"pointnum/kiosk/dispose"
	"pointnum/kiosk/steward"
)

// journal is a log that several goroutines write.
type journal struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.out.Write(b)
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.out.String()
}

// technicianAt is a technician's browser at a kiosk.
type technicianAt struct {
	t      *testing.T
	url    string
	client *http.Client
}

func (a technicianAt) do(method, path string, form url.Values) (int, string) {
	a.t.Helper()
	r, err := http.NewRequest(method, a.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		a.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", strings.TrimSuffix(a.url, "/"))
	}
	res, err := a.client.Do(r)
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// A technician opens the menu of a whole agent: a release of a stick is
// refused in a sentence, no visit begins meanwhile, and root erases the kiosk
// for the word alone. The code is in no log.
func TestATechnicianDoesAllOnTheScreen(t *testing.T) {
	t.Setenv("TMPDIR", os.TempDir()) // Run changes it
	child := kioskd(t)
	dir, files := memory(t), t.TempDir()
	from, keys, _ := stick(t, "0.9.0")
	osRelease, loader := filepath.Join(files, "os-release"), filepath.Join(files, "efi")
	if err := errors.Join(os.Mkdir(loader, 0o700), os.WriteFile(filepath.Join(loader, "pointnum_1.0.0.efi"), nil, 0o600),
		os.WriteFile(osRelease, []byte("IMAGE_ID=pointnum\nIMAGE_VERSION=1.0.0\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	cfg.Browser.On, cfg.Voice = false, false
	cfg.Spool, cfg.Control, cfg.Fleet.Dir = filepath.Join(dir, "spool"), filepath.Join(dir, "control.sock"), filepath.Join(files, "lib")
	ctx, stop := context.WithCancel(context.Background())
	asked, served := make(chan string, 9), make(chan error, 1)
	go func() {
		served <- steward.Serve(ctx, dir, agent.StewardDispose, func(_ context.Context, request []byte) (any, error) {
			asked <- string(bytes.TrimSpace(request))
			return dispose.Proof{Words: 1, At: time.Now(), Version: "1.0.0", Machine: "Exemple 21", Files: 3, Verdict: true}, nil
		})
	}()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log, ready, ended, off := &journal{}, make(chan string, 1), make(chan error, 1), make(chan struct{}, 1)
	go func() {
		ended <- agent.Run(ctx, agent.Options{
			Config: cfg, Drivers: agent.Drivers(), Listener: ln, Child: child, Ready: func(url string) { ready <- url },
			Log:      slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
			PowerOff: func(context.Context) error { off <- struct{}{}; return nil },
			Updates: agent.UpdateOptions{OSRelease: osRelease, Keys: keys, Loader: loader, Stewards: dir,
				Sticks: func() ([]string, error) { return []string{from}, nil }},
		})
	}()
	defer func() {
		stop()
		if err := errors.Join(<-ended, <-served); err != nil {
			t.Error(err)
		}
	}()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	a := technicianAt{t, <-ready, &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 40 * time.Second}}
	if _, body := a.do(http.MethodGet, "technique", nil); !strings.Contains(body, "pas encore de code") {
		t.Errorf("without a code: %s", body)
	}
	ctl := control.Client{Path: cfg.Control}
	var code string
	drivertest.Eventually(t, "a code", func() bool {
		code, err = ctl.NewCode(t.Context())
		return err == nil
	})
	if _, body := a.do(http.MethodPost, "technique/code", url.Values{"code": {"00000000"}}); !strings.Contains(body, "Il reste 4 essais") {
		t.Errorf("a wrong code: %s", body)
	}
	if _, body := a.do(http.MethodPost, "technique/code", url.Values{"code": {code}}); !strings.Contains(body, `data-step="menu"`) || !strings.Contains(body, "Version 1.0.0") {
		t.Fatalf("the menu: %s", body)
	}
	if _, body := a.do(http.MethodGet, "technique/update", nil); !strings.Contains(body, "Version 0.9.0") {
		t.Errorf("the stick: %s", body)
	}
	if _, body := a.do(http.MethodPost, "technique/act/update", url.Values{"text": {from}}); !strings.Contains(body, "pas plus récente") {
		t.Errorf("an old release: %s", body)
	}
	if _, body := a.do(http.MethodPost, "technique/act/update", url.Values{"text": {files}}); !strings.Contains(body, "n’est pas là") {
		t.Errorf("a folder that is no stick's: %s", body)
	}
	r, err := a.client.Post(a.url+"act/start", "application/json", strings.NewReader(`{"lang":"fr"}`))
	if err != nil {
		t.Fatal(err)
	}
	if r.Body.Close(); r.StatusCode != http.StatusConflict {
		t.Errorf("a visit begins beside the menu: %s", r.Status)
	}
	if _, body := a.do(http.MethodPost, "technique/act/erase", url.Values{"text": {"EFACER"}}); !strings.Contains(body, "Ce n’est pas le mot") || len(asked) > 0 {
		t.Errorf("a wrong word: %s", body)
	}
	a.do(http.MethodPost, "technique/act/erase", url.Values{"text": {"effacer"}})
	var body string
	drivertest.Eventually(t, "the proof", func() bool {
		_, body = a.do(http.MethodGet, "technique", nil)
		return strings.Contains(body, "PREUVE D’EFFACEMENT")
	})
	var request map[string]any
	if err := json.Unmarshal([]byte(<-asked), &request); err != nil || len(request) != 1 || request["confirm"] != "EFFACER" {
		t.Errorf("root was asked %v, %v", request, err)
	}
	if a.do(http.MethodGet, "", nil); len(asked) > 0 {
		t.Error("erased twice")
	}
	if a.do(http.MethodPost, "technique/act/off", nil); len(off) != 1 {
		t.Error("not switched off")
	}
	if text := log.text(); strings.Contains(text, code) || strings.Contains(text, strings.ReplaceAll(code, " ", "")) || strings.Contains(text, "00000000") {
		t.Errorf("a code in the log:\n%s", text)
	}
}
