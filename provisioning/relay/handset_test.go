package relay_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pointnum/kiosk"
	"pointnum/kiosk/browser/devtools"
)

// handset is a phone: Chromium of a phone's size.
type handset struct {
	t    *testing.T
	page *devtools.Page
	b    *devtools.Browser
	kept string // folder of downloads
}

func unpack(t *testing.T) *devtools.Browser {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Fatal("chromium is not installed: run make deps")
	}
	b, err := devtools.Start(t.Context(), devtools.Options{Headless: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func scan(t *testing.T, b *devtools.Browser, address string) *handset {
	t.Helper()
	page, err := b.OpenPage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h := &handset{t: t, page: page, b: b, kept: t.TempDir()}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the phone shows %q", h.text())
		}
		_ = page.Close(context.Background())
	})
	if err := page.Phone(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := page.Navigate(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *handset) eval(script string, result any) {
	h.t.Helper()
	if err := h.page.Eval(context.WithoutCancel(h.t.Context()), script, result); err != nil {
		h.t.Fatalf("%s: %v", script, err)
	}
}

func (h *handset) text() (s string) {
	h.eval(`document.body.innerText`, &s)
	return s
}

func (h *handset) shows(section string) {
	h.t.Helper()
	eventually(h.t, "the phone to show "+section, func() bool {
		var is bool
		h.eval(fmt.Sprintf(`!!document.getElementById(%q) && !document.getElementById(%q).hidden && !document.getElementById('main').hidden`, section, section), &is)
		return is
	})
	h.shoot(section)
}

func (h *handset) ends(code string) {
	h.t.Helper()
	eventually(h.t, "the phone to end with "+code, func() bool {
		var is string
		h.eval(`document.documentElement.getAttribute('data-ended') || ''`, &is)
		return is == code
	})
	h.shoot("end-" + code)
	if strings.Contains(h.text(), "undefined") {
		h.t.Errorf("the phone says %q", h.text())
	}
}

// shoot keeps a picture when POINTNUM_SHOTS names a folder.
func (h *handset) shoot(name string) {
	dir := os.Getenv("POINTNUM_SHOTS")
	if dir == "" {
		return
	}
	if err := h.page.Call(context.WithoutCancel(h.t.Context()), "Page.bringToFront", nil, nil); err != nil {
		h.t.Error(err)
	}
	png, err := h.page.Screenshot(context.WithoutCancel(h.t.Context()))
	if err != nil {
		h.t.Error(err)
		return
	}
	name = strings.ReplaceAll(h.t.Name(), "/", "-") + "-" + name + ".png"
	if err := os.WriteFile(filepath.Join(dir, name), png, 0o600); err != nil {
		h.t.Error(err)
	}
}

// choose puts files into one of the page's fields, as its picker does.
func (h *handset) choose(field string, paths ...string) {
	h.t.Helper()
	if err := h.page.Choose(h.t.Context(), "#"+field, paths...); err != nil {
		h.t.Fatal(err)
	}
}

// link pairs a phone with a kiosk, whose visitor says yes.
func link(t *testing.T, b *devtools.Browser, k *borne) *handset {
	t.Helper()
	h := scan(t, b, k.address())
	h.shows("code")
	s := k.wait("a phone", func(s kiosk.PhoneState) bool { return s.Code != "" })
	var digits string
	h.eval(`document.getElementById('digits').textContent`, &digits)
	if digits != s.Code || len(digits) != 4 {
		t.Errorf("the phone shows %q, the kiosk %q", digits, s.Code)
	}
	if err := k.Accept(t.Context(), "nope"); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
		t.Errorf("other digits: %v", err)
	}
	if err := k.Accept(t.Context(), digits); err != nil {
		t.Fatal(err)
	}
	h.shows("ready")
	return h
}
