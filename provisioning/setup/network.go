package setup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/atomicfile"
	"pointnum/kiosk/yamlfile"
)

// clockSlack is how wrong a clock may be: certificates and counts bear it.
const clockSlack = 5 * time.Second

// settlePause is between two tries while a network comes up.
const settlePause = time.Second

// enterNetwork looks, or does first what the technician's file says.
func (f *Flow) enterNetwork(ctx context.Context) {
	f.blanked(ctx, f.blank)
	if !f.st.Auto || f.st.Network.Looked && f.st.Fault == nil || f.st.Network.SSID != "" {
		f.look(ctx)
		return
	}
	n := f.conf.Network
	if n.WiFi == nil && n.Address == nil && n.Proxy == "" && n.CA == nil {
		f.look(ctx)
		return
	}
	f.join(ctx, n)
}

func (f *Flow) handleNetwork(ctx context.Context, a Action) error {
	n := f.network
	switch a := a.(type) {
	case JoinWiFi:
		c := a.Choice
		if c.SSID == "" || len(c.SSID) > 32 || c.Password != "" && (len(c.Password) < 8 || len(c.Password) > 63) {
			return refused("no Wi-Fi has such a name or password")
		}
		n.WiFi = &c
	case UseProxy:
		if a.Proxy != "" && !ProxyAddress(a.Proxy) {
			return refused("this is no proxy")
		}
		n.Proxy = a.Proxy
	case UseCA:
		if a.Name != "" && !slices.Contains(f.st.Network.CAs, a.Name) {
			return refused("no such certificate")
		}
		var err error
		if n.CA, err = LoadCA(f.o.Conf, a.Name); err != nil {
			return err
		}
	default:
		return refused("%T in step %s", a, f.st.Step)
	}
	f.join(ctx, n)
	return nil
}

// join has the machine use other settings, then looks how far it comes.
func (f *Flow) join(ctx context.Context, n Network) {
	server := f.server()
	apply := f.o.Machine.Apply
	// The machine knows the Wi-Fi's password, and we do not any more.
	if r, ok := f.o.Machine.(Router); ok && f.links && n.WiFi == nil && n.Address == nil {
		apply = func(_ context.Context, n Network) error { return r.Route(n.Proxy, n.CA) }
	}
	f.work(ctx, TaskJoin, func(c context.Context) func() {
		err := apply(c, n)
		if err == nil && n.CA != nil {
			if err = os.MkdirAll(f.o.Base.Fleet.Dir, 0o700); err == nil {
				err = atomicfile.Write(f.caPath(), n.CA, 0o644)
			}
		}
		var seen look
		if err == nil {
			seen = f.see(c, server, false)
		}
		return func() {
			if err != nil {
				f.fail(TaskJoin, fmt.Errorf("setup: network: %w", err))
				f.later()
				return
			}
			f.applied(ctx, n)
			f.saw(ctx, TaskJoin, seen)
		}
	})
}

// applied keeps what the machine uses now; it keeps the password itself.
func (f *Flow) applied(ctx context.Context, n Network) {
	f.st.Network.Proxy = withoutPassword(n.Proxy)
	if n.CA != nil {
		f.st.Network.CA, f.ca = true, f.caPath()
	}
	f.links = f.links || n.WiFi != nil || n.Address != nil
	if n.WiFi != nil {
		f.st.Network.SSID = n.WiFi.SSID
		if n.WiFi.Password != "" && f.conf != nil && f.conf.Network.WiFi != nil && f.conf.Network.WiFi.Password == n.WiFi.Password {
			f.blanked(ctx, Blank{Password: true})
		}
	}
	f.network = n
	if err := f.save(); err != nil {
		f.fail(TaskJoin, err)
	}
}

// look finds out what is there and how far the kiosk comes.
func (f *Flow) look(ctx context.Context) {
	server := f.server()
	f.work(ctx, TaskLook, func(c context.Context) func() {
		seen := f.see(c, server, true)
		return func() { f.saw(ctx, TaskLook, seen) }
	})
}

// server is whom the kiosk has to reach; "" while nobody knows.
func (f *Flow) server() string {
	if f.st.Host.Alone || f.st.Auto && f.conf.Alone {
		return ""
	}
	return f.st.Host.Server
}

// look is what a look has found.
type look struct {
	links  []Link
	points []AccessPoint
	reach  Reach
	clock  time.Duration // that it was off, and is no more
	err    error
}

// see looks until the kiosk comes as far as it has to, or what comes up by
// itself has had its time. The clock is set on the way: certificates fail on a
// wrong one.
func (f *Flow) see(ctx context.Context, server string, points bool) (l look) {
	deadline := time.Now().Add(f.o.Times.Settle)
	for {
		if l.links, l.err = f.o.Machine.Links(ctx); l.err != nil {
			return l
		}
		l.reach = f.o.Machine.Reach(ctx, server)
		if l.reach.SkewKnown && l.reach.Skew.Abs() > clockSlack && l.clock == 0 {
			l.clock = l.reach.Skew
			if l.err = f.o.Machine.SetClock(ctx, f.o.Now().Add(-l.reach.Skew)); l.err != nil {
				l.err = fmt.Errorf("setup: clock: %w", l.err)
				return l
			}
			l.reach = f.o.Machine.Reach(ctx, server)
		}
		up := slices.ContainsFunc(l.links, func(l Link) bool { return l.Up })
		if l.reach.Server && l.reach.Code == "" || !up || l.reach.DNS || ctx.Err() != nil || time.Now().After(deadline) {
			break
		}
		select {
		case <-time.After(settlePause):
		case <-ctx.Done():
		}
	}
	if points && slices.ContainsFunc(l.links, func(l Link) bool { return l.Kind == LinkWiFi }) {
		l.points, l.err = f.o.Machine.WiFi(ctx)
	}
	if l.err == nil {
		l.err = context.Cause(ctx)
	}
	return l
}

// saw keeps what a look has found.
func (f *Flow) saw(ctx context.Context, t Task, l look) {
	if l.err != nil {
		f.fail(t, l.err)
		return
	}
	n := &f.st.Network
	n.Looked, n.Links, n.Reach = true, l.links, l.reach
	if l.points != nil {
		n.Points = l.points
	}
	if l.clock != 0 {
		n.Clock = l.clock
	}
	if n.OK() {
		f.onward(ctx)
		return
	}
	code := n.Reach.Code
	if code == "" {
		code = kiosk.CodeNoNetwork
	}
	f.st.Fault = &Fault{Task: t, Code: code, Detail: n.Reach.Detail}
	f.later()
}

// withoutPassword is a proxy's address as it may be shown.
func withoutPassword(proxy string) string {
	u, err := url.Parse(proxy)
	if err != nil {
		return ""
	}
	u.User = nil
	return u.String()
}

// problemText is a mistake in the technician's file as its screen shows it.
func problemText(err error) string {
	if p, ok := errors.AsType[yamlfile.Problems](err); ok {
		return p.Error()
	}
	if errors.Is(err, fs.ErrInvalid) {
		return ConfName + " : le fichier est trop grand"
	}
	return ConfName + " : " + err.Error()
}
