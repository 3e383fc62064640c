// Package alert tells people outside the console that a kiosk needs them, by
// e-mail and by webhook: once when a problem starts, once when it is solved,
// and once a day what the day was.
package alert

import (
	"context"
	"time"

	"pointnum/provisioning/fleet"
)

// Store is where alerts and notices wait; provisioning/fleet/store is one.
type Store interface {
	// Structures are those of the scope, with their AlertSettings.
	Structures(ctx context.Context, sc fleet.Scope) ([]fleet.Structure, error)
	// Kiosks are those of the scope.
	Kiosks(ctx context.Context, sc fleet.Scope) ([]fleet.Kiosk, error)
	// OpenAlert begins a problem; false when it is open already.
	OpenAlert(ctx context.Context, a fleet.Alert) (bool, error)
	// AlertTold says when people were told of it, unless that is known.
	AlertTold(ctx context.Context, id string, at time.Time) error
	// EndAlert ends the open one of that name, if there is one.
	EndAlert(ctx context.Context, structure, kiosk, name string, at time.Time) error
	// Alerts are those of the scope, newest first; open: only those.
	Alerts(ctx context.Context, sc fleet.Scope, open bool) ([]fleet.Alert, error)

	// Rollouts are the newest ones, newest first.
	Rollouts(ctx context.Context, limit int) ([]fleet.Rollout, error)
	// RolloutProgress is the progress of each stage.
	RolloutProgress(ctx context.Context, r fleet.Rollout) ([]fleet.StageProgress, error)
	// People are those of the scope.
	People(ctx context.Context, sc fleet.Scope) ([]fleet.Person, error)

	// AddNotice puts one into the outbox; one of that ID that is or was there
	// is no error and changes nothing.
	AddNotice(ctx context.Context, n fleet.Notice) error
	// DueNotices takes up to limit notices that are due, oldest first, and
	// moves their Due to now+lease in the same transaction, so that another
	// server does not send them meanwhile.
	DueNotices(ctx context.Context, now time.Time, limit int, lease time.Duration) ([]fleet.Notice, error)
	// NoticeDone says that it has gone, or never will: why is "" or a
	// constant word.
	NoticeDone(ctx context.Context, id, why string, at time.Time) error
	// NoticeRetry counts a failed try and says when the next one is due.
	NoticeRetry(ctx context.Context, id, why string, due time.Time) error
}
