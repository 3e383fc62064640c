package enrol

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/link/route"
)

// codeUnknown is package link's code for a kiosk that the server does not know
// any more.
const codeUnknown kiosk.Code = "identity_refused"

// Resign ends the identity of a kiosk at its server, by the kiosk's own word:
// nothing lets it in again. Of o, CA, Proxy and Now are used. What is wrong has
// a code, as for Ask; "identity_refused" says that the server does not know the
// kiosk any more.
func Resign(ctx context.Context, id *Identity, o Options) error {
	r, err := route.New(id.Server, o.Proxy, o.CA, o.Now)
	if err != nil {
		return err
	}
	body, err := json.Marshal(provisioning.Resign{Words: provisioning.Version, Kiosk: id.Kiosk()})
	if err != nil {
		return fmt.Errorf("enrol: %w", err)
	}
	now := r.Now()
	var status int
	for _, p := range id.Pairs() {
		var at time.Time
		status, at, err = resign(ctx, r, p, body, now)
		// The server says what time it is; a kiosk in a cupboard does not know.
		if err == nil && status == http.StatusUnauthorized && !at.IsZero() && at.Sub(now).Abs() > time.Minute {
			now = at
			status, _, err = resign(ctx, r, p, body, now)
		}
		if err != nil {
			return err
		}
		switch status {
		case http.StatusNoContent, http.StatusGone:
			return nil
		case http.StatusUnauthorized, http.StatusForbidden:
			continue // the other key may still be known
		}
		return &kiosk.Error{Code: route.CodeServer, Op: "enrol: resign", Err: errors.New(http.StatusText(status))}
	}
	return &kiosk.Error{Code: codeUnknown, Op: "enrol: resign", Err: errors.New(http.StatusText(status))}
}

func resign(ctx context.Context, r *route.Route, p Pair, body []byte, now time.Time) (status int, date time.Time, err error) {
	seconds := strconv.FormatInt(now.Unix(), 10)
	sig, err := p.Key.Sign(append([]byte(seconds+"\n"), body...))
	if err != nil {
		return 0, date, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL("/resign"), bytes.NewReader(body))
	if err != nil {
		return 0, date, fmt.Errorf("enrol: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Kiosk "+p.Credential.Token+" "+seconds+" "+base64.RawURLEncoding.EncodeToString(sig))
	client := r.Client()
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		return 0, date, route.Fault("enrol: resign", err)
	}
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, provisioning.MaxMessage))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return 0, date, route.Fault("enrol: resign", err)
	}
	date, _ = http.ParseTime(res.Header.Get("Date"))
	return res.StatusCode, date, nil
}
