package testportal_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/textproto"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"pointnum/cmd/internal/testportal"
)

func start(t *testing.T, o testportal.Options) *testportal.Portal {
	t.Helper()
	p, err := testportal.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return p
}

// visitor is a browser without scripts: it trusts the portal's authority,
// finds every host at the portal's address and keeps cookies.
type visitor struct {
	t *testing.T
	c *http.Client
}

func newVisitor(t *testing.T, p *testportal.Portal) *visitor {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(p.CA()) {
		t.Fatal("the authority is not PEM")
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, p.Addr())
		},
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &visitor{t, &http.Client{Transport: tr, Jar: jar, Timeout: 10 * time.Second}}
}

// page is an answer, read to its end.
type page struct {
	status int
	url    *url.URL
	header http.Header
	body   string
}

func (v *visitor) do(r *http.Request, err error) page {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	res, err := v.c.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return page{res.StatusCode, res.Request.URL, res.Header, string(body)}
}

func (v *visitor) get(at string) page {
	v.t.Helper()
	return v.do(http.NewRequestWithContext(v.t.Context(), http.MethodGet, at, nil))
}

func (v *visitor) post(at string, fields ...string) page {
	v.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, at, strings.NewReader(form.Encode()))
	if err == nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return v.do(r, err)
}

type file struct {
	name, mediaType string
	data            []byte
}

func (v *visitor) upload(at string, files ...file) page {
	v.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, f := range files {
		part, err := w.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {mime.FormatMediaType("form-data", map[string]string{"name": "fichier", "filename": f.name})},
			"Content-Type":        {f.mediaType},
		})
		if err != nil {
			v.t.Fatal(err)
		}
		if _, err := part.Write(f.data); err != nil {
			v.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		v.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, at, &body)
	if err == nil {
		r.Header.Set("Content-Type", w.FormDataContentType())
	}
	return v.do(r, err)
}

func wants(t *testing.T, p page, status int, path, text string) {
	t.Helper()
	if p.status != status || p.url.Path != path || !strings.Contains(p.body, text) {
		t.Fatalf("got %d at %s, want %d at %s with %q:\n%s", p.status, p.url.Path, status, path, text, p.body)
	}
}

const portalURL = "https://" + testportal.HostPortal

// logIn reads the code in the webmail, as a visitor does.
func (v *visitor) logIn() {
	v.t.Helper()
	wants(v.t, v.post(portalURL+"/connexion", "adresse", testportal.MailUser), 200, "/connexion/code", "6 chiffres")
	wants(v.t, v.post("https://"+testportal.HostMail+"/entrer", "adresse", testportal.MailUser, "mot-de-passe", testportal.MailPassword), 200, "/boite", "Votre code")
	letters := regexp.MustCompile(`href="(/boite/\d+)"`).FindAllStringSubmatch(v.get("https://"+testportal.HostMail+"/boite").body, -1)
	if len(letters) == 0 {
		v.t.Fatal("no letter in the box")
	}
	code := regexp.MustCompile(`: (\d{6})\n`).FindStringSubmatch(v.get("https://" + testportal.HostMail + letters[0][1]).body)
	if code == nil {
		v.t.Fatal("no code in the letter")
	}
	wants(v.t, v.post(portalURL+"/connexion/code", "code", code[1]), 200, "/espace", "data-logged-in")
}
