package setup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/atomicfile"
	"pointnum/kiosk/config"
	"pointnum/provisioning/technician"
)

// handle does what the technician wants.
func (f *Flow) handle(ctx context.Context, a Action) error {
	if _, ok := a.(Cancel); ok {
		if f.cancel == nil || f.st.Task == TaskInstall {
			return refused("nothing to cancel")
		}
		f.cancel()
		f.st.Auto = false // who steps in goes on by hand
		return nil
	}
	if _, off := a.(PowerOff); off || f.st.Installed {
		if !off || !f.st.Installed {
			return refused("the system is not, or has just been, put on a disk")
		}
		return f.o.Installer.PowerOff(ctx)
	}
	if f.st.Task != "" {
		if f.st.Task != TaskLook && f.st.Task != TaskFind {
			return refused("%s is under way", f.st.Task)
		}
		switch a.(type) {
		case SetLanguage, KeepDevice:
		default:
			f.drop() // looking can be done again
		}
	}
	switch a := a.(type) {
	case SetLanguage:
		return f.setLanguage(ctx, a.Lang)
	case Next:
		return f.next(ctx)
	case Back:
		return f.back(ctx)
	case Install:
		return f.handleInstall(ctx, a)
	case Again:
		f.enter(ctx)
		return nil
	case Leave:
		if f.st.Step != StepLanguage || !f.st.Before {
			return refused("nothing to go back to")
		}
		f.end()
		return nil
	case Finish:
		if f.st.Step != StepDone {
			return refused("not ready")
		}
		f.end()
		return nil
	}
	switch f.st.Step {
	case StepNetwork:
		return f.handleNetwork(ctx, a)
	case StepHost:
		return f.handleHost(ctx, a)
	case StepDevices:
		return f.handleDevices(a)
	case StepTest:
		return f.handleTest(ctx, a)
	}
	return refused("%T in step %s", a, f.st.Step)
}

func (f *Flow) setLanguage(ctx context.Context, lang string) error {
	if !slices.Contains(f.o.Langs, lang) {
		return refused("no language %q", lang)
	}
	f.st.Lang = lang
	if f.st.Step == StepLanguage {
		return f.next(ctx)
	}
	return f.save()
}

// next goes to the step behind, once this one is finished.
func (f *Flow) next(ctx context.Context) error {
	switch f.st.Step {
	case StepHost:
		if f.st.Host.Is == nil && !f.st.Host.Alone {
			return refused("no code, and not alone")
		}
	case StepTest:
		if !f.tested {
			return refused("not tested")
		}
		f.finish(ctx)
		return nil
	case StepDone:
		return refused("nothing behind")
	}
	f.st.Step = Steps()[slices.Index(Steps(), f.st.Step)+1]
	if err := f.save(); err != nil {
		return err
	}
	f.st.Fault = nil
	f.enter(ctx)
	return nil
}

// back returns to the step before, and goes on by hand from there.
func (f *Flow) back(ctx context.Context) error {
	at := slices.Index(Steps(), f.st.Step)
	if at == 0 {
		return refused("nothing before")
	}
	f.st.Step, f.st.Auto, f.st.Fault, f.again = Steps()[at-1], false, nil, time.Time{}
	if err := f.save(); err != nil {
		return err
	}
	f.findDisks()
	if f.st.Step == StepNetwork || f.st.Step == StepTest {
		f.enter(ctx)
	}
	return nil
}

// onward goes on by itself where a technician's file leads.
func (f *Flow) onward(ctx context.Context) {
	if !f.st.Auto {
		return
	}
	if err := f.next(ctx); err != nil {
		f.fail(f.st.Task, err)
	}
}

// enter begins what a step does by itself.
func (f *Flow) enter(ctx context.Context) {
	f.again = time.Time{}
	switch f.st.Step {
	case StepLanguage:
		if f.st.Auto && !f.held && slices.Contains(f.o.Langs, f.conf.Language) {
			f.st.Lang = f.conf.Language
			f.onward(ctx)
		}
	case StepNetwork:
		f.enterNetwork(ctx)
	case StepHost:
		f.enterHost(ctx)
	case StepDevices:
		f.find(ctx)
	case StepTest:
		f.test(ctx)
	case StepDone:
		f.enterDone(ctx)
	}
}

// ---- whose kiosk it is

func (f *Flow) enterHost(ctx context.Context) {
	switch {
	case f.st.Host.Is != nil:
		f.blanked(ctx, Blank{Code: true}) // the power may have gone in between
		f.onward(ctx)
	case f.st.Auto && f.conf.Alone && f.st.Host.Place.Name != "":
		f.st.Host.Alone = true
		f.onward(ctx)
	case f.st.Auto && f.conf.Code != "" && f.st.Host.Server != "":
		f.enrol(ctx, f.conf.Code)
	}
}

