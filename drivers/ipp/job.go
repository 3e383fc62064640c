package ipp

import (
	"context"
	"slices"
	"time"

	"github.com/OpenPrinting/goipp"
)

// Values of job-state, RFC 8011 §5.3.7.
const (
	jobPending    = 3
	jobHeld       = 4
	jobProcessing = 5
	jobCanceled   = 7
	jobAborted    = 8
	jobCompleted  = 9
)

// job is what a printer says of a job.
type job struct {
	id      int
	state   int
	reasons []string
	sides   int // impressions that came out; -1 when the printer does not say
}

func (j job) ended() bool { return j.state >= jobCanceled }

// empty says whether the job never got its document.
func (j job) empty() bool {
	return (j.state == jobPending || j.state == jobHeld) &&
		(slices.Contains(j.reasons, "job-incoming") || slices.Contains(j.reasons, "job-data-insufficient"))
}

// refused says whether the printer gave the job up because of its document.
func (j job) refused() bool {
	for _, r := range []string{"unsupported-document-format", "document-format-error",
		"document-unprintable-error", "document-password-error", "compression-error"} {
		if slices.Contains(j.reasons, r) {
			return true
		}
	}
	return false
}

var jobWanted = [...]string{"job-id", "job-name", "job-state", "job-state-reasons",
	"job-impressions-completed", "job-media-sheets-completed"}

func jobOf(a attrs) job {
	j := job{
		id:      a.int("job-id", 0),
		state:   a.int("job-state", jobPending),
		reasons: a.strings("job-state-reasons"),
		sides:   -1,
	}
	for _, name := range []string{"job-impressions-completed", "job-media-sheets-completed"} {
		if n := a.int(name, -1); n >= 0 {
			j.sides = n
			break
		}
	}
	return j
}

// job asks after one job.
func (p *Printer) jobByID(ctx context.Context, id int) (job, error) {
	msg, err := p.client.quick(ctx, goipp.OpGetJobAttributes, goipp.Attributes{
		integer("job-id", id), user(),
		keywords("requested-attributes", jobWanted[:]...),
	}, nil)
	if err != nil {
		return job{}, err
	}
	j := jobOf(attrs(msg.Job))
	j.id = id
	return j, nil
}

// maxJobs bounds how many ended jobs are looked through; ours is the newest.
const maxJobs = 50

// jobByName looks for a job among those under way and those ended; of several
// with the name it takes the newest. The answer is nil when there is none.
func (p *Printer) jobByName(ctx context.Context, name string) (*job, error) {
	var found *job
	for _, which := range []string{"not-completed", "completed"} {
		msg, err := p.client.quick(ctx, goipp.OpGetJobs, goipp.Attributes{
			user(), integer("limit", maxJobs), keyword("which-jobs", which),
			keywords("requested-attributes", jobWanted[:]...),
		}, nil)
		if err != nil {
			return nil, err
		}
		for _, g := range msg.Groups {
			if g.Tag != goipp.TagJobGroup || !attrs(g.Attrs).contains("job-name", name) {
				continue
			}
			if j := jobOf(attrs(g.Attrs)); j.id > 0 && (found == nil || j.id > found.id) {
				found = &j
			}
		}
		if found != nil {
			break
		}
	}
	return found, nil
}

// cancel takes a job from the printer and waits for its end, not for ever. It
// works after ctx has ended. The job returned is the last that was heard of
// it; ended is false when the printer never said that the job is over.
func (p *Printer) cancelJob(ctx context.Context, id int) (last job, ended bool) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelTimeout)
	defer stop()
	_, err := p.client.quick(ctx, goipp.OpCancelJob, goipp.Attributes{integer("job-id", id), user()}, nil)
	if err != nil {
		// A job that has ended can't be cancelled; the question below tells.
		p.log.Debug("cancel job", "device", p.info.ID, "job", id, "err", err)
	}
	last.id = id
	for pause := pollMin; ; pause = min(2*pause, pollMax) {
		if j, err := p.jobByID(ctx, id); err == nil {
			last = j
			if j.ended() {
				return last, true
			}
		}
		if !wait(ctx, pause) {
			p.log.Warn("printer does not end a cancelled job", "device", p.info.ID, "job", id)
			return last, false
		}
	}
}

// wait pauses and says whether there is still time.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// user is the name jobs are sent under: the same for everybody.
func user() goipp.Attribute { return nameOf("requesting-user-name", "pointnum") }
