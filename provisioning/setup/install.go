package setup

import (
	"context"
	"slices"
)

// Installer puts the system that was started, as from a stick, on a disk of
// the machine.
type Installer interface {
	// Disks are those that can take it; stick says that what it runs from can
	// be pulled out. None on another system than our image.
	Disks() (list []TargetDisk, stick bool)
	// Install erases the disk and writes the system there.
	Install(ctx context.Context, path string) error
	// PowerOff switches the machine off.
	PowerOff(ctx context.Context) error
}

// TargetDisk is a disk of the machine that can take the system.
type TargetDisk struct {
	Path  string // "/dev/nvme0n1"
	Model string // as it says itself; "" unknown
	Size  int64  // bytes
}

// EraseWord is what a person types before a disk is erased.
const EraseWord = "EFFACER"

// findDisks says what the first step offers. Nothing is offered to a kiosk
// that was set up: its system is where it belongs.
func (f *Flow) findDisks() {
	f.st.Disks, f.held = nil, false
	if f.o.Installer == nil || f.st.Before || f.st.Step != StepLanguage {
		return
	}
	list, stick := f.o.Installer.Disks()
	// A file's one-time code is for the kiosk on the disk, not for the stick:
	// where both are possible a person says which.
	f.st.Disks, f.held = list, stick && len(list) > 0
}

// handleInstall does what there is to do beside the steps.
func (f *Flow) handleInstall(ctx context.Context, a Install) error {
	known := slices.ContainsFunc(f.st.Disks, func(d TargetDisk) bool { return d.Path == a.Disk })
	if !known || f.st.Step != StepLanguage || a.Word != EraseWord {
		return refused("no such disk, or not confirmed")
	}
	f.work(ctx, TaskInstall, func(c context.Context) func() {
		err := f.o.Installer.Install(c, a.Disk)
		return func() {
			if err != nil {
				f.fail(TaskInstall, err)
				return
			}
			f.st.Installed = true
		}
	})
	return nil
}
