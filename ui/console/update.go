package console

import (
	"context"
	"time"

	"pointnum/kiosk"
)

// Updates is how kiosks come to new versions of their system.
type Updates interface {
	// Updates is how that of the whole server goes: for its administrators.
	Updates(ctx context.Context, who Who) (UpdateBoard, error)
	// StartRollout begins to bring a version to the kiosks that want it; it
	// wants a fresh proof. ErrConflict while another one is open, ErrInvalid
	// for a plan that cannot be worked or a version that nobody wants.
	StartRollout(ctx context.Context, who Who, p Plan) error
	// SteerRollout does something to the open rollout of that ID. To resume it
	// wants a fresh proof, to hold it does not. ErrConflict when it is no more
	// as it was seen.
	SteerRollout(ctx context.Context, who Who, id string, do Steer) error
	// Pilot says whether a kiosk may be among the first to be updated.
	Pilot(ctx context.Context, who Who, kiosk string, on bool) error
}

// Update is what a kiosk tells of its version.
type Update struct {
	Version string // that runs
	Wanted  string // that it was told to have; "" none
	Phase   UpdatePhase
	Percent int        // fetched
	Code    kiosk.Code // of a failure
}

// UpdatePhase is how far a kiosk is with an update.
type UpdatePhase string

// The phases.
const (
	UpdateIdle       UpdatePhase = "idle"
	UpdateFetching   UpdatePhase = "fetching"
	UpdateWaiting    UpdatePhase = "waiting" // until the place is closed
	UpdateInstalling UpdatePhase = "installing"
	UpdateTrying     UpdatePhase = "trying"
	UpdateDone       UpdatePhase = "done"
	UpdateFailed     UpdatePhase = "failed"
	UpdateReturned   UpdatePhase = "returned" // came back to Version
)

// UpdateBoard is which versions run where, and what is being rolled out.
type UpdateBoard struct {
	Versions []VersionCount // the newest first
	// Others are kiosks that are not updated from here: machines that only
	// have the packages.
	Others   int
	Releases []Release // that the server has, the newest added first
	Open     *Rollout  // nil for none
	Past     []Rollout // newest first
}

// VersionCount is how many kiosks run a version.
type VersionCount struct {
	Version string
	Kiosks  int
}

// Release is a version that the server has.
type Release struct {
	Version string
	Notes   string
	Added   time.Time
	Size    int64 // bytes
	Kiosks  int   // that want it
}

// Plan is a rollout that somebody wants.
type Plan struct {
	Version     string
	Stages      []Stage
	NotBefore   time.Time // zero: at once
	StopNumber  int       // that many kiosks that fail stop it; 0: see StopPercent
	StopPercent int
}

// Stage is a part of a rollout: so many kiosks, or percent of all, with those
// of the stages before.
type Stage struct {
	Kiosks, Percent int
	Wait            time.Duration // after it, before the next one
}

// Size is how many kiosks of all it has, with those of the stages before.
func (s Stage) Size(all int) int {
	n := s.Kiosks
	if s.Percent > 0 {
		n = (all*s.Percent + 99) / 100
	}
	return min(max(n, 1), all)
}

// RolloutState is what a rollout does.
type RolloutState string

// The states.
const (
	RolloutRunning RolloutState = "running"
	RolloutPaused  RolloutState = "paused"
	RolloutHeld    RolloutState = "held" // stopped by itself: too many failed
	RolloutEnded   RolloutState = "ended"
	RolloutDone    RolloutState = "done"
)

// Steer is what is done to a rollout.
type Steer string

// What can be done.
const (
	SteerPause  Steer = "pause"
	SteerResume Steer = "resume"
	SteerStop   Steer = "stop" // for good
)

// Rollout is one, and how far it is.
type Rollout struct {
	ID, Version string
	By          string // name
	Created     time.Time
	Ended       time.Time // zero: open
	NotBefore   time.Time
	State       RolloutState
	Stage       int       // index of the present one
	Next        time.Time // when the next stage begins; zero unknown yet
	Stages      []StageProgress
	Bad         int // kiosks that failed or came back
	StopAt      int // so many stop it
	Failed      []FailedKiosk
}

// StageProgress is how far one stage is. Kiosks are its own, without those of
// the stages before.
type StageProgress struct {
	Stage
	Of     int // kiosks
	Done   int
	Bad    int
	Absent int // not heard for a day
}

// FailedKiosk is one that did not come to the version.
type FailedKiosk struct {
	ID, Label, Structure string
	Returned             bool // tried it and came back to the version before
	Code                 kiosk.Code
	At                   time.Time
}
