package testportal_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"pointnum/cmd/internal/testportal"
)

// FuzzUpload sends bodies as a browser never would: the portal answers, and
// takes nothing that the form does not take.
func FuzzUpload(f *testing.F) {
	p, err := testportal.Start(testportal.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := p.Close(); err != nil {
			f.Error(err)
		}
	})
	f.Add([]byte("--x\r\nContent-Disposition: form-data; name=\"fichier\"; filename=\"a.pdf\"\r\n\r\n%PDF-1.7\n%%EOF\n\r\n--x--\r\n"))
	f.Add([]byte("--x\r\nContent-Disposition: form-data; name=\"fichier\"; filename=\"a.png\"\r\n\r\n\x89PNG\x0d\x0a\x1a\x0a\r\n--x--\r\n"))
	f.Add([]byte("--x\r\n\r\n--x--"))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+testportal.HostPortal+"/envoi/accept", bytes.NewReader(body))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		p.Forget()
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		for _, u := range p.Received() {
			if u.Refusal == "" && (u.Sniffed != "application/pdf" || !bytes.Contains(u.Data, []byte("%%EOF"))) {
				t.Errorf("got %q taken for a PDF", u.Data)
			}
		}
		if w.Code >= 500 {
			t.Errorf("got %d", w.Code)
		}
	})
}
