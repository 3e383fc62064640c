package console_test

import (
	"context"
	"fmt"
	"time"

	"pointnum/ui/console"
)

// board is the second stage of a rollout.
func board() console.UpdateBoard {
	day := 24 * time.Hour
	return console.UpdateBoard{
		Versions: []console.VersionCount{{Version: "2.0.0", Kiosks: 14}, {Version: "1.4.0", Kiosks: 103}, {Version: "1.3.9", Kiosks: 3}},
		Others:   2,
		Releases: []console.Release{
			{Version: "2.0.0", Notes: "La numérisation recto verso est plus rapide. Le reçu se lit mieux.", Added: now.AddDate(0, 0, -2), Size: 612 << 20, Kiosks: 120},
			{Version: "1.4.0", Notes: "Corrections.", Added: now.AddDate(0, -2, 0), Size: 600 << 20},
		},
		Open: &console.Rollout{
			ID: "r1", Version: "2.0.0", By: "Ada", Created: now.AddDate(0, 0, -1), State: console.RolloutRunning, Stage: 1, Bad: 2, StopAt: 6,
			Stages: []console.StageProgress{
				{Stage: console.Stage{Kiosks: 1, Wait: day}, Of: 1, Done: 1}, {Stage: console.Stage{Percent: 10, Wait: day}, Of: 11, Done: 7, Bad: 2, Absent: 1},
				{Stage: console.Stage{Percent: 50, Wait: day}, Of: 48}, {Stage: console.Stage{Percent: 100}, Of: 60},
			},
			Failed: []console.FailedKiosk{
				{ID: "h1", Label: "Hall d’accueil", Structure: "Centre social des Tilleuls", Returned: true, Code: "update_unhealthy", At: now.Add(-7 * time.Hour)},
				{ID: "m3", Label: "Salle des mariages", Structure: "Mairie de Roubaix", Code: "update_no_room", At: now.Add(-8 * time.Hour)},
			},
		},
		Past: []console.Rollout{
			{ID: "r0", Version: "1.4.0", State: console.RolloutDone, Ended: now.AddDate(0, -1, -20), Stages: []console.StageProgress{{Of: 117, Done: 117}}},
			{ID: "rx", Version: "1.3.9", State: console.RolloutEnded, Ended: now.AddDate(0, -3, 0), Stages: []console.StageProgress{{Of: 90, Done: 1}}},
		},
	}
}

// rollout changes what is rolled out; nil for nothing.
func (f *fleet) rollout(change func(*console.Rollout)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if change == nil {
		f.board.Open = nil
		return
	}
	open := *board().Open
	change(&open)
	f.board.Open = &open
}

func (f *fleet) Updates(_ context.Context, who console.Who) (console.UpdateBoard, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !who.May(console.MayUpdate) {
		return console.UpdateBoard{}, console.ErrForbidden
	}
	b := f.board
	if b.Open != nil && f.label != "" {
		open := *b.Open
		open.By = f.label
		open.Failed = []console.FailedKiosk{{ID: "h1", Label: f.label, Structure: f.label, Code: "x", At: now}}
		b.Open = &open
	}
	return b, nil
}

func (f *fleet) StartRollout(_ context.Context, who console.Who, p console.Plan) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case !who.May(console.MayUpdate):
		return console.ErrForbidden
	case f.stale && who.Proved.IsZero():
		return console.ErrStale
	case f.board.Open != nil:
		return console.ErrConflict
	}
	f.done = append(f.done, fmt.Sprintf("rollout %s %d stages stop %d %d%% %s", p.Version, len(p.Stages), p.StopNumber, p.StopPercent, p.NotBefore.Format(time.DateOnly)))
	return nil
}

func (f *fleet) SteerRollout(_ context.Context, who console.Who, id string, do console.Steer) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case !who.May(console.MayUpdate):
		return console.ErrForbidden
	case f.board.Open == nil || f.board.Open.ID != id:
		return console.ErrConflict
	}
	f.done = append(f.done, string(do)+" "+id)
	return nil
}

func (f *fleet) Pilot(_ context.Context, who console.Who, id string, on bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, err := f.card(who, id, console.MaySettings)
	if err == nil {
		f.pilot = on
		f.done = append(f.done, fmt.Sprintf("pilot %s %v", id, on))
	}
	return err
}
