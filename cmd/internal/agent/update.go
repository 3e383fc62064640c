package agent

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/control"
	"pointnum/kiosk/steward"
	"pointnum/provisioning"
	"pointnum/provisioning/enrol"
	"pointnum/provisioning/link/route"
	"pointnum/provisioning/update"
	"pointnum/provisioning/update/fetch"
	"pointnum/provisioning/update/install"
	"pointnum/provisioning/update/updater"
)

// UpdateOptions say where the parts of updates are, for tests; the zero value
// is a kiosk's.
type UpdateOptions struct {
	OSRelease string // what the system says it is; "" is update.OSRelease
	Keys      string // that sign releases; "" is update.KeysFile
	Loader    string // the boot loader's kernels; "" is install.Loader
	Stewards  string // the sockets of root's side; "" is steward.Dir
	// Sticks lists folders of releases on sticks; nil is update.Sticks.
	Sticks func() ([]string, error)
	Pace   updater.Pace
}

// bootFile names the present start of the machine (random(4)).
const bootFile = "/proc/sys/kernel/random/boot_id"

// newUpdates makes what keeps the system up to date. A kiosk that can't be
// updated serves its visitors, and refuses orders.
func (a *parts) newUpdates() (*updater.Updater, error) {
	o := updater.Options{
		Dir: a.updateDir(), Arch: runtime.GOARCH, Loader: a.Updates.Loader, Log: a.Log, Pace: a.Updates.Pace,
		Source: a.fleet.release, Install: a.installUpdate, Reboot: a.rebootUpdate, Busy: a.fleet.busy,
		Now: a.fleet.now, Night: a.fleet.night,
	}
	if o.Loader == "" {
		o.Loader = install.Loader
	}
	path := a.Updates.OSRelease
	if path == "" {
		path = update.OSRelease
	}
	u, err := updater.New(withSystem(o, path, a.Updates.Keys))
	if err == nil {
		return u, nil
	}
	a.Log.Warn("the system can't be updated", "err", err)
	return updater.New(updater.Options{Log: a.Log})
}

// withSystem adds what the system says of itself; no version where a part of
// that is missing.
func withSystem(o updater.Options, osRelease, keys string) updater.Options {
	version, err := update.ImageVersion(osRelease)
	if err != nil || version == "" {
		return o
	}
	boot, err := os.ReadFile(bootFile)
	if err == nil {
		o.Keys, err = update.LoadKeys(keys)
	}
	if err != nil {
		o.Log.Warn("the system can't be updated", "err", err)
		return o
	}
	o.Version, o.Boot = version, strings.TrimSpace(string(boot))
	return o
}

// updateDir is install.From on a kiosk.
func (a *parts) updateDir() string { return filepath.Join(a.Config.Fleet.Dir, "update") }

func (a *parts) installUpdate(ctx context.Context, version string) (string, error) {
	var answer install.Answer
	err := steward.Ask(ctx, a.Updates.Stewards, install.Name, install.Request{Version: version}, &answer)
	return answer.Detail, err
}

func (a *parts) rebootUpdate(ctx context.Context) error {
	if a.Reboot == nil {
		return errors.New("agent: this machine is not started anew by us")
	}
	return a.Reboot(ctx)
}

// release is where an order's files are: where it says, or on the
// supervision's own server.
func (s *supervision) release(o provisioning.UpdateOrder) (fetch.Source, error) {
	folder := o.URL
	if folder == "" {
		id, err := enrol.Load(s.path(identityFile))
		if err != nil {
			return nil, &kiosk.Error{Code: provisioning.CodeUpdateMissing, Op: "update: no supervision to fetch from", Err: err}
		}
		folder = strings.TrimSuffix(id.Server, "/") + "/releases/" + o.Version + "/"
	}
	way, err := wayOf(s.agent.Config.Fleet)
	if err != nil {
		return nil, err
	}
	r, err := route.New(folder, way.proxy, way.ca, s.now)
	if err != nil {
		return nil, err
	}
	web := &fetch.Web{Route: r}
	if box := s.outbox(); box != nil {
		web.Floor = box.Heard()
	}
	return web, nil
}

// now is the best time that the kiosk knows.
func (s *supervision) now() time.Time {
	if box := s.outbox(); box != nil {
		if now, known := box.Now(); known {
			return now
		}
	}
	return time.Now()
}

// night says whether the place is closed for long enough.
func (s *supervision) night() bool {
	settings := kiosk.Settings{}
	if d := s.host.load(); d.Settings != nil {
		settings = *d.Settings
	}
	return updater.Night(settings, s.now().Local())
}

// updateState is what the host is told; nil on another system than ours.
func (a *parts) updateState() *provisioning.UpdateState {
	if s, seq := a.updates.State().Load(); seq > 0 {
		return &s
	}
	return nil
}

// Update says how the system stands.
func (a *parts) Update(context.Context) (control.Update, error) {
	if a.updateState() == nil {
		return control.Update{Version: Version, Phase: string(provisioning.UpdateIdle)}, nil
	}
	s := a.updates.Status()
	return control.Update{
		Version: s.Version, Image: true, Wanted: s.Wanted, Phase: string(s.Phase), Percent: s.Percent, Code: s.Code,
		Detail: s.Detail, Returned: s.Returned, Confirmed: s.Confirmed, NotBefore: s.NotBefore,
	}, nil
}

// ChangeUpdate does what a technician asks.
func (a *parts) ChangeUpdate(ctx context.Context, ask control.UpdateAsk) (control.Update, error) {
	var err error
	switch ask.Do {
	case control.UpdateNow:
		err = a.updates.Hurry()
	case control.UpdateCancel:
		err = a.updates.Cancel()
	case control.UpdateFrom:
		err = a.updates.From(ask.From, ask.Again)
	}
	if err != nil {
		return control.Update{}, err
	}
	return a.Update(ctx)
}
