package network

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"pointnum/kiosk"
	"pointnum/kiosk/atomicfile"
	"pointnum/provisioning/setup"
)

// Root is root's side of the network: it writes what systemd-networkd and iwd
// read, and keeps what was decided in one file, so that a power cut leaves the
// settings from before or the new ones.
type Root struct {
	Keep     string // folder of what was decided, made 0700; see KeepDir
	Networkd string // systemd-networkd's folder: /etc/systemd/network
	IWD      string // iwd's folder: /var/lib/iwd
	Bus      string // D-Bus address; "" is the system's
	Sys      string // /sys
	// Cables and Radios are what systemd.network(5) matches; "" is every cable
	// and every radio. For machines that have neither, as tests run on.
	Cables, Radios string
	// Wait is how long new settings may take to come up; 0 is 45 s. Settle is
	// how long they have to stay up to count; 0 is 2 s.
	Wait, Settle time.Duration
	Log          *slog.Logger
}

// NewRoot is Root as on a kiosk.
func NewRoot(log *slog.Logger) Root {
	return Root{Keep: KeepDir("/"), Networkd: "/etc/systemd/network", IWD: "/var/lib/iwd", Sys: "/sys", Log: log}
}

// KeepDir is where root keeps what was decided: on the partition that persists
// where the system has one, else with the system's own state.
func KeepDir(root string) string {
	if info, err := os.Stat(filepath.Join(root, "data")); err == nil && info.IsDir() {
		return filepath.Join(root, "data/lib-root/network")
	}
	return filepath.Join(root, "var/lib/pointnum-root/network")
}

const (
	upTime     = 45 * time.Second
	undoTime   = 20 * time.Second
	settleTime = 2 * time.Second
	keptFile   = "network.json"
)

// Answer is a steward.Do.
func (r Root) Answer(ctx context.Context, raw []byte) (any, error) {
	q, err := DecodeRequest(raw)
	if err != nil {
		return nil, err
	}
	if q.Do == "wifi" {
		return r.WiFi(ctx)
	}
	return struct{}{}, r.Apply(ctx, *q.Network)
}

// Apply has a change be used from now on, and returns once it is. When it does
// not come up in time, or ctx ends, what was before is used again and the
// error says why: kiosk.CodeNoNetwork, CodeWiFiAbsent, CodeWiFiPassword,
// CodeNoRadio, or kiosk.CodeNotResponding on a machine whose network is
// somebody else's.
func (r Root) Apply(ctx context.Context, c Change) error {
	want, err := c.files(r)
	if err != nil {
		return err
	}
	unlock, err := r.lock()
	if err != nil {
		return err
	}
	defer unlock()
	before, kept, err := r.kept()
	if err != nil {
		r.Log.Error("kept network not read", "err", err) // then there is none to go back to
	}
	b, err := open(r.Bus)
	if err != nil {
		return err
	}
	defer b.close()
	if want.wifi && !hasRadio(ctx, b) {
		return &kiosk.Error{Code: CodeNoRadio, Op: "network: apply"}
	}
	if err = r.use(ctx, b, want); err == nil {
		if err = r.keep(c); err == nil {
			r.Log.Info("network applied", "wifi", want.wifi, "static", want.own.IsValid())
			return nil
		}
	}
	r.Log.Warn("network not applied, back to the one before", "code", kiosk.CodeOf(err), "before", kept)
	undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	return errors.Join(err, r.goBack(undo, b, before, kept))
}

func hasRadio(ctx context.Context, b *bus) bool {
	list, err := b.stations(ctx)
	return err == nil && len(list) > 0
}

