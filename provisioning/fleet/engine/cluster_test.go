package engine_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/engine"
	"pointnum/provisioning/fleet/keys"

	"github.com/nats-io/nats.go"
)

// node is one process of the stock nats-server.
type node struct {
	name, route string
	cmd         *exec.Cmd
	ended       chan struct{}
}

// kill ends the process as a power cut would.
func (n *node) kill() {
	_ = n.cmd.Process.Kill() // it may have ended
	<-n.ended
}

func stockServer(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nats-server")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "github.com/nats-io/nats-server/v2").CombinedOutput(); err != nil {
		t.Fatalf("build nats-server: %v\n%s", err, out)
	}
	return path
}

// run starts a node with the configuration that fleetd prints, and waits for
// the ports that it got.
func run(t testing.TB, ring *keys.Ring, program, name, listen string, routes ...string) *node {
	t.Helper()
	dir := t.TempDir()
	conf, err := engine.NodeConfig(ring, engine.Node{Name: name, Listen: listen, Cluster: "127.0.0.1:-1", Routes: routes, Dir: filepath.Join(dir, "accounts")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "nats.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	n := &node{name: name, ended: make(chan struct{})}
	n.cmd = exec.Command(program, "-c", file, "--ports_file_dir", dir)
	var log strings.Builder
	n.cmd.Stdout, n.cmd.Stderr = &log, &log
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = n.cmd.Wait() // killed
		close(n.ended)
	}()
	t.Cleanup(func() {
		n.kill()
		if t.Failed() {
			t.Logf("%s says:\n%s", name, log.String())
		}
	})
	var ports struct{ Nats, Cluster []string }
	eventually(t, "ports of "+name, func() bool {
		b, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("nats-server_%d.ports", n.cmd.Process.Pid)))
		return err == nil && json.Unmarshal(b, &ports) == nil && len(ports.Nats) > 0 && len(ports.Cluster) > 0
	})
	n.route = strings.TrimPrefix(ports.Cluster[0], "nats://")
	return n
}

// TestAClusterOfStockServers: three nats-server processes, two servers of ours.
func TestAClusterOfStockServers(t *testing.T) {
	program := stockServer(t)
	ring, ports := newRing(t), freePorts(t, 3)
	var urls []string
	for _, p := range ports {
		urls = append(urls, "nats://"+p)
	}
	// The servers are started before their cluster.
	here := newSiteWith(t, ring, func(o *engine.Options) { o.NATS = urls })
	there := here.beside(func(o *engine.Options) { o.NATS = []string{urls[2], urls[0], urls[1]} })
	if here.engine.Ready() == nil {
		t.Error("ready without a cluster")
	}
	if _, err := here.enrol("mairie", "Cave").dial(); err == nil {
		t.Error("somebody connects to nothing")
	}
	nodes := []*node{run(t, ring, program, "n1", ports[0])}
	for i, name := range []string{"n2", "n3"} {
		nodes = append(nodes, run(t, ring, program, name, ports[i+1], nodes[0].route))
	}
	eventually(t, "cluster", func() bool { return here.engine.Ready() == nil && there.engine.Ready() == nil })

	me, next, other := here.enrol("mairie", "Hall"), there.enrol("mairie", "Étage"), here.enrol("musee", "Entrée")
	isolated(t, me, next, other)
	bothSee(t, here, there, me)
	nothingIsLost(t, here, nodes, next)
	outEverywhere(t, here, there, me)
	if a := next.connect(t).send(t, next, visit(9999)); !a.OK {
		t.Errorf("another kiosk: %+v", a)
	}
}

// bothSee: what a kiosk tells one server, the other one knows, and it obeys
// both.
func bothSee(t *testing.T, here, there *site, b *borne) {
	t.Helper()
	changes := there.engine.Changes(t.Context(), fleet.Scope{Structure: b.Structure})
	l := b.connect(t)
	defer l.Close()
	got := make(chan provisioning.Command, 1)
	l.obey(t, b, got, provisioning.StatusDone)
	eventually(t, "presence everywhere", func() bool { // the way between the nodes may not be there yet
		l.hello(t, b)
		return here.engine.Presence(b.Kiosk).Online && there.engine.Presence(b.Kiosk).Online
	})
	l.send(t, b, visit(1))
	for c := range changes {
		if c.What == "counts" && c.Kiosk == b.Kiosk {
			break
		}
	}
	q, err := there.engine.Command(t.Context(), everything, "", provisioning.Command{Kiosk: b.Kiosk, Kind: provisioning.CommandRecheck})
	if err != nil {
		t.Fatal(err)
	}
	if c := <-got; c.ID != q.Command.ID {
		t.Errorf("command %+v", c)
	}
	eventually(t, "end of the command", func() bool { return here.status(b, q.Command.ID) == fleet.QueueStatus(provisioning.StatusDone) })
}

// nothingIsLost: the node that carries a kiosk is killed while it tells.
func nothingIsLost(t *testing.T, s *site, nodes []*node, b *borne) {
	t.Helper()
	before := s.visits(everything)
	up := make(chan string, 100)
	l := b.connect(t, nats.MaxReconnects(-1), func(o *nats.Options) error { o.AllowReconnect = true; return nil },
		nats.ReconnectWait(50*time.Millisecond), nats.ReconnectHandler(func(c *nats.Conn) { up <- c.ConnectedServerName() }))
	defer l.Close()
	var begin time.Time
	const events = 300
	for i := range int64(events) {
		if i == events/3 {
			for _, n := range nodes {
				if n.name == l.ConnectedServerName() {
					n.kill()
				}
			}
			begin = time.Now()
		}
		eventually(t, "answer", func() bool { // as an outbox does: the same until it is acknowledged
			m, err := l.Request(b.up(provisioning.UpEvents), marshal(t, []provisioning.Event{visit(i + 1)}), time.Second)
			var a provisioning.Ack
			return err == nil && json.Unmarshal(m.Data, &a) == nil && a.OK
		})
		if i == events/3 {
			t.Logf("back on %s with the next event stored after %s", <-up, time.Since(begin))
		}
	}
	if n := s.visits(everything) - before; n != events {
		t.Errorf("%d of %d events", n, events)
	}
}

