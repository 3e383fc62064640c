package update

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// StickFolder is the folder at the top of a USB stick that holds a release.
const StickFolder = "pointnum-update"

// mountTable is where the kernel lists what is mounted (proc_pid_mountinfo(5)).
const mountTable = "/proc/self/mountinfo"

// Sticks lists the folders of releases on what is mounted from disks now.
// Nothing in them is looked at: Open, Verify and a kiosk's updater do.
func Sticks() ([]string, error) {
	table, err := os.ReadFile(mountTable)
	if err != nil {
		return nil, fmt.Errorf("update: sticks: %w", err)
	}
	var found []string
	for _, point := range disks(string(table)) {
		dir := filepath.Join(point, StickFolder)
		if info, err := os.Lstat(filepath.Join(dir, ManifestName)); err == nil && info.Mode().IsRegular() {
			found = append(found, dir)
		}
	}
	return found, nil
}

// disks are the mount points of block devices: "36 35 8:1 / /mnt/key rw - vfat
// /dev/sda1 rw".
func disks(table string) []string {
	var points []string
	for line := range strings.Lines(table) {
		mount, device, ok := strings.Cut(line, " - ")
		f, d := strings.Fields(mount), strings.Fields(device)
		if ok && len(f) >= 5 && len(d) >= 2 && strings.HasPrefix(d[1], "/dev/") && f[3] == "/" {
			points = append(points, unescape(f[4]))
		}
	}
	return points
}

// unescape undoes the kernel's \040 for a space and the like.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
