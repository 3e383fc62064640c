package fetch_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io/fs"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/link/route"
	"pointnum/provisioning/update"
	"pointnum/provisioning/update/fetch"
)

const (
	uuid = "0123456789abcdef0123456789abcdef"
	root = "pointnum_2.0.0_" + uuid + ".root"
	size = 600_000 // of the root
)

// TestMain also runs the child that is killed.
func TestMain(m *testing.M) {
	if os.Getenv("FETCH_CHILD") == "" {
		os.Exit(m.Run())
	}
	keys, err := update.LoadKeys(os.Getenv("FETCH_KEYS"))
	if err != nil {
		log.Fatal(err)
	}
	b, err := os.ReadFile(os.Getenv("FETCH_CA"))
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(b)
	way, err := route.New(os.Getenv("FETCH_URL"), nil, pool, nil)
	if err != nil {
		log.Fatal(err)
	}
	_, err = fetch.Fetch(context.Background(), fetch.Options{
		Source: &fetch.Web{Route: way}, Keys: keys, Version: "2.0.0", Into: os.Getenv("FETCH_INTO"),
		Accept: func(*update.Manifest) error { return nil },
	})
	if err != nil {
		log.Fatal(err)
	}
	os.Exit(0)
}

// meddler may answer in a server's place, and says whether it did.
type meddler func(w http.ResponseWriter, r *http.Request) bool

// shop is a server with a release.
type shop struct {
	*httptest.Server
	dir    string
	key    ed25519.PrivateKey
	public ed25519.PublicKey
	served atomic.Int64 // bytes of files
	meddle atomic.Pointer[meddler]
	serial *x509.Certificate
}

