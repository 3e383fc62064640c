package testportal

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/gorilla/websocket"
)

// serveForeign is the host that must never be reached. It counts what comes,
// by what the browser says it is for, and answers so that the page that asked
// sees that it got out.
func (p *Portal) serveForeign(w http.ResponseWriter, r *http.Request) {
	kind := foreignKind(r)
	if r.URL.Path == "/favicon.ico" {
		return // the browser asks for it after a navigation, which counts
	}
	p.count(kind)
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Access-Control-Allow-Headers", "*")
	w.Header().Set("Cache-Control", "no-store")
	switch kind {
	case "websocket":
		up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
		conn, err := up.Upgrade(w, r, nil)
		if err == nil { // else the upgrader answered
			conn.Close()
		}
	case "eventsource":
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: ailleurs\n\n")
	case "image":
		w.Header().Set("Content-Type", "image/svg+xml")
		fmt.Fprint(w, `<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>`)
	case "script", "worker":
		w.Header().Set("Content-Type", "text/javascript")
	case "style":
		w.Header().Set("Content-Type", "text/css")
	case "navigation", "post", "frame", "prefetch", "plain":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!doctype html><html lang="fr"><title>Ailleurs</title><h1>Vous êtes ailleurs</h1>`)
	default:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprint(w, "ailleurs")
	}
}

// foreignKind tells what a request is for, by the headers of the Fetch Metadata
// specification (Sec-Fetch-*) and those that only one kind of request has.
func foreignKind(r *http.Request) string {
	dest := r.Header.Get("Sec-Fetch-Dest")
	post := r.Method == http.MethodPost
	switch {
	case r.TLS == nil:
		return "plain"
	case r.Method == http.MethodOptions:
		return "preflight"
	case websocket.IsWebSocketUpgrade(r):
		return "websocket"
	case r.Header.Get("Accept") == "text/event-stream":
		return "eventsource"
	case strings.HasPrefix(r.Header.Get("Sec-Purpose"), "prefetch"):
		return "prefetch"
	case r.Header.Get("Ping-To") != "":
		return "ping"
	case dest == "report", r.Header.Get("Content-Type") == "application/csp-report":
		return "report"
	case dest == "document" && post:
		return "post"
	case dest == "document":
		return "navigation"
	case dest == "empty" && post && r.Header.Get("Sec-Fetch-Mode") == "no-cors":
		return "beacon"
	}
	kinds := map[string]string{
		"iframe": "frame", "frame": "frame", "embed": "frame", "object": "frame",
		"image": "image", "script": "script", "style": "style", "font": "font",
		"audio": "media", "video": "media", "track": "media", "manifest": "manifest",
		"worker": "worker", "sharedworker": "worker", "serviceworker": "worker",
		"empty": "fetch",
	}
	if kind := kinds[dest]; kind != "" {
		return kind
	}
	return "other"
}
