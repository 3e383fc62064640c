package testportal

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
)

// maxBody is what one request may hold: above every limit of the forms, so
// that a refusal is the portal's own.
const maxBody = 64 << 20

// receipt is the portal's answer to one file.
type receipt struct {
	Accepted bool   `json:"accepted"`
	Sentence string `json:"sentence"`
	Type     string `json:"type,omitempty"`
	Bytes    int    `json:"bytes,omitempty"`
	SHA256   string `json:"sha256,omitempty"`
}

// handleUpload takes the files of one form: scripts get JSON, people a page.
func (p *Portal) handleUpload(w http.ResponseWriter, r *http.Request) {
	form, ok := formByID(r.PathValue("form"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	receipts, status, err := p.receive(w, r, form)
	if err != nil {
		p.o.Log.Debug("upload not read", "err", err)
		http.Error(w, "L’envoi a été interrompu.", http.StatusBadRequest)
		return
	}
	if r.Header.Get("Accept") == "application/json" {
		if r.Header.Get("Origin") == "null" { // a frame in a sandbox
			w.Header().Set("Access-Control-Allow-Origin", "null")
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(receipts) // the page is gone when it fails
		return
	}
	p.show(w, r, status, "reponse", "Votre envoi", struct {
		Form     Form
		Receipts []receipt
	}{form, receipts})
}

// receive reads, checks and remembers the files of a request. The status is
// that of the first refusal.
func (p *Portal) receive(w http.ResponseWriter, r *http.Request, form Form) ([]receipt, int, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	in, err := r.MultipartReader()
	if err != nil {
		return nil, 0, fmt.Errorf("testportal: upload: %w", err)
	}
	var out []receipt
	status := http.StatusOK
	for {
		part, err := in.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, 0, fmt.Errorf("testportal: upload: %w", err)
		}
		if part.FileName() == "" {
			continue // a text field, or a file field left empty
		}
		rc, s, err := p.receiveFile(r, form, part, len(out))
		if err != nil {
			return nil, 0, err
		}
		out = append(out, rc)
		if status == http.StatusOK {
			status = s
		}
	}
	if len(out) == 0 {
		return []receipt{{Sentence: "Choisissez d’abord un fichier."}}, http.StatusBadRequest, nil
	}
	return out, status, nil
}

func (p *Portal) receiveFile(r *http.Request, form Form, part *multipart.Part, before int) (receipt, int, error) {
	data, err := io.ReadAll(part)
	if err != nil {
		return receipt{}, 0, fmt.Errorf("testportal: upload: %w", err)
	}
	refusal, status := form.check(part.FileName(), data)
	if refusal == "" && before >= form.MaxFiles {
		refusal, status = fmt.Sprintf("Trop de fichiers : %d au plus.", form.MaxFiles), http.StatusUnprocessableEntity
	}
	u := Upload{
		Form: form.ID, Host: hostOf(r), Name: part.FileName(), MediaType: part.Header.Get("Content-Type"),
		Sniffed: sniff(data), Data: data, Refusal: refusal,
	}
	p.mu.Lock()
	p.received = append(p.received, u)
	if extra := len(p.received) - maxKept; extra > 0 {
		p.received = append([]Upload(nil), p.received[extra:]...)
	}
	p.mu.Unlock()
	if refusal != "" {
		return receipt{Sentence: refusal}, status, nil
	}
	sum := sha256.Sum256(data)
	rc := receipt{Accepted: true, Type: u.Sniffed, Bytes: len(data), SHA256: hex.EncodeToString(sum[:])}
	rc.Sentence = fmt.Sprintf("Nous avons bien reçu votre fichier : %s, %s octets, empreinte %s.", formatName(rc.Type), grouped(rc.Bytes), rc.SHA256)
	return rc, status, nil
}

// grouped writes a number as French texts do: 12 345 with a narrow space.
func grouped(n int) string {
	s := fmt.Sprint(n)
	var b strings.Builder
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteRune('\u202f')
		}
		b.WriteRune(c)
	}
	return b.String()
}
