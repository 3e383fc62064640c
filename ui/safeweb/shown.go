package safeweb

import "net/http"

// ShownPath is where whoever started the screen's browser asks whether that
// shows a page of the server's: a browser may live and show nothing.
const ShownPath = "/shown"

// Shown answers it: 204 No Content for yes, 503 Service Unavailable for no.
func Shown(w http.ResponseWriter, yes bool) {
	if yes {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
}
