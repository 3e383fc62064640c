package simulate

import (
	"pointnum/provisioning"
)

// System is the version of the system that simulated kiosks begin with.
const System = "1.0.0"

// ordered takes an order to update, as the real agent does.
func ordered(s *provisioning.State, o provisioning.UpdateOrder) {
	u := *s.Update
	if u.Phase == provisioning.UpdateTrying || o.Version == "" && u.Phase != provisioning.UpdateFetching && u.Phase != provisioning.UpdateWaiting {
		return // too late for another one, and for taking it back
	}
	u.Wanted, u.Phase, u.Percent, u.Code = o.Version, provisioning.UpdateFetching, 0, ""
	switch {
	case o.Version == "" || o.Version == u.Version:
		u.Phase = provisioning.UpdateIdle
	case provisioning.CompareVersions(o.Version, u.Version) < 0:
		u.Phase, u.Code = provisioning.UpdateFailed, provisioning.CodeUpdateOlder
	case o.Version == u.Returned && !o.Again:
		u.Phase, u.Code = provisioning.UpdateFailed, provisioning.CodeUpdateLeft
	}
	s.Update = &u
}

// Update takes an update that was ordered one phase on, and says whether there
// was one. bad: the kiosk is not well with the release, and comes back from it.
func (a *Agent) Update(bad bool) (moved bool) {
	next := *a.State().Update
	switch next.Phase {
	case provisioning.UpdateFetching:
		next.Phase, next.Percent = provisioning.UpdateWaiting, 100
	case provisioning.UpdateWaiting:
		next.Phase = provisioning.UpdateTrying
	case provisioning.UpdateTrying:
		next.Phase, next.Version = provisioning.UpdateDone, next.Wanted
		if bad {
			next.Phase, next.Version, next.Returned, next.Code = provisioning.UpdateReturned, a.State().Update.Version, next.Wanted, provisioning.CodeUpdateUnhealthy
		}
	default:
		return false
	}
	was := a.State().Update
	a.Change(func(s *provisioning.State) {
		if s.Update == was { // no other order came meanwhile
			s.Update = &next
		}
	})
	return true
}

// update lets a minute of an update pass: it is fetched while the place is open,
// and installed when it is closed.
func (l *life) update(open bool) {
	u := l.a.State().Update
	if u.Phase == provisioning.UpdateFetching && l.random.IntN(5) == 0 || !open && l.visit == 0 && (u.Phase == provisioning.UpdateWaiting || u.Phase == provisioning.UpdateTrying) {
		l.a.Update(l.bad)
	}
}
