// Package discover finds the devices that a kiosk could use: scanners and
// printers that announce themselves in the network or hang on ipp-usb, what
// SANE lists, receipt printers, the socket for keys and GPIO chips.
//
// It knows where to look and what the drivers' addresses look like. What asks
// a device for its name is passed in. Nothing is sent to a device that is not
// known to speak the language: to a laser printer, a question in ESC/POS is a
// page to print.
package discover

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/discover/dnssd"
)

// Found is a device, and how a kiosk's configuration names it.
type Found struct {
	Spec  kiosk.Spec   // complete but for ID
	Also  []kiosk.Spec // other ways to the same device, the best first
	Kind  kiosk.Kind
	Model string // make and model; "" unknown
	Where string // for people, in French: "USB", "réseau 192.0.2.7", "port série"
	// Maybe says that nothing tells what is behind the plug: a serial adapter
	// may lead to a receipt printer, lines of a GPIO chip may be wired.
	Maybe bool
}

// Finder says where to look. The zero value looks at the files of this
// machine only.
type Finder struct {
	// Probe opens a device and returns what it says it is; nil probes none,
	// and then nothing is found in the network or behind ipp-usb. The drivers
	// are "escl" and "ipp". It ends with its ctx.
	Probe func(ctx context.Context, s kiosk.Spec) (kiosk.Info, error)
	// Listed are the devices that are listed elsewhere, as by SANE; nil none.
	// Driver, Make, Model and URI are used.
	Listed func(ctx context.Context) ([]kiosk.Info, error)
	// Interfaces are the networks to ask in; nil asks in none, All in all.
	Interfaces func() ([]net.Interface, error)
	USBPorts   []int         // ipp-usb's, on the loopback address; see IPPUSB
	Root       string        // where /sys and /dev are; "" is /
	KeyDir     string        // below which a visitor's key is mounted; "" none
	Time       time.Duration // for all; 0 is 5 s
	Log        *slog.Logger  // nil: none
}

// IPPUSB returns the ports that ipp-usb gives to devices, from the first on.
// It keeps a device's port: that of a kiosk whose printer was replaced a few
// times is not the first.
func IPPUSB() []int {
	ports := make([]int, 16)
	for i := range ports {
		ports[i] = 60000 + i
	}
	return ports
}

const (
	findTime = 5 * time.Second
	maxFound = 64
	// workers ask devices at the same time; each waits more than it works.
	workers = 12
	// minModel is how long a model's name has to be to tell one from another.
	minModel = 5
)

// types are what is looked for in the network: Mopria's "eSCL Technical
// Specification", 4, and PWG 5100.14, 9 (IPP Everywhere).
func types() []string {
	return []string{"_uscans._tcp", "_uscan._tcp", "_ipps._tcp", "_ipp._tcp"}
}

// candidate is a device before it was asked, or after.
type candidate struct {
	Found
	rank   int // of the way to it, the best is 0
	keys   []string
	told   kiosk.Info // by the announcement
	pinned bool       // its certificate has to be looked at first
}

// Ranks of ways to a device. Through USB nobody listens. With TLS nobody on
// the place's network reads the papers of visitors. SANE is for what has no
// better way.
const (
	rankUSB = iota
	rankTLS
	rankPlain
	rankSANE
	rankOther
)

// Find looks everywhere at once and returns what it found, sorted by kind,
// the sure ones first: each device once. It takes at most f.Time, and what
// did not answer by then but was announced is there under its announced name.
// The error tells what could not be looked at; what was found holds all the
// same.
func (f Finder) Find(ctx context.Context) ([]Found, error) {
	if f.Log == nil {
		f.Log = slog.New(slog.DiscardHandler)
	}
	if f.Time == 0 {
		f.Time = findTime
	}
	ctx, cancel := context.WithTimeout(ctx, f.Time)
	defer cancel()
	var mu sync.Mutex
	var all []candidate
	var errs []error
	add := func(list []candidate, err error) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, list...)
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			errs = append(errs, err)
		}
	}
	var work sync.WaitGroup
	for _, look := range []func(context.Context) ([]candidate, error){f.network, f.usb, f.listed, f.files} {
		work.Go(func() { add(look(ctx)) })
	}
	work.Wait()
	return merge(all), errors.Join(errs...)
}

// network listens for half of the time and asks who answered in the rest.
func (f Finder) network(ctx context.Context) ([]candidate, error) {
	if f.Interfaces == nil || f.Probe == nil {
		return nil, nil
	}
	interfaces, err := f.Interfaces()
	if err != nil {
		return nil, err
	}
	listen, cancel := context.WithTimeout(ctx, f.Time/2)
	defer cancel()
	services, err := dnssd.Browse(listen, interfaces, types())
	var list []candidate
	for _, s := range services {
		if c, ok := f.announced(s); ok && len(list) < 4*maxFound {
			list = append(list, c)
		}
	}
	return f.probeAll(ctx, list), err
}

// usb asks at ipp-usb's ports.
func (f Finder) usb(ctx context.Context) ([]candidate, error) {
	if f.Probe == nil {
		return nil, nil
	}
	var list []candidate
	for _, p := range f.USBPorts {
		host := net.JoinHostPort("127.0.0.1", strconv.Itoa(p))
		d := net.Dialer{Timeout: time.Second}
		conn, err := d.DialContext(ctx, "tcp", host)
		if err != nil {
			continue
		}
		_ = conn.Close() // nothing was said
		for _, spec := range []kiosk.Spec{
			{Driver: "escl", URI: "http://" + host + "/eSCL"},
			{Driver: "ipp", URI: "ipp://" + host + "/ipp/print"},
		} {
			list = append(list, candidate{Found: Found{Spec: spec, Where: "USB"}, rank: rankUSB})
		}
	}
	return f.probeAll(ctx, list), nil
}

