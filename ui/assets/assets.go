// Package assets holds the files of the screens: style and script (web), our
// own drawings (pictures), and the fonts and pictograms of other projects
// (vendor), which `make assets` fetches. A program built without those shows
// the system's fonts and empty places for pictograms; see Set.Missing.
package assets

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"path"
	"slices"
	"strings"
)

//go:embed web pictures all:vendor vendor.sha256
var embedded embed.FS

// SpriteName is the file that holds all pictograms, each under its name:
// "sprite.svg#printer".
const SpriteName = "sprite.svg"

// File is one file to serve.
type File struct {
	Data []byte
	Type string // media type
	Sum  string // names its content
}

// Set is all files. It is not changed after Load; it may be read from any
// goroutine.
type Set struct {
	files    map[string]File
	pictures map[string]bool
	missing  []string
}

// Load reads the built-in files. An error is our own fault: a drawing that is
// not SVG.
func Load() (*Set, error) {
	s := &Set{files: map[string]File{}, pictures: map[string]bool{}}
	list, err := embedded.ReadFile("vendor.sha256")
	if err != nil {
		return nil, fmt.Errorf("assets: %w", err)
	}
	var sprite bytes.Buffer
	sprite.WriteString(`<svg xmlns="http://www.w3.org/2000/svg">`)
	for line := range strings.Lines(string(list)) {
		if err := s.vendor(&sprite, line); err != nil {
			return nil, err
		}
	}
	drawings, err := fs.Glob(embedded, "pictures/*.svg")
	if err != nil {
		return nil, fmt.Errorf("assets: %w", err)
	}
	for _, name := range drawings {
		raw, err := embedded.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("assets: %w", err)
		}
		if err := s.symbol(&sprite, strings.TrimSuffix(path.Base(name), ".svg"), raw); err != nil {
			return nil, err
		}
	}
	sprite.WriteString("</svg>")
	s.add(SpriteName, sprite.Bytes())
	return s, s.web()
}

// vendor adds one file of vendor.sha256: "SUM  vendor/NAME".
func (s *Set) vendor(sprite *bytes.Buffer, line string) error {
	sum, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
	if !ok {
		return fmt.Errorf("assets: vendor.sha256: %q", line)
	}
	raw, err := embedded.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		s.missing = append(s.missing, name)
		return nil
	}
	if err != nil {
		return fmt.Errorf("assets: %w", err)
	}
	if got := sha256.Sum256(raw); hex.EncodeToString(got[:]) != sum {
		return fmt.Errorf("assets: %s is not the file that vendor.sha256 names", name)
	}
	name = path.Base(name)
	if picture, ok := strings.CutSuffix(name, ".svg"); ok {
		picture = strings.TrimSuffix(strings.TrimSuffix(picture, "-duotone"), "-bold")
		return s.symbol(sprite, picture, raw)
	}
	s.add(name, raw)
	return nil
}

func (s *Set) web() error {
	names, err := fs.Glob(embedded, "web/*")
	if err != nil {
		return fmt.Errorf("assets: %w", err)
	}
	for _, name := range names {
		raw, err := embedded.ReadFile(name)
		if err != nil {
			return fmt.Errorf("assets: %w", err)
		}
		s.add(path.Base(name), raw)
	}
	return nil
}

func (s *Set) add(name string, data []byte) {
	sum := sha256.Sum256(data)
	kind := mime.TypeByExtension(path.Ext(name))
	if path.Ext(name) == ".woff2" {
		kind = "font/woff2" // not in every system's table
	}
	s.files[name] = File{Data: slices.Clone(data), Type: kind, Sum: hex.EncodeToString(sum[:8])}
}

// symbol puts a drawing into the sprite under its name.
func (s *Set) symbol(sprite *bytes.Buffer, name string, raw []byte) error {
	var svg struct {
		XMLName xml.Name `xml:"svg"`
		ViewBox string   `xml:"viewBox,attr"`
		Fill    string   `xml:"fill,attr"`
		Inner   []byte   `xml:",innerxml"`
	}
	if err := xml.Unmarshal(raw, &svg); err != nil {
		return fmt.Errorf("assets: picture %s: %w", name, err)
	}
	if svg.ViewBox == "" {
		return fmt.Errorf("assets: picture %s has no viewBox", name)
	}
	if svg.Fill == "" {
		svg.Fill = "currentColor"
	}
	fmt.Fprintf(sprite, `<symbol id="%s" viewBox="%s" fill="%s">%s</symbol>`, name, svg.ViewBox, svg.Fill, svg.Inner)
	s.pictures[name] = true
	return nil
}

// File finds a file by its name.
func (s *Set) File(name string) (File, bool) {
	f, ok := s.files[name]
	return f, ok
}

// URL is the address of a file under a folder, with its sum: it may be kept
// for ever.
func (s *Set) URL(folder, name string) string {
	return folder + name + "?v=" + s.files[name].Sum
}

// Picture gives the address of a pictogram, to be used by <use>; another one
// when there is none of that name.
func (s *Set) Picture(folder, name string) string {
	if !s.pictures[name] {
		name = "file-text"
	}
	return s.URL(folder, SpriteName) + "#" + name
}

// HasPicture is true when there is a pictogram of that name.
func (s *Set) HasPicture(name string) bool { return s.pictures[name] }

// Missing lists the files that `make assets` would have fetched.
func (s *Set) Missing() []string { return slices.Clone(s.missing) }
