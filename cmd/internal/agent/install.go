package agent

import (
	"context"
	"log/slog"
	"os"

	"pointnum/kiosk"
	"pointnum/kiosk/disks"
	"pointnum/kiosk/steward"
	"pointnum/provisioning/setup"
)

// StewardInstall is the name under which root puts the system on a disk. The
// request is an InstallRequest.
const StewardInstall = "install"

// InstallParts are the partitions of an installed kiosk, and what each is
// copied from: repart.d(5). Only the image has them.
const InstallParts = "/usr/lib/pointnum/install.d"

// InstallRequest is what root is asked.
type InstallRequest struct {
	Disk    string `json:"disk"`
	Confirm string `json:"confirm"` // setup.EraseWord, as a person typed it
}

// Installer implements setup.Installer on a kiosk's machine; zero fields are a
// kiosk's.
type Installer struct {
	Parts      string // see InstallParts
	Sys        string // sysfs; "" is /sys
	Stewards   string // see steward.Dir
	PowerOffBy func(context.Context) error
	Log        *slog.Logger
}

var _ setup.Installer = Installer{}

// Disks implements setup.Installer.
func (i Installer) Disks() (list []setup.TargetDisk, stick bool) {
	data, hashes, foreign := disks.Verity(or(i.Sys, "/sys"), "root")
	if _, err := os.Stat(or(i.Parts, InstallParts)); err != nil || foreign != nil {
		return nil, false // not our image
	}
	all, err := disks.List(or(i.Sys, "/sys"), data, hashes)
	if err != nil {
		i.Log.Warn("disks not looked for", "err", err)
		return nil, false
	}
	running := false
	for _, d := range all {
		if d.System {
			running, stick = true, d.USB || d.Removable
		}
		if d.Takes() {
			list = append(list, setup.TargetDisk{Path: d.Path, Model: d.Model, Size: d.Size})
		}
	}
	if !running { // then any of them may be the one that runs
		return nil, false
	}
	return list, stick
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// Install implements setup.Installer.
func (i Installer) Install(ctx context.Context, path string) error {
	return steward.Ask(ctx, i.Stewards, StewardInstall, InstallRequest{Disk: path, Confirm: setup.EraseWord}, nil)
}

// PowerOff implements setup.Installer.
func (i Installer) PowerOff(ctx context.Context) error {
	if i.PowerOffBy == nil {
		return &kiosk.Error{Code: kiosk.CodeBadRequest, Op: "install: this machine is not switched off by us"}
	}
	return i.PowerOffBy(ctx)
}