func (f *Flow) handleHost(ctx context.Context, a Action) error {
	switch a := a.(type) {
	case UseCode:
		if !config.ServerAddress(a.Server) {
			return refused("%q is no server", a.Server)
		}
		if !codeLetters.MatchString(strings.TrimSpace(a.Code)) {
			return refused("this is no code")
		}
		f.st.Host.Server = a.Server
		f.enrol(ctx, strings.TrimSpace(a.Code))
		return nil
	case GoAlone:
		name := strings.TrimSpace(a.Name)
		if name == "" || kiosk.CheckLine(name) != nil || len(name) > kiosk.MaxLine {
			return refused("the place needs a name of one line")
		}
		f.st.Host.Alone, f.st.Host.Is, f.st.Host.Place.Name = true, nil, name
		return f.next(ctx)
	}
	return refused("%T in step %s", a, f.st.Step)
}

func (f *Flow) enrol(ctx context.Context, code string) {
	e := Enrolment{Server: f.st.Host.Server, Code: code, Proxy: f.network.Proxy, CA: f.ca}
	f.work(ctx, TaskEnrol, func(c context.Context) func() {
		id, err := f.o.Enrol(c, e)
		return func() {
			if err != nil {
				f.fail(TaskEnrol, err)
				if f.st.Auto && kiosk.CodeOf(err) == kiosk.CodeNoNetwork {
					f.later()
				}
				return
			}
			f.st.Host.Is, f.st.Host.Alone = &id, false
			f.blanked(ctx, Blank{Code: true})
			if err := f.next(ctx); err != nil {
				f.fail(TaskEnrol, err)
			}
		}
	})
}

// blanked has used secrets taken out of the technician's file. When that
// fails it is tried again with the next one, and told in the self-test.
func (f *Flow) blanked(ctx context.Context, b Blank) {
	if f.o.Blank == nil || f.conf == nil {
		return
	}
	b.Code = (b.Code || f.blank.Code) && f.conf.Code != ""
	b.Technician = (b.Technician || f.blank.Technician) && f.conf.Technician != ""
	b.Password = (b.Password || f.blank.Password) && f.conf.Network.WiFi != nil && f.conf.Network.WiFi.Password != ""
	if b == (Blank{}) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, blankTimeout)
	defer cancel()
	if err := f.o.Blank(ctx, b); err != nil {
		f.o.Log.Warn("used secrets stay in the technician's file", "err", err)
		f.blank = b
		return
	}
	f.blank = Blank{}
	if b.Code {
		f.conf.Code = ""
	}
	if b.Technician {
		f.conf.Technician = ""
	}
	if b.Password {
		f.conf.Network.WiFi.Password = ""
	}
}

// blankTimeout is for root to write some lines to a stick's partition; the
// screen waits for it.
const blankTimeout = 10 * time.Second

// ---- the self-test

func (f *Flow) handleTest(ctx context.Context, a Action) error {
	switch a.(type) {
	case Touched:
		f.touched = true
		f.line(Line{What: LineTouch, State: LineOK})
		return nil
	case Print:
		f.print(ctx, func() {})
		return nil
	}
	return refused("%T in step %s", a, f.st.Step)
}

// line shows a line, in the place of one about the same.
func (f *Flow) line(l Line) {
	at := slices.IndexFunc(f.st.Lines, func(o Line) bool { return o.What == l.What && o.Name == l.Name })
	if at >= 0 {
		f.st.Lines[at] = l
		return
	}
	f.st.Lines = append(f.st.Lines, l)
}

func (f *Flow) test(ctx context.Context) {
	f.st.Lines, f.tested = nil, false
	if err := f.newCode(); err != nil {
		f.fail(TaskTest, err)
		return
	}
	touch := Line{What: LineTouch, State: LineWait}
	if f.touched {
		touch.State = LineOK
	}
	f.line(touch)
	f.blanked(ctx, f.blank)
	if f.blank != (Blank{}) {
		f.line(Line{What: LineSecrets, State: LineWarn, Detail: ConfName})
	}
	cfg, server := f.Config(), ""
	if f.st.Host.Is != nil {
		server = f.st.Host.Is.Server
	}
	f.work(ctx, TaskTest, func(c context.Context) func() {
		f.testNetwork(c, server)
		err := f.o.Test(c, cfg, func(l Line) { f.tell(c, func() { f.line(l) }) })
		return func() {
			if err != nil {
				f.fail(TaskTest, err)
				return
			}
			f.tested = true
			if !f.st.Auto {
				return
			}
			bad := slices.ContainsFunc(f.st.Lines, func(l Line) bool { return l.State == LineBad })
			f.print(ctx, func() {
				if !bad {
					f.onward(ctx)
				}
			})
		}
	})
}

