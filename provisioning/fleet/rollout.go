package fleet

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
)

// ErrInUse says that something cannot go: a rollout needs it.
var ErrInUse = errors.New("fleet: in use")

// ErrNobody says that a release is for no kiosk: all have it, or none can go
// to it.
var ErrNobody = errors.New("fleet: no kiosk needs it")

// Release is one version of the kiosks' system that the server has.
type Release struct {
	Version string // MAJOR.MINOR.PATCH
	Minimum string // the lowest version that may go to it; "" any
	Arch    string
	Notes   string // French, what is new; as its makers wrote it
	Size    int64  // of its files
	Created time.Time
	Added   time.Time // to this server
}

// Rollout brings kiosks to a release, a few first and then more and more. One
// at a time is open.
type Rollout struct {
	ID      string
	Version string
	By      string // person
	Created time.Time
	// NotBefore is when the first kiosk is told; zero at once.
	NotBefore time.Time
	Stages    []Stage // the last one is of all kiosks
	// Enough is the share of the kiosks told so far, in percent, that must
	// have come to the version before the next stage's wait begins. Kiosks
	// that are not there do not count.
	Enough int
	// StopNumber and StopPercent stop it by itself: that many kiosks, or that
	// share of the kiosks of the stages so far, failed or came back. 0: not by
	// that. One of the two is set.
	StopNumber, StopPercent int

	State   RolloutState
	Why     StopReason // of RolloutStopped
	Stage   int        // index of the present one
	StageAt time.Time  // its beginning; zero before the first kiosk is told
	// EnoughAt is when enough of its kiosks were done: the wait began. Zero
	// before that.
	EnoughAt time.Time
	// Forgiven is how many had failed when somebody resumed it after it had
	// stopped by itself: these do not stop it again.
	Forgiven int
	Changed  time.Time
	Ended    time.Time // zero: open
}

// Stage is a part of a rollout.
type Stage struct {
	// Kiosks or Percent of all kiosks, with those of the stages before; one of
	// the two is set.
	Kiosks  int `json:"kiosks,omitempty"`
	Percent int `json:"percent,omitempty"`
	// Wait is how long nothing more is begun once enough kiosks are done: for
	// what only shows in use.
	Wait time.Duration `json:"wait,omitempty"`
}

// Size is how many kiosks of all a stage and those before it have: one at
// least, and never more than there are.
func (s Stage) Size(all int) int {
	n := s.Kiosks
	if s.Percent > 0 {
		n = (all*s.Percent + 99) / 100
	}
	return min(max(n, 1), all)
}

// Limits of a rollout's plan.
const (
	MaxStages = 8
	MaxWait   = 30 * 24 * time.Hour
)

// DefaultStages are 1 kiosk, 10 %, 50 % and all, a day apart.
func DefaultStages() []Stage {
	const wait = 24 * time.Hour
	return []Stage{{Kiosks: 1, Wait: wait}, {Percent: 10, Wait: wait}, {Percent: 50, Wait: wait}, {Percent: 100}}
}

// Valid says whether the plan can be worked: stages that grow and end with all
// kiosks, shares that are ones, and something that stops it.
func (r Rollout) Valid() bool {
	if len(r.Stages) == 0 || len(r.Stages) > MaxStages || r.Enough < 1 || r.Enough > 100 ||
		r.StopNumber < 0 || r.StopPercent < 0 || r.StopPercent > 100 || r.StopNumber == 0 && r.StopPercent == 0 {
		return false
	}
	for i, s := range r.Stages {
		if (s.Kiosks > 0) == (s.Percent > 0) || s.Kiosks < 0 || s.Percent < 0 || s.Percent > 100 || s.Wait < 0 || s.Wait > MaxWait {
			return false
		}
		if i > 0 && (s.Percent > 0 && s.Percent <= r.Stages[i-1].Percent || s.Kiosks > 0 && (r.Stages[i-1].Percent > 0 || s.Kiosks <= r.Stages[i-1].Kiosks)) {
			return false
		}
	}
	return r.Stages[len(r.Stages)-1].Percent == 100
}

// RolloutState is what a rollout does.
type RolloutState string

