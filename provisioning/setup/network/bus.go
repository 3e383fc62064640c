package network

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/godbus/dbus/v5"

	"pointnum/kiosk"
	"pointnum/provisioning/setup"
)

// What is spoken with systemd-networkd (org.freedesktop.network1(5)) and iwd
// (doc/*-api.txt of its source).
const (
	networkdName = "org.freedesktop.network1"
	networkdPath = "/org/freedesktop/network1"
	networkdMgr  = networkdName + ".Manager"
	networkdLink = networkdName + ".Link"
	iwdName      = "net.connman.iwd"
	iwdStation   = iwdName + ".Station"
	iwdNetwork   = iwdName + ".Network"
	properties   = "org.freedesktop.DBus.Properties.Get"
)

const (
	scanTime  = 10 * time.Second
	joinPause = time.Second
	maxPoints = 64
)

// bus is a connection to the machine's managers.
type bus struct{ conn *dbus.Conn }

func open(address string) (*bus, error) {
	connect := func() (*dbus.Conn, error) { return dbus.ConnectSystemBus() }
	if address != "" {
		connect = func() (*dbus.Conn, error) { return dbus.Connect(address) }
	}
	conn, err := connect()
	if err != nil {
		return nil, &kiosk.Error{Code: kiosk.CodeNotResponding, Op: "network: system bus", Err: err}
	}
	return &bus{conn: conn}, nil
}

func (b *bus) close() { _ = b.conn.Close() }

// call asks one thing; out are pointers for what comes back.
func (b *bus) call(ctx context.Context, name string, path dbus.ObjectPath, method string, args []any, out ...any) error {
	c := b.conn.Object(name, path).CallWithContext(ctx, method, 0, args...)
	if c.Err == nil && len(out) > 0 {
		c.Err = c.Store(out...)
	}
	if c.Err != nil {
		return fmt.Errorf("network: %s: %w", method, c.Err)
	}
	return nil
}

// get reads a property.
func (b *bus) get(ctx context.Context, name string, path dbus.ObjectPath, iface, property string, out any) error {
	var v dbus.Variant
	if err := b.call(ctx, name, path, properties, []any{iface, property}, &v); err != nil {
		return err
	}
	if err := v.Store(out); err != nil {
		return fmt.Errorf("network: %s: %w", property, err)
	}
	return nil
}

// errorName is the D-Bus name of an error; "" for another.
func errorName(err error) string {
	if e, ok := errors.AsType[dbus.Error](err); ok {
		return e.Name
	}
	if e, ok := errors.AsType[*dbus.Error](err); ok {
		return e.Name
	}
	return ""
}

// reload has systemd-networkd read its files and set the links up anew.
func (b *bus) reload(ctx context.Context, links []setup.Link) error {
	if err := b.call(ctx, networkdName, networkdPath, networkdMgr+".Reload", nil); err != nil {
		return &kiosk.Error{Code: kiosk.CodeNotResponding, Op: "network: systemd-networkd", Err: err}
	}
	for _, l := range links {
		i, err := net.InterfaceByName(l.Name)
		if err != nil {
			continue // unplugged
		}
		if err := b.call(ctx, networkdName, networkdPath, networkdMgr+".ReconfigureLink", []any{int32(i.Index)}); err != nil {
			return &kiosk.Error{Code: kiosk.CodeNotResponding, Op: "network: systemd-networkd", Err: err}
		}
	}
	return nil
}

// routable says whether a link is managed and has an address with a way out.
func (b *bus) routable(ctx context.Context, link string) (bool, error) {
	var links []struct {
		Index int32
		Name  string
		Path  dbus.ObjectPath
	}
	if err := b.call(ctx, networkdName, networkdPath, networkdMgr+".ListLinks", nil, &links); err != nil {
		return false, err
	}
	for _, l := range links {
		if l.Name != link {
			continue
		}
		var state, done string
		err := errors.Join(b.get(ctx, networkdName, l.Path, networkdLink, "OperationalState", &state),
			b.get(ctx, networkdName, l.Path, networkdLink, "AdministrativeState", &done))
		// A link is "configuring" while it listens for IPv6 routers that never come.
		return state == "routable" && (done == "configured" || done == "configuring"), err
	}
	return false, nil
}

// turn has the managers use files that have changed. What was joined is left
// first, so that a password is tried before it is kept.
func (b *bus) turn(ctx context.Context, links []setup.Link, f files) error {
	if err := b.leave(ctx); err != nil {
		return err
	}
	if err := b.reload(ctx, links); err != nil {
		return err
	}
	if !f.wifi {
		return nil
	}
	return b.join(ctx, ssidOf(f.profile))
}

// objects are iwd's: by path, interface and property.
type objects map[dbus.ObjectPath]map[string]map[string]dbus.Variant

// stations are the radios; none when iwd does not run.
func (b *bus) stations(ctx context.Context) ([]dbus.ObjectPath, error) {
	all, err := b.objects(ctx)
	if err != nil {
		return nil, err
	}
	var list []dbus.ObjectPath
	for path, what := range all {
		if _, ok := what[iwdStation]; ok {
			list = append(list, path)
		}
	}
	slices.Sort(list)
	return list, nil
}

func (b *bus) objects(ctx context.Context) (objects, error) {
	var all objects
	err := b.call(ctx, iwdName, "/", "org.freedesktop.DBus.ObjectManager.GetManagedObjects", nil, &all)
	switch errorName(err) {
	case "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner":
		return nil, nil
	}
	return all, err
}

