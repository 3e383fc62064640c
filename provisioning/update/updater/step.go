package updater

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/link/route"
	"pointnum/provisioning/update"
	"pointnum/provisioning/update/fetch"
)

// step does what can be done now, and says after which time to look again.
func (u *Updater) step(ctx context.Context) time.Duration {
	u.look()
	u.mu.Lock()
	k := u.k
	u.mu.Unlock()
	switch {
	case k.Tried != "":
		return u.try(ctx, k)
	case k.Order.Version == "" || k.End != "":
		u.ready, u.tries = "", 0
		u.clean("")
		u.tell(u.phase())
		return u.o.Pace.Look
	}
	if u.ready != k.Order.Version {
		if err := u.fetch(ctx, k); err != nil {
			return u.failed(ctx, k, err)
		}
		u.ready, u.tries = k.Order.Version, 0
	}
	u.tell(provisioning.UpdateWaiting, "", "", 100)
	if !u.due(k) {
		return u.o.Pace.Look
	}
	return u.install(ctx, k)
}

// due says that the kiosk may be disturbed.
func (u *Updater) due(k kept) bool {
	if u.o.Busy() {
		return false
	}
	return k.Now || u.o.Now().Unix() >= k.Order.NotBefore && u.o.Night()
}

// into is the folder of a release.
func (u *Updater) into(version string) string { return filepath.Join(u.o.Dir, version) }

// clean removes what was fetched of other versions than one.
func (u *Updater) clean(keep string) {
	entries, err := os.ReadDir(u.o.Dir)
	for _, e := range entries {
		if provisioning.ValidVersion(e.Name()) && e.Name() != keep {
			err = errors.Join(err, os.RemoveAll(filepath.Join(u.o.Dir, e.Name())))
		}
	}
	if err != nil {
		u.o.Log.Warn("an old release is not removed", "err", err)
	}
}

// fetch has the whole release of the order in its folder.
func (u *Updater) fetch(ctx context.Context, k kept) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	u.mu.Lock()
	u.stop = stop
	changed := k.Order != u.k.Order || k.From != u.k.From
	u.mu.Unlock()
	defer func() {
		u.mu.Lock()
		u.stop = nil
		u.mu.Unlock()
	}()
	if changed {
		return errChanged
	}
	version := k.Order.Version
	u.clean(version)
	u.tell(provisioning.UpdateFetching, "", "", 0)
	// What is there from before needs no server.
	if m, err := update.Verify(ctx, u.o.Keys, u.into(version)); err == nil {
		return u.accept(&m)
	}
	source, rate := fetch.Source(fetch.Folder{Dir: k.From}), (func() int64)(nil)
	if k.From == "" {
		var err error
		if source, err = u.o.Source(k.Order); err != nil {
			return err
		}
		rate = u.o.Rate
	}
	first := int64(-1)
	_, err := fetch.Fetch(ctx, fetch.Options{
		Source: source, Keys: u.o.Keys, Version: version, Into: u.into(version), Accept: u.accept, Rate: rate, Free: u.o.Free,
		Progress: func(done, total int64) {
			if first < 0 {
				first = done
			} else if done > first+fetch.MinStall {
				u.tries = 0 // it goes on, however often it is cut
			}
			u.tell(provisioning.UpdateFetching, "", "", int(done*100/max(1, total)))
		},
	})
	return err
}

func (u *Updater) accept(m *update.Manifest) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return m.Fits(u.o.Arch, u.o.Version, u.confirmed)
}

// failed tells why an order is not done, and says when it is tried again. One
// that can't be mended by waiting has ended, and so has one that a technician
// stands beside.
func (u *Updater) failed(ctx context.Context, k kept, err error) time.Duration {
	if ctx.Err() != nil || errors.Is(err, errChanged) {
		return 0
	}
	code := kiosk.CodeOf(err)
	u.o.Log.Warn("update not done", "version", k.Order.Version, "err", err)
	phase := provisioning.UpdateFailed
	if k.From != "" {
		u.end(k, provisioning.UpdateFailed, code)
		u.tell(phase, code, err.Error(), 0)
		return u.again()
	}
	switch code {
	case provisioning.CodeUpdateOlder, provisioning.CodeUpdateMinimum, provisioning.CodeUpdateForeign:
		u.end(k, provisioning.UpdateFailed, code)
	case kiosk.CodeNoNetwork, kiosk.CodeNotResponding, route.CodeProxy, route.CodeProxyPassword, route.CodeCertificate, route.CodeClock, route.CodeServer:
		phase = provisioning.UpdateFetching // it goes on when the way is free
	}
	u.tell(phase, code, err.Error(), 0)
	return u.again()
}

