package sane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"

	"pointnum/kiosk"
)

// maxListed bounds how many devices are believed.
const maxListed = 32

// usbNumber is what changes in a device's name with each plugging in.
var usbNumber = regexp.MustCompile(`^(.+:libusb:)[0-9]{3}:[0-9]{3}$`)

// List asks SANE which scanners there are: Driver, Kind, Make, Model and URI
// are known. Cameras and SANE's own test device are left out. configDir is
// the option config_dir of Driver. It takes as long as the slowest backend,
// at most until ctx ends, and asks each device no more than its name. A
// machine without scanimage has none.
func List(ctx context.Context, configDir string) ([]kiosk.Info, error) {
	c := config{program: "scanimage", configDir: configDir, dir: "/dev/shm"}
	if _, err := exec.LookPath(c.program); err != nil {
		return nil, nil
	}
	dir, err := makeDir(c.dir)
	if err != nil {
		return nil, fmt.Errorf("sane: list: %w", err)
	}
	d := &scanner{conf: c, dir: dir}
	out, err := d.ask(ctx, "--formatted-device-list=%d\t%v\t%m%n")
	if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
		return nil, fmt.Errorf("sane: list: %w", err)
	}
	return ParseList(out), nil
}

// ParseList reads a list of devices: a line each of name, make and model with
// a tabulator between them.
func ParseList(list string) []kiosk.Info {
	var found []kiosk.Info
	prefixes := map[string]int{}
	for line := range strings.Lines(list) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) != 3 || f[0] == "" || strings.HasPrefix(f[0], "-") || len(f[0]) > 200 || len(found) == maxListed ||
			strings.HasPrefix(f[0], "test:") || strings.HasPrefix(f[0], "v4l:") {
			continue
		}
		i := kiosk.Info{Kind: kiosk.KindScanner, Driver: "sane", URI: f[0]}
		if f[1] != "Noname" { // what a backend says that does not know
			i.Make = f[1]
		}
		i.Model = f[2]
		if m := usbNumber.FindStringSubmatch(f[0]); m != nil {
			prefixes[m[1]]++
		}
		found = append(found, i)
	}
	for i := range found {
		// The only one of its kind is found again by its backend.
		if m := usbNumber.FindStringSubmatch(found[i].URI); m != nil && prefixes[m[1]] == 1 {
			found[i].URI = m[1] + "*"
		}
	}
	return found
}