func open(t testing.TB) *shop {
	t.Helper()
	s := &shop{dir: t.TempDir()}
	var err error
	if s.public, s.key, err = ed25519.GenerateKey(nil); err != nil {
		t.Fatal(err)
	}
	content := make([]byte, size)
	if _, err := rand.Read(content); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{root: content, "pointnum_2.0.0_" + uuid + ".verity": content[:5000], "pointnum_2.0.0.efi": content[:70_000]} {
		if err := os.WriteFile(filepath.Join(s.dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := update.WriteManifest(context.Background(), s.dir, update.Manifest{Arch: "amd64"}); err != nil {
		t.Fatal(err)
	}
	if err := update.SignFolder(s.dir, s.key); err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.Config.ErrorLog = log.New(new(bytes.Buffer), "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{s.certificate(t)}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// certificate is good from an hour ago for two.
func (s *shop) certificate(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if s.serial, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (s *shop) serve(w http.ResponseWriter, r *http.Request) {
	if m := s.meddle.Load(); m != nil && (*m)(w, r) {
		return
	}
	s.file(&counter{ResponseWriter: w, n: &s.served}, r)
}

// file serves as fleetd does: files are called by their hash.
func (s *shop) file(w http.ResponseWriter, r *http.Request) {
	path := filepath.Join(s.dir, filepath.Base(r.URL.Path))
	b, err := os.ReadFile(path)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	sum := sha256.Sum256(b)
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
}

type counter struct {
	http.ResponseWriter
	n   *atomic.Int64
	max int64 // bytes after which the connection is cut; 0 for none
	put int64
}

func (c *counter) Write(p []byte) (int, error) {
	if c.max > 0 && c.put+int64(len(p)) > c.max {
		p = p[:c.max-c.put]
		_, _ = c.ResponseWriter.Write(p)
		c.n.Add(int64(len(p)))
		panic(http.ErrAbortHandler)
	}
	n, err := c.ResponseWriter.Write(p)
	c.put += int64(n)
	c.n.Add(int64(n))
	return n, err
}

func (s *shop) way(t testing.TB, now func() time.Time) *route.Route {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(s.serial)
	r, err := route.New(s.URL+"/releases/2.0.0/", nil, pool, now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (s *shop) options(t testing.TB, into string) fetch.Options {
	return fetch.Options{
		Source: &fetch.Web{Route: s.way(t, nil)}, Keys: []ed25519.PublicKey{s.public}, Version: "2.0.0", Into: into,
		Accept: func(m *update.Manifest) error { return m.Fits("amd64", "1.0.0", "") }, Stall: 20 * time.Second,
	}
}

// names are the files of a folder; each that has its own name has to be the
// one that was signed.
func (s *shop) check(t *testing.T, into string) (whole int) {
	t.Helper()
	files, err := os.ReadDir(into)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".part") || strings.HasSuffix(f.Name(), ".tmp") {
			continue
		}
		have, err := os.ReadFile(filepath.Join(into, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join(s.dir, f.Name()))
		if err != nil || !bytes.Equal(have, want) {
			t.Errorf("%s is not what was signed: %v", f.Name(), err)
		}
		whole++
	}
	return whole
}

const whole = 5 // files of a release with its manifest

func TestAServerThatIsNotWhatItShouldBe(t *testing.T) {
	isRoot := func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, ".root") }
	for name, c := range map[string]struct {
		meddle func(s *shop, w http.ResponseWriter, r *http.Request) bool
		want   kiosk.Code // "" for one that does
		tries  int        // until it does
		most   int64      // bytes served; 0 for any
	}{
		"a good one": {func(*shop, http.ResponseWriter, *http.Request) bool { return false }, "", 1, size + 90_000},
		"cuts again and again": {func(s *shop, w http.ResponseWriter, r *http.Request) bool {
			s.file(&counter{ResponseWriter: w, n: &s.served, max: 150_000}, r)
			return true
		}, "", 6, size + 200_000},
		"cuts, and names files in its own way": {func(s *shop, w http.ResponseWriter, r *http.Request) bool {
			b, err := os.ReadFile(filepath.Join(s.dir, filepath.Base(r.URL.Path)))
			if err != nil {
				return false
			}
			w.Header().Set("ETag", `"own"`)
			http.ServeContent(&counter{ResponseWriter: w, n: &s.served, max: 200_000}, r, "", time.Time{}, bytes.NewReader(b))
			return true
		}, "", 6, size + 1_000_000}, // If-Range costs a beginning each time
		"knows no ranges": {func(s *shop, w http.ResponseWriter, r *http.Request) bool {
			r.Header.Del("Range")
			limit := int64(0)
			if isRoot(r) && s.served.Load() < 200_000 {
				limit = 200_000
			}
			b, err := os.ReadFile(filepath.Join(s.dir, filepath.Base(r.URL.Path)))
			if err != nil {
				return false
			}
			_, _ = (&counter{ResponseWriter: w, n: &s.served, max: limit}).Write(b)
			return true
		}, "", 2, 0},
		"begins with another file, then cuts": {func(s *shop, w http.ResponseWriter, r *http.Request) bool {
			if !isRoot(r) || s.served.Load() > 100_000 {
				return false
			}
			w.Header().Set("Content-Length", "600000")
			_, _ = (&counter{ResponseWriter: w, n: &s.served, max: 110_000}).Write(make([]byte, size))
			return true
		}, "", 2, 0},
		"another file of that size": {func(_ *shop, w http.ResponseWriter, r *http.Request) bool {
			if isRoot(r) {
				_, _ = w.Write(make([]byte, size))
			}
			return isRoot(r)
		}, provisioning.CodeUpdateAltered, 0, 0},
		"a file that never ends": {func(s *shop, w http.ResponseWriter, r *http.Request) bool {
			for isRoot(r) {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return true
				}
			}
			return false
		}, provisioning.CodeUpdateAltered, 0, 0},
		"a manifest that never ends": {func(s *shop, w http.ResponseWriter, r *http.Request) bool {
			for strings.HasSuffix(r.URL.Path, ".json") {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return true
				}
			}
			return false
		}, provisioning.CodeUpdateSignature, 0, 0},
		"a range from elsewhere": {func(s *shop, w http.ResponseWriter, r *http.Request) bool {
			if !isRoot(r) {
				return false
			}
			if r.Header.Get("Range") == "" {
				s.file(&counter{ResponseWriter: w, n: &s.served, max: 100_000}, r)
			}
			w.Header().Set("Content-Range", "bytes 7-8/9")
			w.WriteHeader(http.StatusPartialContent)
			return true
		}, route.CodeServer, 0, 0},
		"nothing there": {func(s *shop, w http.ResponseWriter, r *http.Request) bool {
			http.NotFound(w, r)
			return true
		}, provisioning.CodeUpdateMissing, 0, 0},
		"a file less": {func(s *shop, w http.ResponseWriter, r *http.Request) bool {
			if isRoot(r) {
				http.NotFound(w, r)
			}
			return isRoot(r)
		}, provisioning.CodeUpdateMissing, 0, 0},
		"out of order": {func(s *shop, w http.ResponseWriter, r *http.Request) bool {
			http.Error(w, "no", http.StatusBadGateway)
			return true
		}, route.CodeServer, 0, 0},
		"sends elsewhere": {func(s *shop, w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
			return true
		}, route.CodeServer, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			meddle := meddler(func(w http.ResponseWriter, r *http.Request) bool { return c.meddle(s, w, r) })
			s.meddle.Store(&meddle)
			into := filepath.Join(t.TempDir(), "2.0.0")
			var err error
			for range max(2, c.tries) {
				_, err = fetch.Fetch(t.Context(), s.options(t, into))
				n := s.check(t, into)
				if err == nil {
					if n != whole {
						t.Errorf("%d files", n)
					}
					break
				}
			}
			if kiosk.CodeOf(err) != c.want {
				t.Errorf("%v, want %q", err, c.want)
			}
			if n := s.served.Load(); c.most > 0 && n > c.most {
				t.Errorf("%d bytes for a release of %d", n, size+75_000)
			}
		})
	}
}

func TestAServerThatGivesAByteNowAndThenIsLeft(t *testing.T) {
	s := open(t)
	meddle := meddler(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, ".root") {
			return false
		}
		w.Header().Set("Content-Length", "600000")
		for {
			if _, err := w.Write([]byte{0}); err != nil {
				return true
			}
			if err := http.NewResponseController(w).Flush(); err != nil {
				return true
			}
			select {
			case <-time.After(5 * time.Millisecond):
			case <-r.Context().Done():
				return true
			}
		}
	})
	s.meddle.Store(&meddle)
	o := s.options(t, filepath.Join(t.TempDir(), "2.0.0"))
	o.Stall = 500 * time.Millisecond
	if _, err := fetch.Fetch(t.Context(), o); kiosk.CodeOf(err) != kiosk.CodeNotResponding {
		t.Error(err)
	}
}