// outEverywhere: revoked by one server, a kiosk of the other is out.
func outEverywhere(t *testing.T, here, there *site, b *borne) {
	t.Helper()
	l := b.connect(t)
	l.hello(t, b)
	eventually(t, "servers", func() bool { return here.engine.Ready() == nil && there.engine.Ready() == nil })
	begin := time.Now()
	if err := there.engine.Revoke(t.Context(), everything, b.Kiosk); err != nil {
		t.Fatal(err)
	}
	<-l.closed
	if d := time.Since(begin); d > time.Second {
		t.Errorf("out after %s", d)
	} else {
		t.Logf("out after %s", d)
	}
	for _, s := range []*site{here, there} {
		b := *b
		b.addr = s.addr
		for range 4 { // of three nodes
			if _, err := b.dial(); err == nil {
				t.Error("it comes back")
			}
		}
		if status, _, _ := b.sync(provisioning.Sync{Hello: hello(fmt.Sprintf("to %s", s.addr))}); status != http.StatusUnauthorized {
			t.Errorf("sync answers %d", status)
		}
		eventually(t, "absence", func() bool { return !s.engine.Presence(b.Kiosk).Online })
	}
}

// TestServersWithEmbeddedNodes: three servers whose embedded NATS talk to each
// other over TLS.
func TestServersWithEmbeddedNodes(t *testing.T) {
	conf := selfSigned(t)
	ports := freePorts(t, 3)
	with := func(i int) func(*engine.Options) {
		return func(o *engine.Options) {
			o.Cluster = engine.Cluster{Name: fmt.Sprintf("s%d", i), Listen: ports[i], Routes: ports, TLS: conf}
		}
	}
	first := newSite(t, with(0))
	second, third := first.beside(with(1)), first.beside(with(2))
	me, other := first.enrol("mairie", "Hall"), second.enrol("mairie", "Étage")
	bothSee(t, first, second, me)
	bothSee(t, third, first, other)
	outEverywhere(t, first, third, me)

	moved := *other // as behind a load balancer whose first server is gone
	moved.addr = third.addr
	second.halt()
	l := moved.connect(t)
	if a := l.send(t, &moved, visit(2)); !a.OK {
		t.Errorf("answer %+v", a)
	}
	if n := first.visits(everything); n != 3 {
		t.Errorf("%d visits", n)
	}
}

func TestAStrangerCannotJoinTheServers(t *testing.T) {
	ports := freePorts(t, 2)
	cluster := func(i int) engine.Cluster {
		return engine.Cluster{Name: fmt.Sprintf("s%d", i), Listen: ports[i], Routes: ports}
	}
	s := newSite(t, func(o *engine.Options) { o.Cluster = cluster(0) })
	b := s.enrol("mairie", "Hall")
	stranger := newSite(t, func(o *engine.Options) { o.Cluster = cluster(1) }) // other keys
	l := b.connect(t)
	for range 20 {
		l.hello(t, b)
		l.beat(t, b, beat("run"))
	}
	if stranger.engine.Presence(b.Kiosk).Online {
		t.Error("another fleet hears a kiosk")
	}
}

func TestOptionsThatCannotBeAreRefused(t *testing.T) {
	s := newSite(t, nil)
	for what, change := range map[string]func(*engine.Options){
		"no store":           func(o *engine.Options) { o.Store = nil },
		"no keys":            func(o *engine.Options) { o.Ring = nil },
		"not NATS":           func(o *engine.Options) { o.NATS = []string{"http://127.0.0.1:4222"} },
		"no port":            func(o *engine.Options) { o.NATS = []string{"nats://127.0.0.1"} },
		"both clusters":      func(o *engine.Options) { o.NATS = []string{"nats://127.0.0.1:1"}; o.Cluster.Listen = "127.0.0.1:1" },
		"no name":            func(o *engine.Options) { o.Cluster.Listen = "127.0.0.1:0" },
		"no cluster address": func(o *engine.Options) { o.Cluster = engine.Cluster{Name: "s", Listen: "127.0.0.1"} },
	} {
		o := engine.Options{Store: s.store, Ring: s.ring}
		change(&o)
		if e, err := engine.New(t.Context(), o); err == nil {
			t.Errorf("%s is taken", what)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_ = e.Run(ctx)
		}
	}
	for what, n := range map[string]engine.Node{
		"nothing": {}, "no folder": {Name: "n", Listen: "127.0.0.1:1"}, "no port": {Name: "n", Listen: "127.0.0.1", Dir: "d"},
		"a quote": {Name: "n\"", Listen: "127.0.0.1:1", Dir: "d"}, "another line": {Name: "n", Listen: "127.0.0.1:1", Dir: "d\nhttp: 1"},
	} {
		if _, err := engine.NodeConfig(s.ring, n, nil); err == nil {
			t.Errorf("a node with %s is taken", what)
		}
	}
}

// freePorts are addresses that nobody has now.
func freePorts(t *testing.T, n int) (out []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // all at once, so that they differ
		out = append(out, l.Addr().String())
	}
	return out
}

// selfSigned is a certificate for both sides.
func selfSigned(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, RootCAs: pool}
}