// The states. RolloutStopped by itself (StopThreshold) waits for somebody, who
// resumes it or ends it; stopped by a person, it has ended.
const (
	RolloutRunning RolloutState = "running"
	RolloutPaused  RolloutState = "paused"
	RolloutStopped RolloutState = "stopped"
	RolloutDone    RolloutState = "done"
)

// StopReason is why a rollout was stopped.
type StopReason string

// The reasons.
const (
	StopThreshold StopReason = "threshold" // too many failed or came back
	StopPerson    StopReason = "person"
	StopNewer     StopReason = "newer" // a newer rollout began
)

// RolloutKiosk is one kiosk of a rollout.
type RolloutKiosk struct {
	Rollout   string
	Kiosk     string
	Structure string
	Label     string
	Rank      int // in which order kiosks are taken
	Stage     int
	Phase     Phase
	Code      kiosk.Code // of PhaseFailed and PhaseReturned, and why PhaseFetching does not go on
	Was       string     // its version when it was chosen
	Ordered   time.Time  // zero: not told yet
	Changed   time.Time
}

// Phase is how far a kiosk of a rollout is.
type Phase string

// The phases.
const (
	PhaseChosen   Phase = "chosen"   // its turn comes
	PhaseOrdered  Phase = "ordered"  // told, and nothing said of it yet
	PhaseFetching Phase = "fetching" // brings the files
	PhaseWaiting  Phase = "waiting"  // for the night
	PhaseTrying   Phase = "trying"   // installs, or runs it and looks whether all works
	PhaseDone     Phase = "done"
	PhaseFailed   Phase = "failed"   // could not install it
	PhaseReturned Phase = "returned" // tried it, and came back to the version before
	PhaseLeft     Phase = "left"     // its identity has ended, or another one has its place
)

// Phases are all of them, in their order.
func Phases() []Phase {
	return []Phase{PhaseChosen, PhaseOrdered, PhaseFetching, PhaseWaiting, PhaseTrying, PhaseDone, PhaseFailed, PhaseReturned, PhaseLeft}
}

// Ended says whether nothing more is expected of a kiosk.
func (p Phase) Ended() bool {
	return p == PhaseDone || p == PhaseFailed || p == PhaseReturned || p == PhaseLeft
}

// Bad says that a kiosk did not come to the version.
func (p Phase) Bad() bool { return p == PhaseFailed || p == PhaseReturned }

// Progress is how many kiosks are in which phase.
type Progress map[Phase]int

// Kiosks are those that are in it still.
func (p Progress) Kiosks() int {
	n := 0
	for phase, k := range p {
		if phase != PhaseLeft {
			n += k
		}
	}
	return n
}

// Bad are those that did not come to the version.
func (p Progress) Bad() int { return p[PhaseFailed] + p[PhaseReturned] }

// StageProgress is the progress of one stage, and how many of its kiosks were
// told and have not been heard for AbsentAfter.
type StageProgress struct {
	Progress
	Absent int
}

// AbsentAfter is after how long without a word a kiosk no longer holds a stage
// up. It gets the release all the same when it is back.
const AbsentAfter = 24 * time.Hour

// Over says whether so many failed that a rollout stops by itself. in is the
// progress of the stages so far.
func (r Rollout) Over(in Progress) bool {
	bad := in.Bad() - r.Forgiven
	return bad > 0 && (r.StopNumber > 0 && bad >= r.StopNumber || r.StopPercent > 0 && bad*100 >= r.StopPercent*in.Kiosks())
}

// Satisfied says whether enough kiosks of the stages so far have come to the
// version. Those that failed do not hold it up: they count for Over. At least
// one must have come.
func (r Rollout) Satisfied(in StageProgress) bool {
	here := in.Kiosks() - in.Bad() - in.Absent
	return in.Progress[PhaseDone] > 0 && in.Progress[PhaseDone]*100 >= r.Enough*here
}

// Wants says whether a kiosk is one that a release is for: it is in service,
// says that it can be updated, and its version may go to the release's.
func (r Release) Wants(k Kiosk) bool {
	u := k.State.Update
	return k.Revoked.IsZero() && u != nil && provisioning.ValidVersion(u.Version) && Older(u.Version, r.Version) && (r.Minimum == "" || !Older(u.Version, r.Minimum))
}

