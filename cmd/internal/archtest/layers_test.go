package archtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// kioskEdges is who may know whom among the packages under kiosk. A new edge
// is a decision: add it here with the change that needs it.
var kioskEdges = map[string][]string{
	"kiosk/browser":  {"kiosk/erase", "kiosk/portal"}, // policies and host lists are made from the catalogue
	"kiosk/config":   {"kiosk/yamlfile"},
	"kiosk/control":  {"kiosk/health"},
	"kiosk/devices":  {"kiosk/health", "kiosk/watch"},
	"kiosk/firewall": {"kiosk/config"},
	"kiosk/portal":   {"kiosk/yamlfile"},
	"kiosk/sample":   {"kiosk/document/raster"}, // to paint a tilted page
	"kiosk/session":  {"kiosk/devices", "kiosk/portal", "kiosk/spool", "kiosk/watch"},
	"kiosk/spool":    {"kiosk/atomicfile", "kiosk/erase"},
}

// crossEdges are the only ways between drivers, ui and provisioning: the
// host structure's console is served by fleetd.
var crossEdges = map[string][]string{
	"provisioning/fleet/desk":   {"ui/console"},
	"provisioning/fleet/engine": {"ui/safeweb"},
	"provisioning/relay":        {"ui/safeweb"}, // the phone's page is served by fleetd
}

// neverIn says what a program must not contain, directly or not.
var neverIn = map[string][]string{
	"cmd/kioskd": {"drivers/virtual", "drivers/drivertest", "kiosk/document/documenttest", "kiosk/sample", "provisioning/fleet", "ui/console", "cmd/internal/testportal", "kiosk/browser/xtest"},
}

// layers checks the arrows cmd → {drivers, ui, provisioning, kiosk/*} → kiosk.
func layers(r *repo) []string {
	var out []string
	for _, s := range r.sources {
		for _, spec := range s.file.Imports {
			p := imported(spec)
			dir, ours := inModule(p)
			if !ours {
				if s.dir == "kiosk" && !s.test && strings.Contains(strings.Split(p, "/")[0], ".") {
					out = append(out, r.at(spec, "kiosk uses the standard library only: move what needs %s to a package below kiosk", p))
				}
				continue
			}
			if why := forbidden(s.dir, dir, s.test); why != "" {
				out = append(out, r.at(spec, "%s must not import %s: %s", s.dir, dir, why))
			}
		}
	}
	return out
}

// forbidden says why a folder must not import another; "" when it may.
func forbidden(from, to string, test bool) string {
	fromArea, toArea := strings.Split(from, "/")[0], strings.Split(to, "/")[0]
	switch {
	case from == to: // a test of the package from outside
		return ""
	case fromArea == "cmd":
		return ""
	case toArea == "cmd":
		return "commands tie packages together; move what is shared below kiosk"
	case from == "kiosk":
		if test {
			return ""
		}
		return "kiosk is the vocabulary and knows nobody"
	case to == "kiosk":
		return ""
	case fromArea == "kiosk":
		return forbiddenInKiosk(from, to, toArea, test)
	case fromArea == "drivers":
		return forbiddenToDriver(from, to, toArea, test)
	case fromArea != toArea && toArea != "kiosk" && !slices.Contains(crossEdges[from], to):
		return fromArea + " and " + toArea + " do not know each other; pass the value in from cmd"
	}
	return ""
}

func forbiddenInKiosk(from, to, toArea string, test bool) string {
	if toArea != "kiosk" {
		return "kiosk/* never knows " + toArea + "; take an interface of package kiosk instead"
	}
	if room(from) == room(to) || test || slices.Contains(kioskEdges[room(from)], to) {
		return ""
	}
	return "this edge is not in kioskEdges (cmd/internal/archtest); pass the value in from cmd, or add the edge if it is meant"
}

func forbiddenToDriver(from, to, toArea string, test bool) string {
	if toArea != "drivers" {
		return "drivers know package kiosk and each other only; pass the value in from cmd"
	}
	for _, fake := range []string{"drivers/virtual", "drivers/drivertest"} {
		if within(to, fake) && !test && !within(from, "drivers/virtual") && !within(from, "drivers/drivertest") {
			return "virtual devices and their tests never go into a program; import them in a _test.go file"
		}
	}
	return ""
}

// room is a package with everything below it: "kiosk/document" for
// "kiosk/document/pdf".
func room(dir string) string {
	parts := strings.Split(dir, "/")
	return strings.Join(parts[:min(2, len(parts))], "/")
}

// contents checks what each program contains, walking the imports.
func contents(r *repo) []string {
	packages := r.packages()
	var out []string
	for _, program := range slices.Sorted(maps.Keys(neverIn)) {
		for dir, way := range reach(packages, program) {
			for _, bad := range neverIn[program] {
				if within(dir, bad) {
					out = append(out, fmt.Sprintf("%s:1: %s must not contain %s: cut the way %s", program, program, dir, way))
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// reach returns every folder of ours that a program contains and the way
// there.
func reach(packages map[string][]*source, from string) map[string]string {
	ways := map[string]string{from: from}
	queue := []string{from}
	for len(queue) > 0 {
		dir := queue[0]
		queue = queue[1:]
		for _, s := range packages[dir] {
			for _, spec := range s.file.Imports {
				next, ours := inModule(imported(spec))
				if _, seen := ways[next]; ours && !seen {
					ways[next] = ways[dir] + " → " + next
					queue = append(queue, next)
				}
			}
		}
	}
	return ways
}
