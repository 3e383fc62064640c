package setup_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"pointnum/kiosk"
	"pointnum/provisioning/setup"
)

// installer has one disk, and writes there when wait is closed.
type installer struct {
	mu    sync.Mutex
	stick bool
	done  []string
	err   error
	wait  chan struct{}
}

func (i *installer) Disks() ([]setup.TargetDisk, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return []setup.TargetDisk{{Path: "/dev/nvme0n1", Model: "Samsung 980", Size: 256e9}}, i.stick
}

func (i *installer) tell(what string, err error) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.done = append(i.done, what)
	return err
}

func (i *installer) Install(_ context.Context, path string) error {
	<-i.wait
	return i.tell(path, i.err)
}

func (i *installer) PowerOff(context.Context) error { return i.tell("off", nil) }

func TestAStickPutsTheSystemOnADisk(t *testing.T) {
	p := newPlace(t)
	p.write(t, "language: fr\nplace:\n  name: Mairie\nfleet:\n  alone: oui\n")
	i := &installer{stick: true, wait: make(chan struct{}), err: errors.New("broken")}
	o := p.options()
	o.Installer = i
	f, _ := run(t, o)
	until(t, f, "the disk", func(st setup.State) bool { return len(st.Disks) == 1 && st.Task == "" })
	refused := func(a setup.Action) {
		t.Helper()
		if err := f.Do(t.Context(), a); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
			t.Errorf("%T: %v", a, err)
		}
	}
	refused(setup.Install{Disk: "/dev/nvme0n1", Word: "oui"})
	refused(setup.Install{Disk: "/dev/sda", Word: setup.EraseWord})
	refused(setup.PowerOff{})
	do(t, f, setup.Install{Disk: "/dev/nvme0n1", Word: setup.EraseWord})
	refused(setup.Cancel{})
	refused(setup.SetLanguage{Lang: "en"})
	close(i.wait)
	st := until(t, f, "the fault", func(st setup.State) bool { return st.Task == "" })
	if st.Fault == nil || st.Installed || st.Step != setup.StepLanguage {
		t.Errorf("%+v", st)
	}
	i.mu.Lock()
	i.err = nil
	i.mu.Unlock()
	do(t, f, setup.Install{Disk: "/dev/nvme0n1", Word: setup.EraseWord})
	until(t, f, "the end", func(st setup.State) bool { return st.Installed && st.Task == "" })
	refused(setup.SetLanguage{Lang: "fr"}) // a setup on the stick would use the code up
	do(t, f, setup.PowerOff{})
	if i.mu.Lock(); len(i.done) != 3 || i.done[2] != "off" {
		t.Errorf("done: %v", i.done)
	}
	i.mu.Unlock()
}

func TestAFileLeadsOnOnceAPersonGoesOnWithTheStick(t *testing.T) {
	p := newPlace(t)
	p.write(t, "language: fr\nplace:\n  name: Mairie\nfleet:\n  alone: oui\n")
	o := p.options()
	o.Installer = &installer{stick: true}
	f, _ := run(t, o)
	do(t, f, setup.SetLanguage{Lang: "fr"})
	until(t, f, "the end", func(st setup.State) bool { return st.Ended })

	built := newPlace(t)
	built.write(t, "language: fr\nplace:\n  name: Mairie\nfleet:\n  alone: oui\n")
	o = built.options()
	o.Installer = &installer{} // a kiosk on its own disk, beside another one
	f, _ = run(t, o)
	until(t, f, "the end without a touch", func(st setup.State) bool { return st.Ended })
}