// use writes the files and waits until they are in use.
func (r Root) use(ctx context.Context, b *bus, want files) error {
	changed, err := r.write(want)
	if err != nil {
		return err
	}
	wait := r.Wait
	if wait == 0 {
		wait = upTime
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if changed {
		if err := b.turn(ctx, r.links(), want); err != nil {
			return err
		}
	} else if want.wifi {
		if err := b.join(ctx, ssidOf(want.profile)); err != nil {
			return err
		}
	}
	return r.waitUp(ctx, b, want)
}

// goBack has the settings from before be used; nobody waits for them.
func (r Root) goBack(ctx context.Context, b *bus, before files, kept bool) error {
	if !kept {
		before = files{}
	}
	if _, err := r.write(before); err != nil {
		return err
	}
	return b.turn(ctx, r.links(), before)
}

// Restore writes the files of what was decided, before systemd-networkd and
// iwd start: on an image that forgets /etc at each start. A kiosk that was
// never set up has none, and uses what the image brings.
func (r Root) Restore() error {
	unlock, err := r.lock()
	if err != nil {
		return err
	}
	defer unlock()
	f, kept, err := r.kept()
	if err != nil || !kept {
		return err
	}
	_, err = r.write(f)
	return err
}

func (r Root) lock() (func(), error) {
	if err := os.MkdirAll(r.Keep, 0o700); err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(r.Keep, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(&kiosk.Error{Code: kiosk.CodeDeviceBusy, Op: "network: another change is under way", Err: err}, f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// keep writes what was decided; only root reads it.
func (r Root) keep(c Change) error {
	raw, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("network: keep: %w", err)
	}
	if err := atomicfile.Write(filepath.Join(r.Keep, keptFile), raw, 0o600); err != nil {
		return fmt.Errorf("network: keep: %w", err)
	}
	return nil
}

// kept reads what was decided, as strictly as a request: the disk may have
// been somewhere else.
func (r Root) kept() (files, bool, error) {
	raw, err := os.ReadFile(filepath.Join(r.Keep, keptFile))
	if errors.Is(err, fs.ErrNotExist) {
		return files{}, false, nil
	}
	if err != nil {
		return files{}, false, fmt.Errorf("network: kept: %w", err)
	}
	var c Change
	if err := decode(raw, &c); err != nil {
		return files{}, false, err
	}
	f, err := c.files(r)
	return f, err == nil, err
}

// write has the folders hold a change's files and no other of ours, and says
// whether anything changed. iwd reads its folder by itself.
func (r Root) write(f files) (bool, error) {
	changed := false
	for _, name := range []string{wiredFile, wifiFile} {
		did, err := put(filepath.Join(r.Networkd, name), f.networkd[name], 0o755, 0o644)
		if err != nil {
			return changed, err
		}
		changed = changed || did
	}
	if f.profile != "" {
		did, err := put(filepath.Join(r.IWD, f.profile), f.secret, 0o700, 0o600)
		if err != nil {
			return changed, err
		}
		changed = changed || did
	}
	old, err := os.ReadFile(filepath.Join(r.Keep, "profile"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return changed, fmt.Errorf("network: %w", err)
	}
	if name := string(old); name != "" && name != f.profile && name == filepath.Base(name) && strings.HasSuffix(name, ".psk") {
		if err := remove(filepath.Join(r.IWD, name)); err != nil {
			return changed, err
		}
		changed = true
	}
	if err := atomicfile.Write(filepath.Join(r.Keep, "profile"), []byte(f.profile), 0o600); err != nil {
		return changed, fmt.Errorf("network: %w", err)
	}
	return changed, nil
}

// put has a file hold a text, or not be there for "".
func put(path, text string, dir, mode fs.FileMode) (bool, error) {
	old, err := os.ReadFile(path)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return false, fmt.Errorf("network: %w", err)
	case err == nil && text == "":
		return true, remove(path)
	case err == nil && string(old) == text, text == "":
		return false, nil
	}
	if err := makeDir(filepath.Dir(path), dir); err != nil {
		return false, err
	}
	if err := atomicfile.Write(path, []byte(text), mode); err != nil {
		return false, fmt.Errorf("network: %w", err)
	}
	return true, nil
}

// makeDir makes a folder that is missing with its mode, whatever the umask:
// systemd-networkd is not root and reads its folder.
func makeDir(dir string, mode fs.FileMode) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := errors.Join(os.MkdirAll(dir, mode), os.Chmod(dir, mode)); err != nil {
		return fmt.Errorf("network: %w", err)
	}
	return nil
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("network: %w", err)
	}
	return nil
}

func (r Root) links() []setup.Link {
	list, err := Links(r.Sys)
	if err != nil {
		return nil
	}
	return list
}

// waitUp waits until a link of the kind wanted has what it needs to reach
// others, and keeps it for a moment: right after a change, the manager may
// still tell of what was.
func (r Root) waitUp(ctx context.Context, b *bus, want files) error {
	settle := r.Settle
	if settle == 0 {
		settle = settleTime
	}
	var since time.Time
	t := time.NewTicker(200 * time.Millisecond)
	defer t.Stop()
	for {
		up, err := r.up(ctx, b, want)
		switch {
		case err != nil && ctx.Err() == nil:
			return err
		case !up:
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
		case time.Since(since) >= settle:
			return nil
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return &kiosk.Error{Code: kiosk.CodeNoNetwork, Op: "network: not up in time", Err: context.Cause(ctx)}
		}
	}
}

// up says whether the manager calls a link of the kind routable and done, and
// the link has the address that was asked for.
func (r Root) up(ctx context.Context, b *bus, want files) (bool, error) {
	for _, l := range r.links() {
		if (l.Kind == setup.LinkWiFi) != want.wifi {
			continue
		}
		done, err := b.routable(ctx, l.Name)
		if err != nil {
			return false, err
		}
		if done && (!want.own.IsValid() || hasAddress(l.Name, want.own.String())) {
			return true, nil
		}
	}
	return false, nil
}

func hasAddress(link, address string) bool {
	i, err := net.InterfaceByName(link)
	if err != nil {
		return false
	}
	addrs, err := i.Addrs()
	return err == nil && slices.ContainsFunc(addrs, func(a net.Addr) bool { return a.String() == address })
}
