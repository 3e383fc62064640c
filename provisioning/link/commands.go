package link

import (
	"context"
	"encoding/json"
	"errors"

	"pointnum/kiosk"
	"pointnum/provisioning"
)

const (
	maxJobs  = 64 // commands that wait; more come again with the next hello
	maxTries = 2  // a command in which the agent went down twice is not begun again
)

// job is a command that is to be done.
type job struct {
	c      provisioning.Command
	answer func(provisioning.Result) // directly; the outbox tells it, too
	told   bool                      // that it waits
}

// take verifies a command and queues it. What has come to its end already is
// only answered. It never waits.
func (l *Link) take(ctx context.Context, s provisioning.Signed, answer func(provisioning.Result)) {
	if answer == nil {
		answer = func(provisioning.Result) {}
	}
	now, known := l.o.Box.Now()
	if !known {
		return // hello's answer brings the time, and the command again
	}
	l.mu.Lock()
	id := l.id
	l.mu.Unlock()
	var keys []string
	for _, p := range id.Pairs() {
		keys = append(keys, p.Credential.Keys...)
	}
	c, err := provisioning.Open(keys, id.Structure(), id.Kiosk(), now, s)
	switch {
	case errors.Is(err, provisioning.ErrExpired):
		if done := l.o.Box.Command(c.ID); done.Ended() {
			answer(done.Result)
		} else if l.begin(c.ID) {
			l.end(ctx, job{c: c, answer: answer}, provisioning.Result{ID: c.ID, Status: provisioning.StatusExpired})
		}
	case err != nil:
		l.refuse(ctx, s, err, answer)
	default:
		l.queue(job{c: c, answer: answer})
	}
}

// refuse answers what is no command for this kiosk.
func (l *Link) refuse(ctx context.Context, s provisioning.Signed, err error, answer func(provisioning.Result)) {
	l.log.Warn("command refused", "err", err)
	var body struct {
		ID      string `json:"id"`
		Expires int64  `json:"expires"`
	}
	if json.Unmarshal(s.Body, &body) != nil || !provisioning.ValidID(body.ID) {
		return
	}
	r := provisioning.Result{ID: body.ID, Status: provisioning.StatusRefused}
	// Only what the server signed is worth remembering: a kind that is not
	// known here.
	if errors.Is(err, provisioning.ErrInvalid) && l.begin(r.ID) {
		l.end(ctx, job{c: provisioning.Command{ID: r.ID, Expires: body.Expires}, answer: answer}, r)
		return
	}
	answer(r)
}

// begin marks a command as being done; false when it is already, or was.
func (l *Link) begin(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.active[id] || l.o.Box.Command(id).Ended() {
		return false
	}
	l.active[id] = true
	return true
}

func (l *Link) release(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.active, id)
}

func (l *Link) queue(j job) {
	if done := l.o.Box.Command(j.c.ID); done.Ended() {
		j.answer(done.Result)
		return
	}
	if !l.begin(j.c.ID) {
		j.answer(provisioning.Result{ID: j.c.ID, Status: provisioning.StatusWaiting})
		return
	}
	to := l.quick
	if j.c.Kind.Disturbs() {
		if to = l.slow; l.o.Busy() {
			l.tellWaits(&j)
		}
	}
	select {
	case to <- j:
	default:
		l.release(j.c.ID)
		l.log.Warn("too many commands")
	}
}

// tellWaits tells once that a command waits for the end of the visit.
func (l *Link) tellWaits(j *job) {
	if j.told {
		return
	}
	j.told = true
	waits := provisioning.Result{ID: j.c.ID, Status: provisioning.StatusWaiting}
	j.answer(waits)
	l.o.Box.Put(provisioning.Event{Kind: provisioning.EventResult, Result: &waits})
	poke(l.hurry)
}

// work does commands, one after the other, until ctx ends.
func (l *Link) work(ctx context.Context, jobs <-chan job) {
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-jobs:
			l.do(ctx, j)
		}
	}
}

// do does one command, after the visit where it would disturb it.
func (l *Link) do(ctx context.Context, j job) {
	if j.c.Kind.Disturbs() && l.o.Busy() {
		l.tellWaits(&j)
		for l.o.Busy() && !l.expired(j.c) {
			if pause(ctx, l.o.Pace.Visit) != nil {
				l.release(j.c.ID)
				return
			}
		}
	}
	if l.expired(j.c) {
		l.end(ctx, j, provisioning.Result{ID: j.c.ID, Status: provisioning.StatusExpired})
		return
	}
	if l.o.Box.Command(j.c.ID).Tries >= maxTries {
		l.end(ctx, j, provisioning.Result{ID: j.c.ID, Status: provisioning.StatusFailed, Code: kiosk.CodeInternal})
		return
	}
	if err := l.o.Box.Begin(ctx, j.c); err != nil && j.c.Kind.Disturbs() {
		// Without a disk that remembers it, it would be done again and again.
		l.log.Warn("command put off", "err", err)
		l.release(j.c.ID)
		return
	}
	r := l.o.Do(ctx, j.c)
	r.ID = j.c.ID
	switch r.Status {
	case provisioning.StatusDone, provisioning.StatusFailed, provisioning.StatusRefused:
	default:
		r.Status, r.Code = provisioning.StatusFailed, kiosk.CodeInternal
	}
	l.end(ctx, j, r)
}

func (l *Link) expired(c provisioning.Command) bool {
	now, _ := l.o.Box.Now()
	return now.Unix() >= c.Expires
}

// end remembers how a command ended, then tells it.
func (l *Link) end(ctx context.Context, j job, r provisioning.Result) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), lastFlush)
	defer stop()
	if err := l.o.Box.End(ctx, j.c.Kind, j.c.Expires, r); err != nil {
		l.log.Warn("result in memory only", "err", err)
	}
	l.release(r.ID)
	l.log.Info("command", "kind", j.c.Kind, "status", r.Status, "code", r.Code)
	j.answer(r)
	poke(l.hurry)
}

// endBegun ends the commands in which the agent went down: a restart has
// happened by that. The others come again, as the server has no end of them.
func (l *Link) endBegun(ctx context.Context) {
	for _, id := range l.o.Box.Begun() {
		c := l.o.Box.Command(id)
		if c.Kind != provisioning.CommandRestart && c.Kind != provisioning.CommandReboot {
			continue
		}
		done := provisioning.Result{ID: id, Status: provisioning.StatusDone}
		if err := l.o.Box.End(ctx, c.Kind, c.Expires, done); err != nil {
			l.log.Warn("result in memory only", "err", err)
		}
	}
}
