package provisioning

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"

	"pointnum/kiosk"
)

// UpdateOrder says which release a kiosk should have. A newer order replaces
// the one before, as long as that is not being written to the disk.
type UpdateOrder struct {
	// Version is the release wanted, MAJOR.MINOR.PATCH. "" takes the order
	// before back, as long as nothing of it is being written.
	Version string `json:"version"`
	// URL is the https folder of the release's files; "" for the fleet
	// server's own, /releases/VERSION/.
	URL string `json:"url,omitempty"`
	// NotBefore is when it may be written at the earliest, s since 1970; it is
	// fetched before. Opening hours count besides.
	NotBefore int64 `json:"not_before,omitempty"`
	// Again has a kiosk try a version once more from which it came back.
	Again bool `json:"again,omitempty"`
}

func (o *UpdateOrder) valid() bool {
	if o.NotBefore < 0 || o.Version != "" && !ValidVersion(o.Version) {
		return false
	}
	if o.URL == "" {
		return true
	}
	u, err := url.Parse(o.URL)
	return err == nil && short(o.URL) && u.Scheme == "https" && u.Hostname() != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// UpdatePhase is how far a kiosk is with an update.
type UpdatePhase string

// The phases, in their order. A kiosk that was told none is idle; one that is
// told the version that it has, has done it.
const (
	UpdateIdle       UpdatePhase = "idle"
	UpdateFetching   UpdatePhase = "fetching"
	UpdateWaiting    UpdatePhase = "waiting"    // it has and checked everything, and waits until the place is closed
	UpdateInstalling UpdatePhase = "installing" // root writes it beside the release that runs
	UpdateTrying     UpdatePhase = "trying"     // it starts anew, and shows whether it is well
	UpdateDone       UpdatePhase = "done"       // the wanted version runs and passed its health check
	UpdateFailed     UpdatePhase = "failed"     // Code says why; what passes by itself is tried again
	UpdateReturned   UpdatePhase = "returned"   // it did not pass, and the kiosk came back to Version
)

// UpdateState is how a kiosk's system is.
type UpdateState struct {
	// Version is the release that runs: that of the system's image, or of the
	// agent where there is no image.
	Version string `json:"version"`
	// Wanted is the version of the order in force; "" without any. A kiosk
	// that was ordered one and says neither it nor Version has lost the order.
	Wanted string      `json:"wanted,omitempty"`
	Phase  UpdatePhase `json:"phase"`
	// Percent is how much of Wanted was fetched, in steps of 10.
	Percent int `json:"percent,omitempty"`
	// Code is of UpdateFailed, of UpdateReturned, and of UpdateFetching when
	// it can't go on at the moment.
	Code kiosk.Code `json:"code,omitempty"`
	// Returned is the last version that was tried and left; "" for none.
	Returned string `json:"returned,omitempty"`
}

func (s *UpdateState) valid() bool {
	// A phase of later words is no reason to lose a whole State.
	return short(s.Version) && (s.Wanted == "" || ValidVersion(s.Wanted)) && ValidID(string(s.Phase)) &&
		s.Percent >= 0 && s.Percent <= 100 && short(string(s.Code)) && (s.Returned == "" || ValidVersion(s.Returned))
}

// Codes of updates, beside those of what is in the way to a server.
const (
	CodeUpdateSignature kiosk.Code = "update_signature" // the release is not signed by a key that the kiosk knows
	CodeUpdateAltered   kiosk.Code = "update_altered"   // a file is not the one that was signed
	CodeUpdateMissing   kiosk.Code = "update_missing"   // the release, or a part of it, is not where it should be
	CodeUpdateOlder     kiosk.Code = "update_older"     // not newer than what runs, or than what ran well before
	CodeUpdateMinimum   kiosk.Code = "update_minimum"   // the kiosk is too old for it: a release between comes first
	CodeUpdateForeign   kiosk.Code = "update_foreign"   // the kiosk does not run the project's image: its packages are updated otherwise
	CodeUpdateNoRoom    kiosk.Code = "update_no_room"   // the disk has no room for it
	CodeUpdateBusy      kiosk.Code = "update_busy"      // another one is being written
	CodeUpdateInstall   kiosk.Code = "update_install"   // it could not be written beside the one that runs
	CodeUpdateLeft      kiosk.Code = "update_left"      // the kiosk came back from it before; the order has to say "again"
	CodeUpdateUnhealthy kiosk.Code = "update_unhealthy" // it did not pass its health check
)

// ValidVersion says whether a text is MAJOR.MINOR.PATCH: three numbers of at
// most six digits, without zeros in front.
func ValidVersion(s string) bool {
	_, ok := versionOf(s)
	return ok
}

// CompareVersions is negative when a is older than b, positive when it is
// newer, 0 when they are the same. What is no version is older than all.
func CompareVersions(a, b string) int {
	x, _ := versionOf(a)
	y, _ := versionOf(b)
	return cmp.Or(cmp.Compare(x[0], y[0]), cmp.Compare(x[1], y[1]), cmp.Compare(x[2], y[2]))
}

func versionOf(s string) (v [3]int, ok bool) {
	parts := strings.Split(s, ".")
	if len(parts) != len(v) {
		return [3]int{-1}, false
	}
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || len(p) > 6 || n < 0 || strconv.Itoa(n) != p {
			return [3]int{-1}, false
		}
		v[i] = n
	}
	return v, true
}
