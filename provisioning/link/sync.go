package link

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
	"pointnum/provisioning/enrol"
	"pointnum/provisioning/link/route"
)

const (
	// maxAnswer bounds an answer of /sync in bytes; it may hold settings.
	maxAnswer = 4 * provisioning.MaxMessage
	// clockFault is what the server lets pass, with room to spare.
	clockFault = 4 * time.Minute
	// syncRounds bounds how many messages follow each other at once: then
	// commands and beats have their turn.
	syncRounds = 50
)

// sync tells all there is to tell by POST /sync.
func (l *Link) sync(ctx context.Context) error {
	if err := l.o.Box.Flush(ctx); err != nil {
		l.log.Debug("outbox", "err", err) // the disk is not the network
	}
	limit, ask := provisioning.MaxBatch, (*provisioning.RenewAsk)(nil)
	for range syncRounds {
		out := provisioning.Sync{Hello: l.hello(), Results: l.takeAnswers(), Renew: ask}
		if _, known := l.o.Box.Now(); known { // else events would have wrong times
			evs, err := l.o.Box.Next(ctx, limit)
			if err != nil {
				l.log.Debug("outbox", "err", err)
			}
			out.Events = evs
		}
		a, err := l.exchange(ctx, out)
		if err != nil {
			l.giveBack(out.Results)
			return err
		}
		l.heard(ViaSync)
		if len(out.Events) > 0 {
			if limit, err = l.acked(ctx, out.Events, a.Ack); err != nil {
				return err
			}
		}
		if a.Credential != nil {
			if err := l.granted(*a.Credential); err != nil {
				l.log.Warn("keys not changed", "err", err)
			}
			ask = nil
		} else if ask == nil {
			ask = l.renewal(a.Welcome)
		} else {
			ask = nil // refused; the server asks again
		}
		if ask == nil && l.o.Box.Waiting() == 0 {
			return nil
		}
	}
	return nil
}

// exchange makes one request, twice when the first answer says that the clock
// was wrong.
func (l *Link) exchange(ctx context.Context, out provisioning.Sync) (SyncAnswer, error) {
	body, err := json.Marshal(out)
	if err != nil {
		return SyncAnswer{}, fmt.Errorf("link: %w", err)
	}
	p := l.pair()
	for try := 0; ; try++ {
		start := time.Now()
		status, date, answer, err := l.post(ctx, p, body)
		switch {
		case err != nil:
			return SyncAnswer{}, err
		case status == http.StatusUnauthorized || status == http.StatusForbidden:
			now, known := l.o.Box.Now()
			if !date.IsZero() && try == 0 && (!known || date.Sub(now).Abs() > clockFault) {
				l.o.Box.Learn(ctx, date)
				continue
			}
			return SyncAnswer{}, l.refusal(p, fmt.Errorf("status %d", status))
		case status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests:
			return SyncAnswer{}, &kiosk.Error{Code: CodeLater, Op: "link: sync", Err: fmt.Errorf("status %d", status)}
		case status != http.StatusOK:
			return SyncAnswer{}, &kiosk.Error{Code: route.CodeServer, Op: "link: sync", Err: fmt.Errorf("status %d", status)}
		}
		a, err := DecodeSyncAnswer(answer)
		if err != nil {
			return a, &kiosk.Error{Code: route.CodeServer, Op: "link: sync", Err: err}
		}
		l.welcomed(ctx, a.Welcome, time.Since(start), p, l.answer)
		return a, nil
	}
}

func (l *Link) post(ctx context.Context, p enrol.Pair, body []byte) (status int, date time.Time, answer []byte, err error) {
	now, _ := l.o.Box.Now()
	seconds := strconv.FormatInt(now.Unix(), 10)
	sig, err := p.Key.Sign(append([]byte(seconds+"\n"), body...))
	if err != nil {
		return 0, date, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.route.URL("/sync"), bytes.NewReader(body))
	if err != nil {
		return 0, date, nil, fmt.Errorf("link: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Kiosk "+p.Credential.Token+" "+seconds+" "+base64.RawURLEncoding.EncodeToString(sig))
	res, err := l.client.Do(req)
	if err != nil {
		return 0, date, nil, route.Fault("link: sync", err)
	}
	answer, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return 0, date, nil, route.Fault("link: sync", err)
	}
	date, _ = http.ParseTime(res.Header.Get("Date"))
	return res.StatusCode, date, answer, nil
}

// SyncAnswer is provisioning.SyncAnswer after DecodeSyncAnswer has checked it.
type SyncAnswer provisioning.SyncAnswer

// DecodeSyncAnswer reads the answer of POST /sync. The error is
// provisioning.ErrInvalid. Commands are not verified yet.
func DecodeSyncAnswer(b []byte) (SyncAnswer, error) {
	var a SyncAnswer
	if len(b) > maxAnswer {
		return a, fmt.Errorf("%w: too long", provisioning.ErrInvalid)
	}
	if err := json.Unmarshal(b, &a); err != nil {
		return SyncAnswer{}, fmt.Errorf("%w: %w", provisioning.ErrInvalid, err)
	}
	if a.Welcome.Clock <= 0 {
		return SyncAnswer{}, fmt.Errorf("%w: welcome", provisioning.ErrInvalid)
	}
	return a, nil
}

// answer keeps a direct answer for the next request. The outbox has them all,
// too: the newest are enough here.
func (l *Link) answer(r provisioning.Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers = append(l.answers, r)
	l.answers = l.answers[max(0, len(l.answers)-provisioning.MaxBatch):]
}

// giveBack keeps those of a request that did not arrive, before newer ones.
func (l *Link) giveBack(r []provisioning.Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers = append(r, l.answers...)
	l.answers = l.answers[max(0, len(l.answers)-provisioning.MaxBatch):]
}

func (l *Link) takeAnswers() []provisioning.Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.answers
	l.answers = nil
	return r
}
