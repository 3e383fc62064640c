package assets_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"pointnum/kiosk/portal"
	"pointnum/ui/assets"
)

func load(t *testing.T) *assets.Set {
	t.Helper()
	s, err := assets.Load()
	if err != nil {
		t.Fatal(err)
	}
	if missing := s.Missing(); len(missing) > 0 {
		t.Fatalf("%d fonts and pictograms are missing (%s…): run make assets", len(missing), missing[0])
	}
	return s
}

func TestSpriteIsOneDocument(t *testing.T) {
	f, ok := load(t).File(assets.SpriteName)
	if !ok {
		t.Fatal("no sprite")
	}
	ids := map[string]bool{}
	d := xml.NewDecoder(bytes.NewReader(f.Data))
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		el, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		for _, a := range el.Attr {
			// The policy of the page refuses styles and scripts in the markup.
			if a.Name.Local == "style" || strings.HasPrefix(a.Name.Local, "on") || el.Name.Local == "script" {
				t.Errorf("<%s> has %s", el.Name.Local, a.Name.Local)
			}
			if el.Name.Local == "symbol" && a.Name.Local == "id" {
				if ids[a.Value] {
					t.Errorf("two pictures are called %q", a.Value)
				}
				ids[a.Value] = true
			}
		}
	}
	if len(ids) < 50 {
		t.Errorf("only %d pictures", len(ids))
	}
}

func TestEveryPictureOfTheCatalogueIsThere(t *testing.T) {
	s := load(t)
	c := portal.Default()
	for _, k := range c.Kinds {
		if !s.HasPicture(k.Picture) {
			t.Errorf("kind %s: no picture %q", k.ID, k.Picture)
		}
		for _, check := range k.Checks {
			if !s.HasPicture(check.Picture) {
				t.Errorf("check %s: no picture %q", check.ID, check.Picture)
			}
		}
	}
	for _, p := range c.Portals {
		if !s.HasPicture(p.Picture) {
			t.Errorf("portal %s: no picture %q", p.ID, p.Picture)
		}
	}
}

func TestUnknownPictureIsReplaced(t *testing.T) {
	s := load(t)
	if got := s.Picture("/static/", "no-such-picture"); !strings.HasSuffix(got, "#file-text") {
		t.Errorf("got %q", got)
	}
}

func TestFilesHaveTypes(t *testing.T) {
	s := load(t)
	for name, want := range map[string]string{
		"app.css": "text/css", "app.js": "text/javascript", assets.SpriteName: "image/svg+xml",
		"noto-sans-arabic-arabic-wght-normal.woff2": "font/woff2",
	} {
		f, ok := s.File(name)
		if !ok || !strings.HasPrefix(f.Type, want) || len(f.Data) == 0 || f.Sum == "" {
			t.Errorf("%s: %t, type %q, %d bytes", name, ok, f.Type, len(f.Data))
		}
	}
}
