package steward_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/steward"
)

// serve starts a steward and returns its folder.
func serve(t *testing.T, do steward.Do) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "s") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- steward.Serve(ctx, dir, "x", do) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(time.Millisecond) {
		if info, err := os.Stat(filepath.Join(dir, "x.sock")); err == nil && info.Mode().Perm() == 0o600 {
			return dir
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody serves")
		}
	}
}

func TestRootAnswers(t *testing.T) {
	dir := serve(t, func(_ context.Context, request []byte) (any, error) {
		if string(request) == `"bad"` {
			return nil, &kiosk.Error{Code: kiosk.CodeBadRequest, Op: "x", Err: errors.New("not so")}
		}
		return map[string]string{"got": string(request)}, nil
	})
	var answer struct{ Got string }
	for range 3 {
		if err := steward.Ask(t.Context(), dir, "x", []int{1, 2}, &answer); err != nil || answer.Got != "[1,2]" {
			t.Errorf("answered %q, %v", answer.Got, err)
		}
	}
	if err := steward.Ask(t.Context(), dir, "x", "bad", nil); kiosk.CodeOf(err) != kiosk.CodeBadRequest || !strings.Contains(err.Error(), "not so") {
		t.Errorf("refused with %v", err)
	}
	if err := steward.Ask(t.Context(), dir, "y", 1, nil); kiosk.CodeOf(err) != kiosk.CodeNotResponding {
		t.Errorf("nobody serves: %v", err)
	}
}

func TestAskerThatGoesAwayEndsTheWork(t *testing.T) {
	began, ended := make(chan struct{}, 1), make(chan struct{})
	dir := serve(t, func(ctx context.Context, _ []byte) (any, error) {
		began <- struct{}{}
		<-ctx.Done()
		close(ended)
		return nil, ctx.Err()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-began; cancel() }()
	if err := steward.Ask(ctx, dir, "x", 1, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("taken back: %v", err)
	}
	select {
	case <-ended:
	case <-time.After(40 * time.Second):
		t.Error("root goes on for nobody")
	}
}

func TestRequestThatIsNoneIsRefused(t *testing.T) {
	never := func(context.Context, []byte) (any, error) { t.Error("done"); return nil, nil }
	for _, in := range []string{"", "{", strings.Repeat(" ", steward.MaxRequest) + "1", `"` + strings.Repeat("a", steward.MaxRequest) + `"`} {
		if err := steward.Answer(t.Context(), strings.NewReader(in), &bytes.Buffer{}, never); err == nil {
			t.Errorf("%.10q was answered", in)
		}
	}
}