func TestAKioskKeepsToItsRateAndStopsWhenTold(t *testing.T) {
	s := open(t)
	o := s.options(t, filepath.Join(t.TempDir(), "2.0.0"))
	o.Rate = func() int64 { return 1 << 20 }
	begin := time.Now()
	if _, err := fetch.Fetch(t.Context(), o); err != nil || time.Since(begin) < 400*time.Millisecond {
		t.Errorf("%v after %v", err, time.Since(begin))
	}
	o.Into = filepath.Join(t.TempDir(), "2.0.0")
	o.Rate = func() int64 { return 1 }
	cause := errors.New("a visit")
	ctx, cancel := context.WithCancelCause(t.Context())
	o.Progress = func(done, _ int64) {
		if done > 0 {
			cancel(cause)
		}
	}
	if _, err := fetch.Fetch(ctx, o); !errors.Is(err, cause) {
		t.Error(err)
	}
}

func TestAKioskFromACupboardFetchesByAnyClock(t *testing.T) {
	s := open(t)
	for _, years := range []int{-30, -2, 2, 40} {
		o := s.options(t, filepath.Join(t.TempDir(), "2.0.0"))
		o.Source = &fetch.Web{Route: s.way(t, func() time.Time { return time.Now().AddDate(years, 0, 0) })}
		if _, err := fetch.Fetch(t.Context(), o); err != nil {
			t.Errorf("%d years: %v", years, err)
		}
	}
	o := s.options(t, filepath.Join(t.TempDir(), "2.0.0"))
	o.Source = &fetch.Web{
		Route: s.way(t, func() time.Time { return time.Now().AddDate(2, 0, 0) }), Floor: time.Now().AddDate(1, 0, 0),
	}
	if _, err := fetch.Fetch(t.Context(), o); kiosk.CodeOf(err) != route.CodeCertificate {
		t.Errorf("a certificate that ran out is taken: %v", err)
	}
}

