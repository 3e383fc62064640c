package phone

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

const (
	// callTimeout is for an answer that does not wait, waitTimeout for one
	// that may: the relay holds it 25 s.
	callTimeout = 20 * time.Second
	waitTimeout = 45 * time.Second
	// maxAnswer is more than any frame.
	maxAnswer = 2 << 20
)

var (
	errGone  = errors.New("phone: the relay has no such session")
	errWait  = errors.New("phone: the relay has no room now")
	errLimit = errors.New("phone: the relay takes no more")
	errRelay = errors.New("phone: the relay does not answer as it should")
)

// api is the relay as a kiosk sees it; package relay says what it answers.
type api struct {
	base   string
	client *http.Client
}

// call makes a request and reads its answer.
func (a *api) call(ctx context.Context, limit time.Duration, method, path, token string, body []byte) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, a.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := a.client.Do(r)
	if err != nil {
		return 0, nil, fmt.Errorf("phone: relay: %w", err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil {
		return 0, nil, fmt.Errorf("phone: relay: %w", err)
	}
	if len(content) > maxAnswer {
		return 0, nil, errRelay
	}
	return answer.StatusCode, content, nil
}

// status makes an error of what is no success.
func status(code int) error {
	switch code {
	case http.StatusOK, http.StatusCreated, http.StatusNoContent:
		return nil
	case http.StatusNotFound, http.StatusGone:
		return errGone
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return errWait
	case http.StatusRequestEntityTooLarge:
		return errLimit
	}
	return errRelay
}

func (a *api) open(ctx context.Context, session, token string) error {
	code, _, err := a.call(ctx, callTimeout, http.MethodPut, "/s/"+session, token, nil)
	if err != nil {
		return err
	}
	return status(code)
}

func (a *api) remove(ctx context.Context, session, token string) error {
	code, _, err := a.call(ctx, callTimeout, http.MethodDelete, "/s/"+session, token, nil)
	if err != nil {
		return err
	}
	return status(code)
}

// phone waits for the public key of the phone that claims a session; nil when
// none did yet.
func (a *api) phone(ctx context.Context, session, token string) ([]byte, error) {
	return a.wait(ctx, "/s/"+session+"/phone", token)
}

// get waits for a frame of the phone's; nil when there is none yet.
func (a *api) get(ctx context.Context, session, token string, n uint64) ([]byte, error) {
	return a.wait(ctx, "/s/"+session+"/up/"+strconv.FormatUint(n, 10), token)
}

func (a *api) wait(ctx context.Context, path, token string) ([]byte, error) {
	code, content, err := a.call(ctx, waitTimeout, http.MethodGet, path, token, nil)
	switch {
	case err != nil:
		return nil, err
	case code == http.StatusNoContent:
		return nil, nil
	case code != http.StatusOK:
		return nil, status(code)
	case len(content) == 0:
		return nil, errRelay
	}
	return content, nil
}

// put hands a frame over; the same one again is no error.
func (a *api) put(ctx context.Context, session, token string, n uint64, frame []byte) error {
	code, _, err := a.call(ctx, callTimeout, http.MethodPost, "/s/"+session+"/down/"+strconv.FormatUint(n, 10), token, frame)
	if err != nil {
		return err
	}
	return status(code)
}

// digest is the SHA-256 of files of the relay's.
func (a *api) digest(ctx context.Context, files []string) (string, error) {
	h := sha256.New()
	for _, path := range files {
		code, content, err := a.call(ctx, callTimeout, http.MethodGet, path, "", nil)
		if err != nil {
			return "", err
		}
		if code != http.StatusOK {
			return "", errRelay
		}
		h.Write(content)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
