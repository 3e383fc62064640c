package relay_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pointnum/kiosk"
	"pointnum/kiosk/phone"
	"pointnum/provisioning/relay"
)

// asRelay makes this program a relay and nothing else: a test reads its memory.
const asRelay = "POINTNUM_TEST_RELAY"

func TestMain(m *testing.M) {
	if os.Getenv(asRelay) == "" {
		os.Exit(m.Run())
	}
	var t testing.T // for listen only, which does not fail here
	_, address := listen(&t, nil, nil)
	fmt.Println(address)
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test ends
}

// alone starts a relay in a process of its own.
func alone(t *testing.T) (address string, pid int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asRelay+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Errorf("the relay: %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line), cmd.Process.Pid
}

// remembered says which things a process has in its memory. Regions beyond
// 64 MB that are not Go's heap are the race detector's own.
func remembered(t *testing.T, pid int, what [][]byte) (found []string) {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	const heap = 0xc000000000
	for line := range strings.Lines(string(maps)) {
		from, rest, _ := strings.Cut(line, "-") // what is cut wrongly is no number
		to, rest, _ := strings.Cut(rest, " ")
		a, err1 := strconv.ParseInt(from, 16, 64)
		b, err2 := strconv.ParseInt(to, 16, 64)
		if err1 != nil || err2 != nil || !strings.HasPrefix(rest, "rw") || b-a > 64<<20 && (a < heap || a > heap+1<<36) {
			continue
		}
		all := make([]byte, b-a)
		n, _ := mem.ReadAt(all, a) // what can't be read holds nothing
		for _, w := range what {
			if bytes.Contains(all[:n], w) {
				found = append(found, string(w))
			}
		}
	}
	return found
}

// secret is a file with a marker in each of its parts.
func secret(t *testing.T, name string, size int) (path string, content, marker []byte) {
	t.Helper()
	marker = []byte("MARQUE-" + rand.Text())
	content = bytes.Repeat(append(marker, '\n'), size/len(marker)+1)[:size]
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, content, marker
}

func TestPapersGoBothWaysAndTheRelayReadsNothing(t *testing.T) {
	address, pid := alone(t)
	k := invite(t, phone.Options{Address: address, Files: relay.Files(), Digest: relay.Served()})
	browser := unpack(t)
	qr := k.address()
	h := link(t, browser, k)
	var shown string
	if h.eval(`location.href`, &shown); strings.Contains(shown, "#") {
		t.Errorf("the key is still in the address bar: %s", shown)
	}
	second := scan(t, browser, qr)
	second.ends("used")

	path, want, marker := secret(t, "photo de l’avis.jpg", 3_000_001)
	h.choose("files", path)
	s := k.wait("an offer", func(s kiosk.PhoneState) bool { return len(s.Offers) == 1 })
	if f := s.Offers[0]; f.Size != int64(len(want)) || f.Name != "photo de l’avis.jpg" {
		t.Errorf("offered %+v", f)
	}
	got, err := k.receive(s.Offers[0].ID)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d bytes of %d arrived: %v", len(got), len(want), err)
	}
	if err := k.Answer(t.Context(), s.Offers[0].ID, ""); err != nil {
		t.Error(err)
	}
	eventually(t, "the phone to say that it arrived", func() bool { return strings.Contains(h.text(), "bien reçu") })

	_, doc, docMarker := secret(t, "attestation.pdf", 1_000_000)
	sent := make(chan error)
	go func() {
		sent <- k.Send(t.Context(), []kiosk.Attachment{{Name: "attestation.pdf", Size: int64(len(doc)),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(doc)), nil }}}, nil)
	}()
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	h.shoot("doc")
	if err := browser.Call(t.Context(), "", "Browser.setDownloadBehavior", map[string]any{"behavior": "allow", "downloadPath": h.kept}, nil); err != nil {
		t.Fatal(err)
	}
	h.eval(`document.querySelector('#docs a').click()`, nil)
	kept := filepath.Join(h.kept, "attestation.pdf")
	eventually(t, "the phone to keep the document", func() bool {
		content, err := os.ReadFile(kept)
		return err == nil && bytes.Equal(content, doc)
	})

	_, session, _ := strings.Cut(qr, "#")
	known := []byte(strings.TrimPrefix(address, "http://"))
	found := remembered(t, pid, [][]byte{known, marker, docMarker, []byte("photo de l’avis"),
		[]byte("attestation.pdf"), []byte(strings.Split(session, ".")[1])})
	if !slices.Contains(found, string(known)) {
		t.Error("the search finds nothing at all")
	}
	for _, f := range found {
		if f != string(known) {
			t.Errorf("the relay has read %q", f)
		}
	}
	if err := k.Close(t.Context()); err != nil {
		t.Error(err)
	}
	h.ends("done")
	if !strings.Contains(h.text(), "avant de fermer") {
		t.Errorf("the phone may be closed with a document that was not kept: %q", h.text())
	}
}

func TestASessionThatTheRelayLoses(t *testing.T) {
	r, address := listen(t, nil, nil)
	k := invite(t, phone.Options{Address: address})
	h := link(t, unpack(t), k)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Run(over); err != nil { // as when its time is over, or it starts again
		t.Fatal(err)
	}
	h.ends("lost")
	s := k.wait("another code", func(s kiosk.PhoneState) bool { return s.Address != "" })
	if s.Trouble != kiosk.CodePhoneLost || s.Accepted {
		t.Errorf("the kiosk shows %+v", s)
	}
}

func TestAPhoneThatTheVisitorRefuses(t *testing.T) {
	_, address := listen(t, nil, nil)
	k := invite(t, phone.Options{Address: address})
	browser := unpack(t)
	h := scan(t, browser, k.address())
	h.shows("code")
	first := k.wait("a phone", func(s kiosk.PhoneState) bool { return s.Code != "" })
	if _, err := k.Receive(t.Context(), "1"); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
		t.Errorf("files before the visitor said yes: %v", err)
	}
	if err := k.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.ends("refused")
	s := k.wait("another code", func(s kiosk.PhoneState) bool { return s.Address != "" })
	if s.Trouble != "" || s.Code != "" {
		t.Errorf("the kiosk shows %+v after %+v", s, first)
	}
	h2 := link(t, browser, k)
	path, _, _ := secret(t, "a.pdf", 10)
	h2.choose("photo", path)
	s = k.wait("an offer", func(s kiosk.PhoneState) bool { return len(s.Offers) == 1 })
	if err := k.Answer(t.Context(), s.Offers[0].ID, kiosk.CodeFilePassword); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the phone to say why", func() bool { return strings.Contains(h2.text(), "mot de passe") })
	big := filepath.Join(t.TempDir(), "film.mp4")
	f, err := os.Create(big)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(phone.MaxTotal + 1); err != nil { // a hole: it takes no room
		t.Fatal(err)
	}
	h2.choose("files", big)
	eventually(t, "the phone to say that it is too big", func() bool { return strings.Contains(h2.text(), "trop lourd") })
	h2.shoot("refused")
	nobody := scan(t, browser, address+"/d")
	nobody.ends("none")
	old := scan(t, browser, address+"/d#AAAAAAAAAAAAAAAAAAAAAA."+strings.Split(k2(t, address), ".")[1]+".ar")
	old.ends("old")
}

// k2 is another kiosk's code.
func k2(t *testing.T, address string) string {
	t.Helper()
	return invite(t, phone.Options{Address: address}).address()
}