func TestAReleaseThatIsNotForThisKioskIsNotFetched(t *testing.T) {
	s := open(t)
	o := s.options(t, filepath.Join(t.TempDir(), "2.0.0"))
	o.Accept = func(m *update.Manifest) error { return m.Fits("amd64", "2.0.0", "") }
	if _, err := fetch.Fetch(t.Context(), o); kiosk.CodeOf(err) != provisioning.CodeUpdateOlder || s.served.Load() > 2000 {
		t.Errorf("%v, %d bytes", err, s.served.Load())
	}
	o = s.options(t, o.Into)
	o.Free = func(string) (int64, error) { return 100 << 10, nil }
	if _, err := fetch.Fetch(t.Context(), o); kiosk.CodeOf(err) != provisioning.CodeUpdateNoRoom || s.served.Load() > 4000 {
		t.Errorf("%v, %d bytes", err, s.served.Load())
	}
	o = s.options(t, o.Into)
	o.Version = "2.0.1"
	if _, err := fetch.Fetch(t.Context(), o); kiosk.CodeOf(err) != provisioning.CodeUpdateMissing {
		t.Error(err)
	}
}

func TestAStickHoldsAReleaseToo(t *testing.T) {
	s := open(t)
	into := filepath.Join(t.TempDir(), "2.0.0")
	o := s.options(t, into)
	o.Source = fetch.Folder{Dir: s.dir}
	if _, err := fetch.Fetch(t.Context(), o); err != nil || s.check(t, into) != whole {
		t.Fatal(err)
	}
	// What is there is looked at again, and mended.
	if err := os.WriteFile(filepath.Join(into, root), make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := fetch.Fetch(t.Context(), o); err != nil || s.check(t, into) != whole {
		t.Error(err)
	}
	if err := os.Truncate(filepath.Join(s.dir, root), 1000); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(into); err != nil {
		t.Fatal(err)
	}
	if _, err := fetch.Fetch(t.Context(), o); kiosk.CodeOf(err) != provisioning.CodeUpdateMissing {
		t.Errorf("half a stick: %v", err)
	}
}

// The process is killed at many points; each time it goes on, and what has a
// file's name is the file.
func TestAFetchThatIsKilledGoesOn(t *testing.T) {
	s := open(t)
	into := filepath.Join(t.TempDir(), "2.0.0")
	files := t.TempDir()
	keys, ca := filepath.Join(files, "keys"), filepath.Join(files, "ca")
	if err := errors.Join(os.WriteFile(keys, []byte(update.PublicLine(s.public)), 0o600),
		os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.serial.Raw}), 0o600)); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var now atomic.Pointer[gate]
	meddle := meddler(func(w http.ResponseWriter, r *http.Request) bool {
		g := *now.Load()
		g.ResponseWriter = w
		s.file(&g, r)
		return true
	})
	s.meddle.Store(&meddle)
	for point := int64(20_000); ; point += 90_000 {
		reached, gone := make(chan struct{}, 1), make(chan struct{})
		now.Store(&gate{s: s, stop: s.served.Load() + point, reached: reached, gone: gone})
		child := exec.Command(exe)
		child.Env = append(os.Environ(), "FETCH_CHILD=1", "FETCH_URL="+s.URL+"/r/", "FETCH_KEYS="+keys, "FETCH_CA="+ca, "FETCH_INTO="+into)
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- child.Wait() }()
		select {
		case <-reached:
			if err := child.Process.Kill(); err != nil {
				t.Error(err)
			}
			<-ended
			close(gone)
			s.check(t, into)
			continue
		case err := <-ended:
			close(gone)
			if err != nil || s.check(t, into) != whole {
				t.Errorf("the last one: %v", err)
			}
		case <-time.After(60 * time.Second):
			_ = child.Process.Kill()
			<-ended
			close(gone)
			t.Fatal("the fetch hangs")
		}
		break
	}
	if n := s.served.Load(); n > 3*size {
		t.Errorf("%d bytes for a release of %d: it begins anew each time", n, size+75_000)
	}
}

// gate stops when so many bytes were served, until the reader is gone.
type gate struct {
	http.ResponseWriter
	s             *shop
	stop          int64
	reached, gone chan struct{}
}

func (g *gate) Write(p []byte) (int, error) {
	for done := 0; done < len(p); {
		if g.s.served.Load() >= g.stop {
			_ = http.NewResponseController(g.ResponseWriter).Flush()
			select {
			case g.reached <- struct{}{}:
			default:
			}
			<-g.gone
		}
		n, err := g.ResponseWriter.Write(p[done:min(len(p), done+8<<10)])
		done += n
		g.s.served.Add(int64(n))
		if err != nil {
			return done, err
		}
	}
	return len(p), nil
}
