package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// exposure is the highest that systemd-analyze may give a unit, in tenths: what
// each had when it was last tightened. One that gets worse fails.
var exposure = map[string]int{
	"kioskd.service": 36, "pointnum-screen.service": 24, "pointnum-display.service": 17, "pointnum-fault.service": 11,
	"pointnum-firewall.service": 24, "pointnum-policies.service": 13, "pointnum-config.service": 15,
	"pointnum-power@x.service": 17, "pointnum-network@x.service": 33, "pointnum-clock@x.service": 29,
	"pointnum-update@x.service": 51, "pointnum-conf@x.service": 40, "pointnum-dispose@x.service": 68, "pointnum-install@x.service": 31,
	"pointnum-key@x.service": 56, "pointnum-diag@x.service": 28, "fleetd.service": 16,
}

var score = regexp.MustCompile(`exposure level for \S+: ([0-9]+)\.([0-9])`)

func TestNoUnitGetsMoreExposed(t *testing.T) {
	var units []string
	for _, pattern := range []string{"../../../provisioning/image/deb/*/*.service", "../../fleetd/ops/*.service"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		units = append(units, found...)
	}
	dir, seen := t.TempDir(), 0
	for _, path := range units {
		name := strings.Replace(filepath.Base(path), "@.", "@x.", 1)
		most, known := exposure[name]
		if !known {
			continue // its owner's own test looks at it
		}
		seen++
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(dir, name)
		if err := os.WriteFile(copied, b, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=yes", "--no-pager", copied).CombinedOutput()
		m := score.FindStringSubmatch(string(out))
		if m == nil {
			t.Errorf("%s: %v\n%s", name, err, out)
			continue
		}
		whole, _ := strconv.Atoi(m[1])
		tenths, _ := strconv.Atoi(m[2])
		if got := whole*10 + tenths; got > most {
			t.Errorf("%s: exposure %d.%d, it was %d.%d", name, got/10, got%10, most/10, most%10)
		} else {
			t.Logf("%s: %d.%d", name, got/10, got%10)
		}
	}
	if seen != len(exposure) {
		t.Errorf("%d of %d units found", seen, len(exposure))
	}
}
