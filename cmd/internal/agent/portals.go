package agent

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"pointnum/cmd/internal/fault"
	"pointnum/kiosk"
	"pointnum/kiosk/browser"
	"pointnum/kiosk/browser/egress"
	"pointnum/kiosk/browser/policy"
	"pointnum/kiosk/config"
	"pointnum/kiosk/portal"
)

// maxForeign is how many refused hosts are logged: a page can make up any
// number.
const maxForeign = 500

// portals is the locked browser and what it may reach: nothing but the hosts
// of the portal in use, and nothing at all between visits.
type portals struct {
	catalogue *portal.Catalogue
	extra     []string // the place's own hosts
	browser   *browser.Browser
	proxy     *egress.Proxy // nil when the configuration switches it off
	log       *slog.Logger

	mu      sync.Mutex
	foreign map[string]bool // told already
}

// newPortals makes the browser; its Run starts it. A Chromium that is missing
// or does not start is no error: all but the portals works.
func newPortals(c config.Browser, catalogue *portal.Catalogue, o BrowserOptions, log *slog.Logger) (*portals, error) {
	p := &portals{catalogue: catalogue, extra: c.Hosts, log: log, foreign: map[string]bool{}}
	args := o.Args
	if c.Proxy {
		uid, err := uidOf(c.User)
		if err != nil {
			return nil, fmt.Errorf("browser: %w", err)
		}
		po := egress.Options{Allowed: egress.User(uid), Refused: p.refused, Log: log}
		if len(o.Local) > 0 {
			po.Dial = localFirst(o.Local)
		}
		if p.proxy, err = egress.Listen(po); err != nil {
			return nil, fmt.Errorf("browser: %w", err)
		}
		args = append(p.proxy.Flags(), args...)
	} else {
		log.Warn("the portal browser reaches every host: its proxy is switched off")
	}
	var err error
	p.browser, err = browser.New(browser.Options{
		Path: c.Path, User: c.User, Headless: c.Headless, Args: args, Home: p.home, Foreign: p.refused, Log: log,
	})
	if err != nil {
		p.close()
		return nil, fmt.Errorf("browser: %w", err)
	}
	return p, nil
}

// checkPolicies says whether the managed policies that Chromium reads are
// those that the catalogue asks for.
func checkPolicies(c *config.Config, catalogue *portal.Catalogue) (differences int, err error) {
	found, err := policy.CheckFolder(filepath.Dir(policy.Path), policy.Make(catalogue, Screens(c)))
	return len(found), err
}

// Screens are what the machine's browsers may open beside the catalogue: the
// agent's screen, the screen of its fault, and the place's own hosts.
func Screens(c *config.Config) []string {
	return append([]string{"http://" + c.Listen, "http://" + fault.Listen}, policy.Filters(c.Browser.Hosts)...)
}

// uidOf is the number of an account; ours when it has no name.
func uidOf(name string) (int, error) {
	if name == "" {
		return os.Getuid(), nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(u.Uid)
}

// close ends the proxy, once the browser is gone.
func (p *portals) close() {
	if p.proxy == nil {
		return
	}
	if err := p.proxy.Close(); err != nil {
		p.log.Error("browser's proxy not closed", "err", err)
	}
}

// home gives a portal's first page and the hosts that may be shown with it.
func (p *portals) home(id string) (address string, allow func(string) bool, ok bool) {
	one, ok := p.catalogue.Portal(id)
	if !ok || one.Address == "" {
		return "", nil, false
	}
	return one.Address, p.hosts(id).Allow, true
}

// hosts are those of a portal, its services, the mailboxes and the place.
func (p *portals) hosts(id string) portal.Hosts {
	return append(p.catalogue.Hosts(id), p.extra...)
}

// address is a portal's first page; "" when it can't be opened.
func (p *portals) address(id string) string {
	a, _, _ := p.home(id)
	return a
}

// mailbox is a mailbox's first page; "" when the catalogue has none.
func (p *portals) mailbox(id string) string {
	m, ok := p.catalogue.Mailbox(id)
	if !ok {
		return ""
	}
	return m.Address
}

// at names the portal that a host belongs to; "" for none.
func (p *portals) at(host string) string {
	one, ok := p.catalogue.PortalAt(host)
	if !ok {
		return ""
	}
	return one.ID
}

// refused logs a host that a portal wanted, so that the place can allow it.
// The name is all that is kept of it.
func (p *portals) refused(host string) {
	if strings.HasSuffix(host, ".invalid") { // the kiosk's own (RFC 2606)
		return
	}
	p.mu.Lock()
	again := p.foreign[host] || len(p.foreign) >= maxForeign
	if !again {
		p.foreign[host] = true
	}
	p.mu.Unlock()
	if !again {
		p.log.Info("a portal wanted a host that is not allowed", "host", host)
	}
}

// wanted are the hosts that were refused so far.
func (p *portals) wanted() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.foreign))
}

// Open opens a portal and the way to its hosts; see kiosk.Browser.
func (p *portals) Open(ctx context.Context, o kiosk.BrowseOptions) (kiosk.Browsing, error) {
	p.allow(p.hosts(o.Portal))
	b, err := p.browser.Open(ctx, o)
	if err != nil {
		p.cut()
		return nil, err
	}
	return &browsing{Browsing: b, p: p}, nil
}

func (p *portals) allow(hosts portal.Hosts) {
	if p.proxy != nil {
		p.proxy.SetAllow(hosts.Allow)
	}
}

// cut closes every way out.
func (p *portals) cut() {
	if p.proxy != nil {
		p.proxy.SetAllow(nil)
		p.proxy.CloseConnections()
	}
}

// browsing is a portal in use.
type browsing struct {
	kiosk.Browsing
	p *portals
}

// Close ends the browser, then the connections it had.
func (b *browsing) Close(ctx context.Context) error {
	err := b.Browsing.Close(ctx)
	b.p.cut()
	return err
}

// localFirst dials hosts that stand on this machine where they stand, and
// others as a kiosk does: nothing of the house's own network.
func localFirst(local map[string]string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	public := &net.Dialer{Timeout: 15 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		a, err := netip.ParseAddrPort(address)
		if err != nil || !egress.Public(a.Addr()) {
			return fmt.Errorf("agent: %w", os.ErrPermission)
		}
		return nil
	}}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		if at, ok := local[host]; ok {
			return (&net.Dialer{}).DialContext(ctx, network, at)
		}
		return public.DialContext(ctx, network, addr)
	}
}

// withLocal adds portals and mailboxes that stand on this machine.
func withLocal(c *portal.Catalogue, o BrowserOptions) *portal.Catalogue {
	all := *c
	all.Portals = append(slices.Clone(o.Portals), c.Portals...)
	all.Mailboxes = append(slices.Clone(o.Mailboxes), c.Mailboxes...)
	return &all
}