// Older says whether version a is before b.
func Older(a, b string) bool { return provisioning.CompareVersions(a, b) < 0 }

// Choose puts kiosks into the order in which they get a version: those whose
// hosts let them be the first, then those that were heard lately, then the
// others; each of these one structure after the other, so that no place waits
// with all its kiosks for one night. The same kiosks and version give the same
// order.
func Choose(version string, kiosks []Kiosk, now time.Time) []Kiosk {
	var classes [3][]Kiosk
	for _, k := range kiosks {
		class := 1
		switch {
		case now.Sub(k.Seen) >= AbsentAfter:
			class = 2
		case k.Pilot:
			class = 0
		}
		classes[class] = append(classes[class], k)
	}
	out := make([]Kiosk, 0, len(kiosks))
	for _, c := range classes {
		out = append(out, spread(version, c)...)
	}
	return out
}

// spread takes one kiosk of each structure, then another one of each.
func spread(version string, kiosks []Kiosk) []Kiosk {
	type drawn struct {
		Kiosk
		turn      int
		own, host string
	}
	draw := func(what string) string {
		sum := sha256.Sum256([]byte(version + "\n" + what))
		return string(sum[:])
	}
	all := make([]drawn, 0, len(kiosks))
	for _, k := range kiosks {
		all = append(all, drawn{Kiosk: k, own: draw(k.ID), host: draw(k.Structure)})
	}
	slices.SortFunc(all, func(a, b drawn) int { return cmp.Compare(a.own, b.own) })
	turns := map[string]int{}
	for i := range all {
		all[i].turn = turns[all[i].Structure]
		turns[all[i].Structure]++
	}
	slices.SortStableFunc(all, func(a, b drawn) int { return cmp.Or(cmp.Compare(a.turn, b.turn), cmp.Compare(a.host, b.host)) })
	out := make([]Kiosk, 0, len(all))
	for _, d := range all {
		out = append(out, d.Kiosk)
	}
	return out
}

// Everybody is no structure's ID: only who sees all is told of a Change there.
const Everybody = "all"

// Step is what a step of a rollout found.
type Step struct {
	Rollout Rollout
	Stages  []StageProgress
	// Orders are what kiosks are to be told now.
	Orders []Order
	// Remind are kiosks that are there and were not sent their order: the
	// server that queued it was ended before.
	Remind []Order
	// Changed says that people see something new.
	Changed bool
}

// Order is what one kiosk is to be told, by a command of that ID.
type Order struct {
	ID, Structure, Kiosk string
	// Update is the order; without a version it takes the one before back.
	Update provisioning.UpdateOrder
}

// Steer is what a person does to a rollout.
type Steer string

// What can be done.
const (
	SteerPause  Steer = "pause"
	SteerResume Steer = "resume"
	SteerStop   Steer = "stop" // for good
)

// RemindAfter is how long an order may be queued for a kiosk that is there.
const RemindAfter = 2 * time.Minute

// LostAfter is how long after its order a kiosk that speaks of another version,
// or of none, has lost it.
const LostAfter = 10 * time.Minute

// Told is the phase of a kiosk by what it tells of updates. fresh says that it
// tells something else than when it was ordered: an end that it told of before
// is not this one's.
func Told(version string, u *provisioning.UpdateState, was Phase, fresh bool) (Phase, kiosk.Code) {
	if u == nil {
		return was, ""
	}
	trying := u.Phase == provisioning.UpdateInstalling || u.Phase == provisioning.UpdateTrying
	switch {
	case u.Version == version && !(trying && u.Wanted == version):
		return PhaseDone, ""
	case (was == PhaseChosen || was == PhaseOrdered) && !fresh:
		return was, ""
	case u.Phase == provisioning.UpdateReturned && u.Returned == version:
		return PhaseReturned, u.Code
	case u.Wanted != version:
		return was, ""
	case u.Phase == provisioning.UpdateFailed:
		return PhaseFailed, u.Code
	case u.Phase == provisioning.UpdateFetching:
		return PhaseFetching, u.Code
	case u.Phase == provisioning.UpdateWaiting:
		return PhaseWaiting, ""
	case trying:
		return PhaseTrying, ""
	}
	return was, ""
}
