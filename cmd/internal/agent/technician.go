package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"pointnum/cmd/internal/cli"
	"pointnum/kiosk"
	"pointnum/kiosk/control"
	"pointnum/kiosk/dispose"
	"pointnum/kiosk/health"
	"pointnum/kiosk/steward"
	"pointnum/provisioning"
	"pointnum/provisioning/technician"
	"pointnum/provisioning/update"
	menu "pointnum/ui/technician"
)

// StewardDispose is the name under which root erases the kiosk.
const StewardDispose = "dispose"

// desk is the kiosk behind the technician's menu.
type desk struct {
	agent *parts
	guard technician.Guard
	work  chan func(context.Context)

	mu    sync.Mutex
	task  menu.Task
	since time.Time // of task
	fault error
	proof string
}

var _ menu.Desk = (*desk)(nil)

func newDesk(a *parts) *desk {
	return &desk{agent: a, guard: technician.Guard{Dir: a.Config.Fleet.Dir}, work: make(chan func(context.Context), 1)}
}

// run does what takes longer than a touch, one thing at a time, until ctx
// ends.
func (d *desk) run(ctx context.Context) error {
	for {
		select {
		case f := <-d.work:
			f(ctx)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// NewCode implements control.CodeHandler.
func (a *parts) NewCode(context.Context) (string, error) {
	c, err := technician.New()
	if err == nil {
		err = technician.Keep(a.Config.Fleet.Dir, c)
	}
	if err != nil {
		return "", err
	}
	a.desk.guard.Forget()
	return c.Shown(), nil
}

// Stand implements menu.Desk.
func (d *desk) Stand() menu.Stand {
	s := d.guard.Stand()
	return menu.Stand{None: s.None, Closed: s.Closed, Left: s.Left}
}

// Try implements menu.Desk.
func (d *desk) Try(typed string) bool {
	c, ok := technician.Parse(typed)
	if !ok {
		return false // nobody guesses by what is no code
	}
	ok, err := d.guard.Try(c)
	if err != nil && !errors.Is(err, technician.ErrNone) {
		d.agent.Log.Error("the technician's code can't be read", "err", err)
	}
	return ok
}

// Left implements menu.Desk.
func (d *desk) Left() {
	d.mu.Lock()
	d.fault = nil
	d.mu.Unlock()
}

// State implements menu.Desk.
func (d *desk) State() menu.State {
	a := d.agent
	visit, _ := a.engine.State().Load()
	s := menu.State{
		Lang: visit.Lang, Free: !a.visiting(), Version: Version, Link: d.link(), Problems: d.problems(),
		Reboot: a.Reboot != nil, PowerOff: a.PowerOff != nil,
	}
	s.TextLang = textLang(s.Lang)
	s.Update, s.Version = d.update(s.TextLang)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.task != "" && d.task != menu.TaskErase && d.task != menu.TaskErased && time.Since(d.since) > leadsAway {
		d.task, d.fault = "", &kiosk.Error{Code: kiosk.CodeNotResponding, Op: "menu: " + string(d.task)}
	}
	s.Task, s.Proof = d.task, d.proof
	if d.fault != nil {
		s.Fault = faultOf(d.fault, s.TextLang)
	}
	return s
}

// textLang is the language of the technician's texts (package cli).
func textLang(lang string) string {
	if lang == "fr" {
		return "fr"
	}
	return "en"
}

func faultOf(err error, lang string) *menu.Fault {
	f := &menu.Fault{Code: kiosk.CodeOf(err), Detail: err.Error()}
	switch {
	case strings.HasPrefix(string(f.Code), "update_"):
		f.Text = cli.CodeText(f.Code, lang)
	case lang == "fr": // the codes' own texts are about devices
		f.Text = "Cela n’a pas marché. Recommencez ; si cela dure, éteignez la borne, attendez 10 s, rallumez-la."
	default:
		f.Text = "This did not work. Try again; if it lasts, switch the kiosk off, wait 10 s, switch it on."
	}
	return f
}

func (d *desk) link() menu.Link {
	switch f := d.agent.fleet.status(); {
	case f == nil:
		return menu.LinkAlone
	case f.Link == "down" || f.Link == "":
		return menu.LinkDown
	}
	return menu.LinkUp
}

// problems are the kiosk's conditions; those of devices under their names.
func (d *desk) problems() []menu.Problem {
	list, _ := d.agent.manager.State().Load()
	var out []menu.Problem
	for _, c := range d.agent.health.State() {
		p := menu.Problem{Name: c.Name, Code: c.Code, Detail: c.Detail}
		for _, one := range list {
			if health.Device(one.Info.ID) == c.Name {
				p.Name, p.Kind = string(one.Info.ID), one.Info.Kind
			}
		}
		out = append(out, p)
	}
	return out
}

// update is how the system's update stands, and the version that runs.
func (d *desk) update(lang string) (menu.Update, string) {
	u, err := d.agent.Update(context.Background()) // it waits for nothing
	if err != nil || !u.Image {
		return menu.Update{Phase: menu.PhasePackages, Percent: -1}, Version
	}
	phases := map[provisioning.UpdatePhase]menu.Phase{
		provisioning.UpdateFetching: menu.PhaseFetching, provisioning.UpdateWaiting: menu.PhaseWaiting, provisioning.UpdateInstalling: menu.PhaseInstalling,
		provisioning.UpdateTrying: menu.PhaseTrying, provisioning.UpdateReturned: menu.PhaseReturned, provisioning.UpdateFailed: menu.PhaseFailed,
	}
	out := menu.Update{Phase: menu.PhaseNone, Wanted: u.Wanted, Percent: -1}
	if p, ok := phases[provisioning.UpdatePhase(u.Phase)]; ok {
		out.Phase = p
	}
	if out.Phase == menu.PhaseFetching {
		out.Percent = u.Percent
	}
	if u.Code != "" {
		out.Fault = &menu.Fault{Code: u.Code, Text: cli.CodeText(u.Code, lang), Detail: u.Detail}
	}
	return out, u.Version
}

// Sticks implements menu.Desk.
func (d *desk) Sticks() []menu.Stick {
	look := d.agent.Updates.Sticks
	if look == nil {
		look = update.Sticks
	}
	found, err := look()
	if err != nil {
		d.agent.Log.Warn("sticks not looked for", "err", err)
		return nil
	}
	visit, _ := d.agent.engine.State().Load()
	keys, err := update.LoadKeys(d.agent.Updates.Keys)
	var out []menu.Stick
	for _, dir := range found {
		s := menu.Stick{Folder: dir}
		m, bad := update.Manifest{}, err
		if bad == nil {
			m, bad = update.OpenFolder(keys, dir)
		}
		if s.Version = m.Version; bad != nil {
			s.Fault = faultOf(bad, textLang(visit.Lang))
		}
		out = append(out, s)
	}
	return out
}

// Do implements menu.Desk.
func (d *desk) Do(ctx context.Context, a menu.Action) error {
	err := d.do(ctx, a)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fault = err; a.Name == menu.ActErase && kiosk.CodeOf(err) == kiosk.CodeBadRequest {
		d.fault = nil // the page says it
	}
	return err
}

func (d *desk) do(ctx context.Context, a menu.Action) error {
	d.mu.Lock()
	task := d.task
	d.mu.Unlock()
	if task != "" && !(task == menu.TaskErased && a.Name == menu.ActOff) || d.agent.visiting() {
		return badRequest("menu: something else goes on")
	}
	switch a.Name {
	case menu.ActUpdate:
		return d.take(a.Text, a.On)
	case menu.ActNow:
		return d.agent.updates.Hurry()
	case menu.ActSetup:
		if err := d.agent.SetUp(ctx); err != nil {
			return err
		}
		d.begin(menu.TaskSetup)
		return nil
	case menu.ActReboot:
		return d.power(ctx, menu.TaskReboot, d.agent.Reboot)
	case menu.ActOff:
		return d.power(ctx, menu.TaskOff, d.agent.PowerOff)
	case menu.ActErase:
		return d.erase(a.Text)
	}
	return badRequest("menu: no such action")
}

func badRequest(what string) error {
	return &kiosk.Error{Code: kiosk.CodeBadRequest, Op: what}
}

func (d *desk) begin(t menu.Task) {
	d.mu.Lock()
	d.task, d.since = t, time.Now()
	d.mu.Unlock()
}

// leadsAway is how long the machine, or the agent, has to end: after that the
// menu is there again.
const leadsAway = 2 * time.Minute

// erases says that the kiosk is being erased, or has been.
func (d *desk) erases() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.task == menu.TaskErase || d.task == menu.TaskErased
}

// take takes the release of a stick: of one that is there, not of any folder
// that a form names.
func (d *desk) take(folder string, again bool) error {
	for _, s := range d.Sticks() {
		if s.Folder == folder {
			return d.agent.updates.From(folder, again)
		}
	}
	return &kiosk.Error{Code: provisioning.CodeUpdateMissing, Op: "menu: this stick is gone"}
}

func (d *desk) power(ctx context.Context, t menu.Task, do func(context.Context) error) error {
	if do == nil {
		return badRequest("menu: not on this machine")
	}
	if err := do(ctx); err != nil {
		return err
	}
	d.begin(t)
	return nil
}

// erase has root erase the kiosk. It is begun by the word alone.
func (d *desk) erase(word string) error {
	if !strings.EqualFold(strings.TrimSpace(word), menu.Word) {
		return badRequest("menu: not confirmed")
	}
	select {
	case d.work <- d.erasing:
		d.begin(menu.TaskErase)
		return nil
	default:
		return badRequest("menu: erased already")
	}
}

// eraseTime bounds the wait for root: the largest disk that anybody builds
// into a kiosk takes less.
const eraseTime = 12 * time.Hour

func (d *desk) erasing(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, eraseTime)
	defer cancel()
	request := struct {
		Confirm string `json:"confirm"`
	}{menu.Word}
	var p dispose.Proof
	err := steward.Ask(ctx, d.agent.Updates.Stewards, StewardDispose, request, &p)
	if err == nil && !p.Verdict {
		err = errors.New("dispose: not proved")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.task, d.fault = menu.TaskErased, nil; err != nil {
		d.task, d.fault = "", fmt.Errorf("menu: %w", err)
		d.agent.Log.Error("the kiosk is not erased", "err", err)
	}
	if !p.At.IsZero() {
		d.proof = strings.ReplaceAll(p.Text(), "\r\n", "\n")
	}
}

var _ control.CodeHandler = (*parts)(nil)