// testNetwork tells the lines of the network and the clock.
func (f *Flow) testNetwork(ctx context.Context, server string) {
	r := f.o.Machine.Reach(ctx, server)
	net := Line{What: LineNetwork, Name: server, State: LineOK, Code: r.Code, Detail: r.Detail}
	if !r.Server || r.Code != "" {
		net.State = LineBad
		if server == "" {
			net.State = LineWarn // a kiosk that works alone scans and prints without it
		}
	}
	clock := Line{What: LineClock, State: LineOK}
	switch {
	case !r.SkewKnown:
		clock.State = LineWarn
	case r.Skew.Abs() > clockSlack:
		clock.State, clock.Detail = LineBad, r.Skew.Round(time.Second).String()
	}
	f.tell(ctx, func() { f.line(net); f.line(clock) })
}

// print prints the sheet, then goes on with then, whatever became of it.
func (f *Flow) print(ctx context.Context, then func()) {
	cfg, st := f.Config(), f.shown()
	f.work(ctx, TaskPrint, func(c context.Context) func() {
		err := f.o.Print(c, cfg, st)
		return func() {
			if err != nil {
				f.fail(TaskPrint, err)
			} else {
				f.st.Printed = true
			}
			then()
		}
	})
}

// ---- the end

// finish writes the configuration: from here on the kiosk starts as one.
func (f *Flow) finish(ctx context.Context) {
	cfg, code := f.Config(), f.st.Code
	given := f.conf != nil && f.conf.Technician != ""
	if given {
		code = f.conf.Technician
	}
	f.work(ctx, TaskFinish, func(context.Context) func() {
		var err error
		if code != "" {
			err = technician.Keep(cfg.Fleet.Dir, code)
		}
		if err == nil {
			err = WriteConfig(f.o.Path, cfg)
		}
		return func() {
			if err != nil {
				f.fail(TaskFinish, err)
				return
			}
			if given {
				f.given = true
				f.blanked(ctx, Blank{Technician: true})
			}
			if f.blank.Technician { // the test, which tells of such things, is over
				f.st.Fault = &Fault{Task: TaskFinish, Code: kiosk.CodeInternal, Detail: "the code stays in " + ConfName + ": take it out there"}
			}
			f.st.Step = StepDone
			if err := f.save(); err != nil {
				f.fail(TaskFinish, err)
			}
			f.enter(ctx)
		}
	})
}

// newCode makes a technician's code, unless there is one that the technician
// gave. It is kept at the end: one that stands on the sheet of a setup that is
// given up opens nothing.
func (f *Flow) newCode() (err error) {
	if f.given || f.st.Code != "" || f.conf != nil && f.conf.Technician != "" {
		return nil
	}
	f.st.Code, err = technician.New()
	return err
}

// enterDone waits for a touch; where a file leads there may be nobody. After a
// power cut nobody knows the code that stood here: there is a new one.
func (f *Flow) enterDone(ctx context.Context) {
	if !f.given && f.st.Code == "" {
		if err := f.newCode(); err != nil {
			f.fail(TaskFinish, err)
			return
		}
		f.finish(ctx)
		return
	}
	stay := f.o.Times.Linger
	if f.st.Code != "" && !f.st.Printed {
		if stay = f.o.Times.Note; f.st.Auto {
			stay = min(stay, 3*f.o.Times.Linger)
		}
	}
	f.again = f.o.Now().Add(stay)
}

// end is the last: what was kept of the setup goes.
func (f *Flow) end() {
	err := os.Remove(filepath.Join(f.o.Base.Fleet.Dir, keptFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.fail(TaskFinish, fmt.Errorf("setup: %w", err))
		return
	}
	f.st.Ended = true
}

// Config is the configuration that the setup comes to. It is for the flow's
// own goroutine.
func (f *Flow) Config() *config.Config {
	c := *f.o.Base
	c.Place = f.st.Host.Place
	if c.Place.Name == "" {
		c.Place.Name = config.Default().Place.Name
	}
	langs := slices.DeleteFunc(slices.Clone(c.Languages), func(l string) bool { return l == f.st.Lang })
	c.Languages = append([]string{f.st.Lang}, langs...)
	c.Fleet.Proxy, c.Fleet.CA, c.Fleet.Server = f.network.Proxy, f.ca, ""
	if f.st.Host.Is != nil {
		c.Fleet.Server = f.st.Host.Is.Server
	}
	c.Devices = nil
	for _, d := range f.st.Devices {
		if d.Keep {
			c.Devices = append(c.Devices, d.Spec)
		}
	}
	return &c
}

// WriteConfig writes a configuration as the file that kioskd reads.
func WriteConfig(path string, c *config.Config) error {
	text := ConfigText(c)
	if _, err := config.Load(strings.NewReader(string(text)), filepath.Base(path)); err != nil {
		return fmt.Errorf("setup: the configuration would not load: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	// It may hold a proxy's password.
	if err := atomicfile.Write(path, text, 0o640); err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	return nil
}