// probeAll asks each candidate what it is, and returns those that answered,
// and those that were announced and had no time to.
func (f Finder) probeAll(ctx context.Context, list []candidate) []candidate {
	next := make(chan int)
	good := make([]bool, len(list))
	var work sync.WaitGroup
	for range min(workers, len(list)) {
		work.Go(func() {
			for i := range next {
				good[i] = f.probe(ctx, &list[i])
			}
		})
	}
	for i := range list {
		next <- i
	}
	close(next)
	work.Wait()
	var out []candidate
	for i, c := range list {
		if good[i] {
			out = append(out, c)
		}
	}
	return out
}

func (f Finder) probe(ctx context.Context, c *candidate) bool {
	if c.pinned {
		option := map[string]string{"escl": "cert_sha256", "ipp": "fingerprint"}[c.Spec.Driver]
		print, err := certificate(ctx, c.Spec.URI)
		if err != nil {
			f.Log.Debug("device not found", "uri", c.Spec.URI, "err", err)
			return false // the plain way is another candidate
		}
		c.Spec.Options = map[string]string{option: print}
	}
	info, err := f.Probe(ctx, c.Spec)
	if err != nil {
		f.Log.Debug("device not found", "uri", c.Spec.URI, "err", err)
		if c.told.Model == "" || ctx.Err() == nil {
			return false
		}
		info = c.told // it sleeps
	}
	c.Kind = kindOf(c.Spec.Driver)
	c.Model = model(info.Make, info.Model)
	if c.Model == "" {
		c.Model = model(c.told.Make, c.told.Model)
	}
	if serial := plain(info.Serial); len(serial) > 4 {
		c.keys = append(c.keys, "serial "+string(c.Kind)+" "+serial)
	}
	return true
}

func kindOf(driver string) kiosk.Kind {
	if driver == "ipp" {
		return kiosk.KindPrinter
	}
	return kiosk.KindScanner
}

// listed takes what SANE and its like list.
func (f Finder) listed(ctx context.Context) ([]candidate, error) {
	if f.Listed == nil {
		return nil, nil
	}
	infos, err := f.Listed(ctx)
	var list []candidate
	for _, i := range infos {
		where := "réseau"
		if strings.Contains(i.URI, "usb") {
			where = "USB"
		}
		list = append(list, candidate{rank: rankSANE, Found: Found{Spec: kiosk.Spec{Driver: i.Driver, URI: i.URI},
			Kind: kiosk.KindScanner, Model: model(i.Make, i.Model), Where: where}})
	}
	return list, err
}

// merge makes one of what is the same device, by the best way to it.
func merge(all []candidate) []Found {
	slices.SortStableFunc(all, func(a, b candidate) int {
		if a.rank != b.rank {
			return a.rank - b.rank
		}
		return strings.Compare(a.Spec.URI, b.Spec.URI)
	})
	var kept []candidate
	for _, c := range all {
		i := slices.IndexFunc(kept, func(k candidate) bool { return same(k, c) })
		switch {
		case i < 0:
			kept = append(kept, c)
		case !slices.ContainsFunc(append(kept[i].Also, kept[i].Spec), func(s kiosk.Spec) bool { return s.Driver == c.Spec.Driver && s.URI == c.Spec.URI }):
			kept[i].Also = append(kept[i].Also, c.Spec)
			fallthrough
		default:
			kept[i].keys = append(kept[i].keys, c.keys...)
			if kept[i].Model == "" {
				kept[i].Model = c.Model
			}
		}
	}
	found := make([]Found, 0, min(len(kept), maxFound))
	for _, c := range kept[:min(len(kept), maxFound)] {
		found = append(found, c.Found)
	}
	order := []kiosk.Kind{kiosk.KindScanner, kiosk.KindPrinter, kiosk.KindReceipt, kiosk.KindKey, kiosk.KindSensors}
	slices.SortStableFunc(found, func(a, b Found) int {
		if d := slices.Index(order, a.Kind) - slices.Index(order, b.Kind); d != 0 {
			return d
		}
		return btoi(a.Maybe) - btoi(b.Maybe)
	})
	return found
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// same says whether two candidates are one device: they share a serial
// number, an identity or an address, or SANE lists a scanner of a model that
// was already found by a better way.
func same(a, b candidate) bool {
	if a.Kind != b.Kind {
		return false
	}
	if a.Spec.Driver == b.Spec.Driver && a.Spec.URI == b.Spec.URI {
		return true
	}
	if slices.ContainsFunc(b.keys, func(k string) bool { return slices.Contains(a.keys, k) }) {
		return true
	}
	if (a.rank == rankSANE) == (b.rank == rankSANE) {
		return false
	}
	x, y := plain(a.Model), plain(b.Model)
	return min(len(x), len(y)) >= minModel && (strings.Contains(x, y) || strings.Contains(y, x))
}

// model is a make and a model as one text, the make once.
func model(maker, name string) string {
	maker, name = tidy(maker), tidy(name)
	if maker != "" && strings.HasPrefix(strings.ToLower(name), strings.ToLower(maker)) {
		return name
	}
	return strings.TrimSpace(maker + " " + name)
}

// tidy keeps what may be shown of a device's words: 64 printable characters.
func tidy(s string) string {
	var b []rune
	for _, r := range strings.ToValidUTF8(s, "") {
		if printable(r) && len(b) < 64 {
			b = append(b, r)
		}
	}
	return strings.TrimSpace(string(b))
}

// plain is a text by which names are compared.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(s))
}
