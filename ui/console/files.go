package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed web
var web embed.FS

// staticPath is where scripts, styles, fonts and pictures are served.
const staticPath = "/static/"

// file is one of our own files; all others are package assets'.
type file struct {
	data []byte
	kind string
	sum  string
}

// ownPictures are in web/console.svg.
var ownPictures = map[string]bool{"chart": true, "gear": true, "pause": true, "play": true, "power": true, "moon": true}

func loadFiles() (map[string]file, error) {
	names, err := fs.Glob(web, "web/*")
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	files := map[string]file{}
	for _, name := range names {
		data, err := web.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("console: %w", err)
		}
		sum := sha256.Sum256(data)
		files[path.Base(name)] = file{data: data, kind: mediaType(name), sum: hex.EncodeToString(sum[:8])}
	}
	return files, nil
}

func mediaType(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	default:
		return "image/svg+xml"
	}
}

func (s *Server) staticURL(name string) string {
	if f, ok := s.files[name]; ok {
		return staticPath + name + "?v=" + f.sum
	}
	return s.assets.URL(staticPath, name)
}

func (s *Server) picture(name string) string {
	if ownPictures[name] {
		return s.staticURL("console.svg") + "#" + name
	}
	return s.assets.Picture(staticPath, name)
}

func (s *Server) serveStatic(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	f, ok := s.files[name]
	if !ok {
		a, have := s.assets.File(name)
		if !have {
			http.NotFound(w, r)
			return
		}
		f = file{data: a.Data, kind: a.Type, sum: a.Sum}
	}
	w.Header().Set("Content-Type", f.kind)
	// Fonts are named by the style without a sum, and do not change.
	if r.URL.Query().Get("v") == f.sum || strings.HasSuffix(name, ".woff2") {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	_, _ = w.Write(f.data) // asked for again when it did not arrive
}