// scan has a radio look around, and waits until it has.
func (b *bus) scan(ctx context.Context, station dbus.ObjectPath) error {
	err := b.call(ctx, iwdName, station, iwdStation+".Scan", nil)
	if err != nil && !strings.HasSuffix(errorName(err), ".InProgress") && !strings.HasSuffix(errorName(err), ".Busy") {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, scanTime)
	defer cancel()
	t := time.NewTicker(200 * time.Millisecond)
	defer t.Stop()
	for {
		var scanning bool
		if err := b.get(ctx, iwdName, station, iwdStation, "Scanning", &scanning); err != nil || !scanning {
			return err
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil // what it has found so far
		}
	}
}

// found is a network that a radio sees.
type found struct {
	path   dbus.ObjectPath
	name   string
	kind   string // "psk", "open", "8021x", "wep"
	signal int    // 0 to 100
}

// networks are those a radio saw, the strongest first.
func (b *bus) networks(ctx context.Context, station dbus.ObjectPath) ([]found, error) {
	var ordered []struct {
		Path   dbus.ObjectPath
		Signal int16 // hundredths of dBm
	}
	if err := b.call(ctx, iwdName, station, iwdStation+".GetOrderedNetworks", nil, &ordered); err != nil {
		return nil, err
	}
	all, err := b.objects(ctx)
	if err != nil {
		return nil, err
	}
	var list []found
	for _, o := range ordered[:min(len(ordered), maxPoints)] {
		n := found{path: o.Path, signal: percent(o.Signal)}
		what := all[o.Path][iwdNetwork]
		if what["Name"].Value() == nil || what["Name"].Store(&n.name) != nil || what["Type"].Value() == nil || what["Type"].Store(&n.kind) != nil {
			continue
		}
		list = append(list, n)
	}
	return list, nil
}

// percent makes of hundredths of dBm what people read: -30 dBm is beside the
// access point, below -90 nothing works.
func percent(signal int16) int {
	return min(max((int(signal)+9000)*100/6000, 0), 100)
}

// WiFi looks which networks are in reach that a kiosk could join; nil without
// a radio. A name that cannot be shown or written is left out.
func (r Root) WiFi(ctx context.Context) ([]setup.AccessPoint, error) {
	b, err := open(r.Bus)
	if err != nil {
		return nil, err
	}
	defer b.close()
	stations, err := b.stations(ctx)
	if err != nil {
		return nil, err
	}
	var list []setup.AccessPoint
	for _, s := range stations {
		if err := b.scan(ctx, s); err != nil {
			return nil, err
		}
		seen, err := b.networks(ctx, s)
		if err != nil {
			return nil, err
		}
		for _, n := range seen {
			if n.name == "" || len(n.name) > maxSSID || !utf8.ValidString(n.name) || strings.ContainsFunc(n.name, func(r rune) bool { return !unicode.IsPrint(r) }) ||
				n.kind != "psk" && n.kind != "open" {
				continue
			}
			list = append(list, setup.AccessPoint{SSID: n.name, Signal: n.signal, Secured: n.kind == "psk"})
		}
	}
	slices.SortStableFunc(list, func(a, b setup.AccessPoint) int { return cmp.Compare(b.Signal, a.Signal) })
	once := map[string]bool{}
	return slices.DeleteFunc(list, func(p setup.AccessPoint) bool {
		twice := once[p.SSID]
		once[p.SSID] = true
		return twice
	}), nil
}

// ssidOf is the network's name that a profile's file name stands for.
func ssidOf(profile string) string {
	name := strings.TrimSuffix(profile, ".psk")
	if raw, ok := strings.CutPrefix(name, "="); ok {
		if b, err := hex.DecodeString(raw); err == nil {
			return string(b)
		}
	}
	return name
}

// join has a radio join a network of which iwd has the profile, trying until
// ctx ends: iwd needs a moment to read it, and a network may be heard late.
func (b *bus) join(ctx context.Context, ssid string) error {
	code := CodeWiFiAbsent
	refused := 0
	for {
		err := b.joinOnce(ctx, ssid)
		switch name := errorName(err); {
		case err == nil:
			return nil
		case strings.HasSuffix(name, ".Failed"), strings.HasSuffix(name, ".InvalidFormat"):
			code = CodeWiFiPassword
			refused++
		}
		if refused >= 2 {
			return &kiosk.Error{Code: code, Op: "network: wi-fi"}
		}
		select {
		case <-time.After(joinPause):
		case <-ctx.Done():
			return &kiosk.Error{Code: code, Op: "network: wi-fi", Err: context.Cause(ctx)}
		}
	}
}

// leave has every radio leave its network, if it is in one.
func (b *bus) leave(ctx context.Context) error {
	stations, err := b.stations(ctx)
	for _, s := range stations {
		if one := b.call(ctx, iwdName, s, iwdStation+".Disconnect", nil); one != nil && !strings.HasSuffix(errorName(one), ".NotConnected") {
			err = errors.Join(err, one)
		}
	}
	return err
}

var errAbsent = errors.New("network: not in reach")

func (b *bus) joinOnce(ctx context.Context, ssid string) error {
	stations, err := b.stations(ctx)
	if err != nil {
		return err
	}
	for _, s := range stations {
		if err := b.scan(ctx, s); err != nil {
			return err
		}
		list, err := b.networks(ctx, s)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(f found) bool { return f.name == ssid && f.kind == "psk" })
		if i < 0 {
			continue
		}
		err = b.call(ctx, iwdName, list[i].path, iwdNetwork+".Connect", nil)
		if strings.HasSuffix(errorName(err), ".AlreadyConnected") {
			return nil
		}
		return err
	}
	return errAbsent
}