// end notes how an order ended, unless there is another one by now.
func (u *Updater) end(k kept, phase provisioning.UpdatePhase, code kiosk.Code) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.k.Order != k.Order || u.k.From != k.From {
		return
	}
	next := u.k
	next.End, next.Code = phase, code
	if err := u.save(next); err != nil {
		u.o.Log.Warn("the update's end is not kept", "err", err)
	}
	u.k = next
}

// install has root write the release.
func (u *Updater) install(ctx context.Context, k kept) time.Duration {
	u.mu.Lock()
	if u.k.Order != k.Order || u.k.From != k.From {
		u.mu.Unlock()
		return 0
	}
	u.installing = true
	u.mu.Unlock()
	u.tell(provisioning.UpdateInstalling, "", "", 100)
	said, err := u.o.Install(ctx, k.Order.Version)
	u.mu.Lock()
	u.installing = false
	if err == nil {
		next := u.k
		next.Tried, next.Boot = k.Order.Version, u.o.Boot
		if err = u.save(next); err == nil {
			u.k = next
		}
	}
	u.mu.Unlock()
	if err != nil {
		if ctx.Err() != nil {
			return 0
		}
		switch kiosk.CodeOf(err) {
		case provisioning.CodeUpdateAltered, provisioning.CodeUpdateSignature, provisioning.CodeUpdateMissing:
			u.ready = "" // what is here is looked at again
		}
		return u.failedInstall(k, err)
	}
	u.o.Log.Info("update written", "version", k.Order.Version, "said", said)
	u.ready = ""
	u.clean("") // it is on the other slot now
	return 0
}

func (u *Updater) failedInstall(k kept, err error) time.Duration {
	code := kiosk.CodeOf(err)
	u.o.Log.Warn("update not written", "version", k.Order.Version, "err", err)
	switch code {
	case provisioning.CodeUpdateOlder, provisioning.CodeUpdateMinimum, provisioning.CodeUpdateForeign:
		u.end(k, provisioning.UpdateFailed, code)
	}
	u.tell(provisioning.UpdateFailed, code, err.Error(), 100)
	return u.again()
}

// try goes on with a release that root has written.
func (u *Updater) try(ctx context.Context, k kept) time.Duration {
	switch {
	case k.Tried == u.o.Version:
		u.mu.Lock()
		well := u.confirmed == u.o.Version
		u.mu.Unlock()
		if !well {
			u.tell(provisioning.UpdateTrying, "", "", 100)
			return u.o.Pace.Trying
		}
		u.o.Log.Info("update done", "version", k.Tried)
		return u.tried(k, provisioning.UpdateDone, "")
	case k.Boot == u.o.Boot:
		u.tell(provisioning.UpdateTrying, "", "", 100)
		if !u.due(k) {
			return u.o.Pace.Look
		}
		if wait := time.Until(u.asked.Add(u.o.Pace.Reboot)); wait > 0 {
			return wait
		}
		if err := u.o.Reboot(ctx); err != nil {
			if ctx.Err() == nil {
				u.o.Log.Warn("the machine does not start anew", "err", err)
				u.tell(provisioning.UpdateTrying, kiosk.CodeOf(err), err.Error(), 100)
			}
			return u.again()
		}
		u.asked = time.Now()
		return u.o.Pace.Reboot
	}
	u.o.Log.Error("came back from an update", "version", k.Tried, "to", u.o.Version)
	return u.tried(k, provisioning.UpdateReturned, provisioning.CodeUpdateUnhealthy)
}

// tried notes what became of the trial. The order it was for has ended with
// it; another one goes on.
func (u *Updater) tried(k kept, phase provisioning.UpdatePhase, code kiosk.Code) time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	next := u.k
	next.Tried, next.Boot = "", ""
	if next.Order.Version == k.Tried {
		next.End, next.Code, next.Now = phase, code, false
	}
	if phase == provisioning.UpdateReturned {
		next.leave(k.Tried)
	}
	if err := u.save(next); err != nil {
		u.o.Log.Warn("the update's end is not kept", "err", fmt.Errorf("%s: %w", phase, err))
	}
	u.k = next
	return 0
}
