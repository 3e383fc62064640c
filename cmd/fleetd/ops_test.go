package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// promtool is Prometheus's own checker: .ci/deps puts it into the user's cache.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		cache, err := os.UserCacheDir()
		must(t, err)
		path = filepath.Join(cache, "pointnum", "promtool")
	}
	if out, err := exec.Command(path, args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v (missing: make deps)\n%s", args, err, out)
	}
}

func TestAlertRulesTellWhatTheyShould(t *testing.T) {
	promtool(t, "check", "rules", "ops/alerts.yml")
	promtool(t, "test", "rules", "ops/alerts_test.yml")
}

// dashboard is what is checked of Grafana's file.
type dashboard struct {
	Panels []struct {
		Title   string
		GridPos struct{ X, Y, W, H int }
		Targets []struct{ Expr string }
	}
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	b, err := os.ReadFile("ops/grafana.json")
	must(t, err)
	var d dashboard
	must(t, json.Unmarshal(b, &d))
	if len(d.Panels) < 15 {
		t.Fatalf("%d panels", len(d.Panels))
	}
	return d
}

// promtool reads each expression of the dashboard as a rule of its own.
func TestEveryExpressionOfTheDashboardIsOne(t *testing.T) {
	var rules strings.Builder
	rules.WriteString("groups:\n  - name: dashboard\n    rules:\n")
	taken := map[[2]int]string{}
	for i, p := range readDashboard(t).Panels {
		if p.Title == "" || len(p.Targets) == 0 {
			t.Errorf("panel %d says nothing", i)
		}
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if taken[at] != "" || at[0] >= 24 {
					t.Fatalf("%q is over %q", p.Title, taken[at])
				}
				taken[at] = p.Title
			}
		}
		for j, e := range p.Targets {
			expr := strings.NewReplacer("$__rate_interval", "5m", "$structure", "vif|gap").Replace(e.Expr)
			if strings.Contains(expr, "$") {
				t.Errorf("%q: a variable that is not known: %s", p.Title, e.Expr)
			}
			fmt.Fprintf(&rules, "      - {record: \"panel:%d:%d\", expr: %q}\n", i, j, expr)
		}
	}
	path := filepath.Join(t.TempDir(), "rules.yml")
	must(t, os.WriteFile(path, []byte(rules.String()), 0o600))
	promtool(t, "check", "rules", path)
}

// What rules and panels ask for is what the program has: vectors show nothing
// before their first count, so the names are read where they are given.
func TestRulesAndPanelsAskForMetricsThatAre(t *testing.T) {
	there := map[string]bool{}
	for _, path := range []string{"../../provisioning/fleet/engine/metrics.go", "../../provisioning/fleet/rollout/metrics.go", "../internal/fleetserver/fleetserver.go"} {
		b, err := os.ReadFile(path)
		must(t, err)
		for _, m := range regexp.MustCompile(`(?:counter|vec|histogram)\("([a-z_]+)"|"pointnum_([a-z_]+)"`).FindAllStringSubmatch(string(b), -1) {
			there["pointnum_"+m[1]+m[2]] = true
		}
	}
	asked := map[string]bool{}
	for _, path := range []string{"ops/alerts.yml", "ops/grafana.json"} {
		b, err := os.ReadFile(path)
		must(t, err)
		for _, name := range regexp.MustCompile(`pointnum_[a-z_]+`).FindAllString(string(b), -1) {
			name = strings.TrimSuffix(name, "_bucket")
			if asked[name] = true; !there[name] {
				t.Errorf("%s: there is no %s", path, name)
			}
		}
	}
	for name := range there {
		if !asked[name] && name != "pointnum_" {
			t.Errorf("nobody looks at %s", name)
		}
	}
}

func TestTheUnitIsOneThatSystemdTakes(t *testing.T) {
	b, err := os.ReadFile("ops/fleetd.service")
	must(t, err)
	if !strings.Contains(string(b), "\nLimitNOFILE=200000\n") {
		t.Error("too few descriptors for 100,000 kiosks")
	}
	unit := strings.ReplaceAll(string(b), "/usr/bin/fleetd", filepath.Join(bin, "fleetd"))
	path := filepath.Join(t.TempDir(), "fleetd.service")
	must(t, os.WriteFile(path, []byte(unit), 0o600))
	for _, args := range [][]string{{"verify", "--man=no", path}, {"security", "--offline=yes", "--threshold=20", path}} {
		if out, err := exec.Command("systemd-analyze", args...).CombinedOutput(); err != nil {
			t.Errorf("systemd-analyze %s: %v\n%s", args, err, out)
		}
	}
}
