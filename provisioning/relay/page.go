package relay

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

// names are the page and its files, in the order of Digest.
var names = []string{"phone.html", "phone.css", "texts.js", "phone.js"}

// types are those of the files.
func mediaType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	default:
		return "text/javascript; charset=utf-8"
	}
}

// servePage serves the phone's page. Its files are named with what is in them,
// so that a page never gets those of another version.
func servePage(mux *http.ServeMux) error {
	for _, name := range names {
		body, err := fs.ReadFile(web, "web/"+name)
		if err != nil {
			return fmt.Errorf("relay: %w", err)
		}
		at := "GET /d/" + name
		if name == "phone.html" {
			at, body = "GET /d", versioned(body)
		}
		mux.HandleFunc(at, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", mediaType(name))
			_, _ = w.Write(body) // asked for again when it did not arrive
		})
	}
	return nil
}

// versioned names the page's files with what is in them.
func versioned(page []byte) []byte {
	text, sum := string(page), Digest()[:16]
	for _, name := range names[1:] {
		text = strings.ReplaceAll(text, `"/d/`+name+`"`, `"/d/`+name+`?`+sum+`"`)
	}
	return []byte(text)
}

// Files are what makes the phone's page, in the order of Digest: the paths
// from which they are served.
func Files() []string { return []string{"/d", "/d/phone.css", "/d/texts.js", "/d/phone.js"} }

// Digest is the SHA-256 of the phone's page and its files as they stand in
// this program, in hexadecimal. Kiosks compare Served with what they get.
func Digest() string {
	h := sha256.New()
	for _, name := range names {
		body, err := fs.ReadFile(web, "web/"+name)
		if err != nil {
			panic(err) // they are part of this program
		}
		h.Write(body)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Served is the SHA-256 of what Files give one after the other, in
// hexadecimal: a kiosk shows no code of a relay whose page is another one.
func Served() string {
	h := sha256.New()
	for _, name := range names {
		body, err := fs.ReadFile(web, "web/"+name)
		if err != nil {
			panic(err) // they are part of this program
		}
		if name == "phone.html" {
			body = versioned(body)
		}
		h.Write(body)
	}
	return hex.EncodeToString(h.Sum(nil))
}
