package speech_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pointnum/kiosk/browser/proc"
	"pointnum/kiosk/speech"
)

// sound keeps what would be heard.
type sound struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *sound) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

// length is how long it is, and forgets it. The program's WAV is of 22,050
// samples of two bytes a second.
func (s *sound) length(t *testing.T) time.Duration {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	wav := s.b.Bytes()
	defer s.b.Reset()
	if len(wav) < 44 || string(wav[:4]) != "RIFF" || binary.LittleEndian.Uint32(wav[24:]) != 22050 {
		t.Fatalf("no sound of the kind: %d bytes", len(wav))
	}
	return time.Duration(len(wav)-44) * time.Second / (2 * 22050)
}

func voice(t *testing.T) (*speech.Voice, *sound) {
	t.Helper()
	s := &sound{}
	v, err := speech.New(t.Context(), speech.Options{Output: s})
	if err != nil {
		t.Fatalf("espeak-ng is needed, run 'make deps': %v", err)
	}
	return v, s
}

func TestTextIsRead(t *testing.T) {
	v, s := voice(t)
	if err := v.Say(t.Context(), "Bonjour. Touchez le bouton vert pour donner votre papier au site.", "fr"); err != nil {
		t.Fatal(err)
	}
	if d := s.length(t); d < 2*time.Second || d > 12*time.Second {
		t.Errorf("it takes %v", d)
	}
	for _, text := range []string{"", " \n ", "\x01\x02"} {
		if err := v.Say(t.Context(), text, "fr"); err != nil || s.b.Len() > 0 {
			t.Errorf("%q: %v, %d bytes of sound", text, err, s.b.Len())
		}
	}
	// More than is read at once, and no command to the program.
	if err := v.Say(t.Context(), "\x01400S[[h@l'oU]]\xff été", "xx"); err != nil {
		t.Fatal(err)
	}
	s.length(t)
}

func TestItKnowsItsLanguages(t *testing.T) {
	v, _ := voice(t)
	for lang, want := range map[string]bool{"fr": true, "fr-FR": true, "FR": true, "en": true, "en-GB": true, "uk": true,
		"ar": false, "ar-MA": false, "xx": false, "": false, "-": false} {
		if v.Speaks(lang) != want {
			t.Errorf("%q: got %v", lang, !want)
		}
	}
}

// blocked is a loudspeaker that takes its time.
type blocked struct {
	once    sync.Once
	reached chan struct{}
	release chan struct{}
}

func (b *blocked) Write(p []byte) (int, error) {
	b.once.Do(func() { close(b.reached) })
	<-b.release
	return len(p), nil
}

func TestItIsQuietAtOnce(t *testing.T) {
	b := &blocked{reached: make(chan struct{}), release: make(chan struct{})}
	quick, err := speech.New(t.Context(), speech.Options{Output: b})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- quick.Say(ctx, strings.Repeat("Un texte qui est long. ", 600), "fr") }()
	<-b.reached
	pid, args := child(t)
	if pid == 0 || strings.Contains(args, "texte") {
		t.Errorf("the program is called as %q", args)
	}
	stop()
	close(b.release)
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if pid, _ := child(t); pid != 0 {
		t.Error("the program is still there")
	}
}

// child finds our espeak-ng.
func child(t *testing.T) (pid int, args string) {
	t.Helper()
	all, err := proc.All()
	if err != nil {
		t.Fatal(err)
	}
	for id, p := range all {
		if p.Parent != os.Getpid() || p.Dead() {
			continue
		}
		raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(id), "cmdline"))
		if err == nil && bytes.Contains(raw, []byte("espeak")) {
			return id, string(raw)
		}
	}
	return 0, ""
}

func TestWithoutALoudspeakerThereIsNoVoice(t *testing.T) {
	if _, err := speech.New(t.Context(), speech.Options{Devices: filepath.Join(t.TempDir(), "*")}); !errors.Is(err, speech.ErrSilent) {
		t.Errorf("got %v", err)
	}
	if _, err := speech.New(t.Context(), speech.Options{Path: "no-such-program"}); err == nil || errors.Is(err, speech.ErrSilent) {
		t.Errorf("got %v", err)
	}
}
