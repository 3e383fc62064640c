package updater

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"pointnum/kiosk"
	"pointnum/kiosk/atomicfile"
	"pointnum/provisioning"
	"pointnum/provisioning/update/install"
)

// The files in Options.Dir, beside the folders of releases.
const (
	stateFile     = "state.json"
	confirmedFile = "confirmed" // a version and the end of its line
)

const (
	maxState = 16 << 10 // bytes
	maxLeft  = 16       // versions that it came back from
)

// kept is what is known over restarts.
type kept struct {
	Order provisioning.UpdateOrder `json:"order"` // of no version: none
	From  string                   `json:"from,omitempty"`
	Now   bool                     `json:"now,omitempty"` // a technician waits
	// End is how the order ended; "" while it goes on.
	End  provisioning.UpdatePhase `json:"end,omitempty"`
	Code kiosk.Code               `json:"code,omitempty"`
	// Tried is the version that root wrote, and Boot the start of the machine
	// in which that was: the next one is the trial.
	Tried string `json:"tried,omitempty"`
	Boot  string `json:"boot,omitempty"`
	// Left are the versions that it came back from, the last one last.
	Left []string `json:"left,omitempty"`
}

func (k *kept) leave(version string) {
	left := slices.DeleteFunc(slices.Clone(k.Left), func(v string) bool { return v == version })
	left = append(left, version)
	k.Left = left[max(0, len(left)-maxLeft):]
}

func (k *kept) valid() bool {
	version := func(s string) bool { return s == "" || provisioning.ValidVersion(s) }
	switch k.End {
	case "", provisioning.UpdateDone, provisioning.UpdateFailed, provisioning.UpdateReturned:
	default:
		return false
	}
	for _, v := range k.Left {
		if !provisioning.ValidVersion(v) {
			return false
		}
	}
	return version(k.Order.Version) && version(k.Tried) && k.Order.NotBefore >= 0 && len(k.Left) <= maxLeft &&
		(k.From == "" || filepath.IsAbs(k.From)) && kiosk.CheckLine(string(k.Code)) == nil
}

// load reads what is kept. A file that is cut or makes no sense is as none:
// the order is lost, which the state tells, and the versions that the boot
// loader names still keep older ones out.
func (u *Updater) load() (k kept, confirmed string) {
	b, err := readFile(filepath.Join(u.o.Dir, stateFile))
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(b))
		if err = d.Decode(&k); err == nil && (d.More() || !k.valid()) {
			err = errors.New("makes no sense")
		}
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			u.o.Log.Warn("the update's state can't be read", "err", err)
		}
		k = kept{}
	}
	b, err = readFile(filepath.Join(u.o.Dir, confirmedFile))
	// Without its end a line may be the beginning of another version.
	v, whole := strings.CutSuffix(string(b), "\n")
	if err == nil && whole && provisioning.ValidVersion(v) {
		confirmed = v
	} else if !errors.Is(err, fs.ErrNotExist) {
		u.o.Log.Warn("the highest version can't be read", "err", err)
	}
	return k, confirmed
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("updater: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxState+1))
	if err != nil {
		return nil, fmt.Errorf("updater: %w", err)
	}
	if len(b) > maxState {
		return nil, errors.New("updater: too long")
	}
	return b, nil
}

func (u *Updater) save(k kept) error {
	b, err := json.Marshal(k)
	if err != nil {
		return fmt.Errorf("updater: %w", err)
	}
	if err := atomicfile.Write(filepath.Join(u.o.Dir, stateFile), b, 0o600); err != nil {
		return fmt.Errorf("updater: %w", err)
	}
	return nil
}

// look reads what the boot loader knows: whether the version that runs has
// passed, and which ones did not. Without it, the health check of this start
// has to do.
func (u *Updater) look() {
	entries, err := install.Entries(u.o.Loader)
	if err != nil {
		u.o.Log.Debug("the boot loader's kernels can't be seen", "err", err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	known, good := false, false
	next := u.k
	for _, e := range entries {
		switch {
		case e.Version == u.o.Version:
			known, good = true, good || e.Good
		case !e.Good && e.Left == 0 && e.Version != u.k.Tried && !slices.Contains(next.Left, e.Version):
			next.leave(e.Version)
		}
	}
	well := good || u.healthy && !known
	if well && slices.Contains(next.Left, u.o.Version) { // it came good after all
		next.Left = slices.DeleteFunc(slices.Clone(next.Left), func(v string) bool { return v == u.o.Version })
	}
	if !slices.Equal(next.Left, u.k.Left) {
		if err := u.save(next); err != nil {
			u.o.Log.Warn("a version that was left is not noted", "err", err)
		}
		u.k = next
	}
	if !well || provisioning.CompareVersions(u.o.Version, u.confirmed) <= 0 {
		return
	}
	if err := atomicfile.Write(filepath.Join(u.o.Dir, confirmedFile), []byte(u.o.Version+"\n"), 0o600); err != nil {
		u.o.Log.Warn("the highest version is not noted", "err", err)
	}
	u.confirmed = u.o.Version
}
