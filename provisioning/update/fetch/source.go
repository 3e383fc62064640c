package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/link/route"
	"pointnum/provisioning/update"
)

// Source is where a release comes from.
type Source interface {
	// Open reads a file of the release from the byte offset on, or from its
	// beginning when from there is not possible: it returns where what it
	// reads begins. sha256 is the file's, "" when that is not known yet.
	// Errors: CodeUpdateMissing, kiosk.CodeNoNetwork and those of package
	// route.
	Open(ctx context.Context, name string, offset int64, sha256 string) (r io.ReadCloser, from int64, err error)
}

// Folder is a release on a stick.
type Folder struct{ Dir string }

// Open implements Source.
func (f Folder) Open(_ context.Context, name string, offset int64, _ string) (io.ReadCloser, int64, error) {
	missing := func(err error) (io.ReadCloser, int64, error) {
		return nil, 0, &kiosk.Error{Code: provisioning.CodeUpdateMissing, Op: "fetch: " + name, Err: err}
	}
	file, err := update.OpenPlain(filepath.Join(f.Dir, name))
	if err != nil {
		return missing(err)
	}
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		return missing(errors.Join(err, file.Close()))
	}
	return file, offset, nil
}

// Web is a release on a server: the files of Route.Server's folder. Its
// fields do not change once it is used. Nothing is kept between two files but
// what was learnt of the time; one goroutine at a time may use it.
type Web struct {
	Route *route.Route
	// Floor is a time that is known to have passed: a server that says it is
	// earlier is not believed.
	Floor time.Time

	right *route.Route // with the server's clock, once the kiosk's was found wrong
}

// Open implements Source. A kiosk that stood in a cupboard may have any
// clock: when certificates do not fit it, the server's is taken.
func (w *Web) Open(ctx context.Context, name string, offset int64, sha256 string) (io.ReadCloser, int64, error) {
	way := w.Route
	if w.right != nil {
		way = w.right
	}
	body, from, err := open(ctx, way, name, offset, sha256)
	if kiosk.CodeOf(err) != route.CodeClock || w.right != nil {
		return body, from, err
	}
	at, err := w.Route.ServerTime(ctx, w.Floor)
	if err != nil {
		return nil, 0, err
	}
	learnt := time.Now()
	right := *w.Route
	right.Now = func() time.Time { return at.Add(time.Since(learnt)) }
	w.right = &right
	return open(ctx, w.right, name, offset, sha256)
}

func open(ctx context.Context, way *route.Route, name string, offset int64, sha256 string) (io.ReadCloser, int64, error) {
	// Without If-Range from a server that names its files otherwise: the whole
	// is hashed in the end, so that nothing wrong is taken, only fetched twice.
	for _, ifRange := range []bool{true, false} {
		body, from, foreign, err := get(ctx, way, name, offset, sha256, ifRange)
		if err != nil || from == offset || !foreign || !ifRange {
			return body, from, err
		}
		_ = body.Close()
	}
	return nil, 0, errors.New("fetch: not reached")
}

// get makes one request. foreign says that the server takes ranges and calls
// its files by something else than their hash.
func get(ctx context.Context, way *route.Route, name string, offset int64, sha256 string, ifRange bool) (body io.ReadCloser, from int64, foreign bool, err error) {
	op := "fetch: " + name
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, way.URL(name), nil)
	if err != nil {
		return nil, 0, false, fmt.Errorf("%s: %w", op, err)
	}
	req.Header.Set("Accept-Encoding", "identity") // ranges of the file, not of its compression
	tag := `"` + sha256 + `"`
	if offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
		if ifRange {
			req.Header.Set("If-Range", tag)
		}
	}
	client := way.Client()
	client.Timeout = 0 // a file takes as long as it takes: see stall
	res, err := client.Do(req)
	if err != nil {
		client.CloseIdleConnections()
		return nil, 0, false, route.Fault(op, err)
	}
	done := &closer{res.Body, client}
	switch res.StatusCode {
	case http.StatusOK:
		return done, 0, res.Header.Get("Accept-Ranges") == "bytes" && res.Header.Get("ETag") != tag, nil
	case http.StatusPartialContent:
		var first int64
		if _, err := fmt.Sscanf(res.Header.Get("Content-Range"), "bytes %d-", &first); err == nil && first == offset {
			return done, offset, false, nil
		}
	}
	_ = done.Close()
	code := route.CodeServer
	if res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusGone {
		code = provisioning.CodeUpdateMissing
	}
	return nil, 0, false, &kiosk.Error{Code: code, Op: op, Err: errors.New(res.Status)}
}

// closer ends a request with its connection.
type closer struct {
	io.ReadCloser
	client *http.Client
}

// Close implements io.Closer.
func (c *closer) Close() error {
	err := c.ReadCloser.Close()
	c.client.CloseIdleConnections()
	return err
}
