package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"pointnum/cmd/internal/fleetserver"
	"pointnum/provisioning/fleet/keys"
	"pointnum/provisioning/fleet/store"
	"pointnum/provisioning/link/route"
)

// programs builds what is measured.
func (b *bench) programs(ctx context.Context) error {
	b.fleetd, b.nats = filepath.Join(b.dir, "fleetd"), filepath.Join(b.dir, "nats-server")
	for path, pkg := range map[string]string{b.fleetd: "pointnum/cmd/fleetd", b.nats: "github.com/nats-io/nats-server/v2"} {
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", path, pkg).CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w: %s", pkg, err, out)
		}
	}
	return nil
}

// process is a program that runs, and how to run it again.
type process struct {
	name string
	args []string
	log  string
	cmd  *exec.Cmd
	end  chan struct{}
}

func (p *process) start() error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own
	p.cmd, p.end = exec.Command(p.name, p.args...), make(chan struct{})
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		return err
	}
	cmd, end := p.cmd, p.end
	go func() { // ends with the process
		_ = cmd.Wait() // it is killed, or what waits for it says that it has ended
		close(end)
	}()
	return nil
}

// kill ends it as a power cut would.
func (p *process) kill() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill() // it may have ended
		<-p.end
	}
}

// stop asks it to end, and makes it.
func (p *process) stop() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.end:
	case <-time.After(20 * time.Second):
		p.kill()
	}
}

// cpu is how much of a processor it has used.
func (p *process) cpu() time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	user, _ := strconv.Atoi(f[11]) // 0 on a kernel that says something else
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// resident is its memory in KB.
func (p *process) resident() int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			return n
		}
	}
	return 0
}

// server is one fleetd.
type server struct {
	process
	url   string // https://localhost:port
	inner string // of its metrics
	way   *route.Route
}

// site is one installation: a database, keys, servers.
type site struct {
	b       *bench
	dir     string
	dsn     string
	roots   *x509.CertPool
	ring    *keys.Ring
	store   *store.Store // opened beside the servers
	servers []*server
}

func (b *bench) site(ctx context.Context, name, dsn string) (*site, error) {
	s := &site{b: b, dir: filepath.Join(b.dir, name)}
	if err := os.MkdirAll(filepath.Join(s.dir, "data"), 0o700); err != nil {
		return nil, err
	}
	s.dsn = fleetserver.Database(filepath.Join(s.dir, "data"), dsn)
	if err := s.certificate(); err != nil {
		return nil, err
	}
	var err error
	if s.ring, err = keys.Open(filepath.Join(s.dir, "data", fleetserver.RingFile)); err != nil {
		return nil, err
	}
	s.store, err = store.Open(ctx, s.dsn, store.Options{})
	return s, err
}

func (s *site) close() error {
	for _, v := range s.servers {
		v.stop()
	}
	return s.store.Close()
}

// certificate makes one that signs itself: TLS 1.3 with ECDSA P-256, as in
// the trial.
func (s *site) certificate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	s.roots = x509.NewCertPool()
	s.roots.AppendCertsFromPEM(cert)
	return errors.Join(os.WriteFile(filepath.Join(s.dir, "cert.pem"), cert, 0o600),
		os.WriteFile(filepath.Join(s.dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
}

// freePorts are addresses that nobody listens on now.
func freePorts(ctx context.Context, n int) (out []string, err error) {
	for range n {
		ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer ln.Close() // all at the end, so that none comes twice
		out = append(out, ln.Addr().String())
	}
	return out, nil
}

// serve adds a fleetd and waits until it is ready. nats are the nodes of an
// external cluster, none for the embedded one.
func (s *site) serve(ctx context.Context, nats ...string) (*server, error) {
	ports, err := freePorts(ctx, 2)
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(ports[0])
	if err != nil {
		return nil, err
	}
	n := len(s.servers) + 1
	v := &server{url: "https://localhost:" + port, inner: "http://" + ports[1]}
	if v.way, err = route.New(v.url, nil, s.roots, nil); err != nil {
		return nil, err
	}
	text := fmt.Sprintf("url: %s\nlisten: %s\nmetrics: %s\ndir: %s\ndatabase: %q\ntls:\n  certificate: %s\n  key: %s\n",
		v.url, ports[0], ports[1], filepath.Join(s.dir, "data"), s.dsn, filepath.Join(s.dir, "cert.pem"), filepath.Join(s.dir, "key.pem"))
	if len(nats) > 0 {
		text += "nats:\n  - " + strings.Join(nats, "\n  - ") + "\n"
	}
	file := filepath.Join(s.dir, fmt.Sprintf("fleetd-%d.yaml", n))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	v.process = process{name: s.b.fleetd, args: []string{"serve", "-config", file, "-admin-email", "a@exemple.fr"}, log: filepath.Join(s.dir, fmt.Sprintf("fleetd-%d.log", n))}
	s.servers = append(s.servers, v)
	if err := v.start(); err != nil {
		return nil, err
	}
	return v, s.b.wait(ctx, "fleetd ready", v.ready)
}

func (v *server) ready() bool {
	res, err := (&http.Client{Timeout: 3 * time.Second}).Get(v.inner + "/readyz")
	if err != nil {
		return false
	}
	return res.Body.Close() == nil && res.StatusCode == http.StatusOK
}

// wait waits for a state.
func (b *bench) wait(ctx context.Context, what string, ok func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, b.patient, fmt.Errorf("%s: not within %v", what, b.patient))
	defer cancel()
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	for !ok() {
		select {
		case <-t.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
