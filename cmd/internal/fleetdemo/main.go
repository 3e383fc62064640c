// Command fleetdemo shows the whole supervision on one machine: fleetd with a
// certificate of its own, two kiosks on virtual hardware that are enrolled by
// code, and the link of the first administrator. Everything is in a folder
// that is gone at the end.
package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"pointnum/cmd/internal/cli"
)

func main() { cli.Main(cli.Single(command())) }

// demo is one demonstration.
type demo struct {
	dir, bin, listen string
	kiosks           int
	json             bool
	stderr           io.Writer
}

func command() cli.Command {
	return cli.Command{
		Name:  "fleetdemo",
		Short: "La supervision entière sur une machine : fleetd, deux bornes virtuelles, la console.",
		Long: `Démarre fleetd avec un certificat fait ici, deux bornes sur du matériel virtuel inscrites par code, et dit
les adresses. Le navigateur prévient que le certificat n’est pas connu : c’est normal ici.

  make fleet
  make fleet ARGS="-kiosks 3"`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			d := &demo{}
			fs.StringVar(&d.bin, "bin", "bin", "`dossier` de fleetd et kioskdev")
			fs.StringVar(&d.listen, "listen", "localhost:8443", "`adresse` de la console ; un port libre s’il est pris")
			fs.IntVar(&d.kiosks, "kiosks", 2, "bornes")
			fs.BoolVar(&d.json, "json", false, "dire les adresses en JSON, sur une ligne")
			return func(ctx context.Context, _ []string, _ io.Reader, stdout, stderr io.Writer) (err error) {
				d.stderr = stderr
				if d.dir, err = os.MkdirTemp("", "fleetdemo-"); err != nil {
					return fmt.Errorf("folder: %w", err)
				}
				defer func() { err = errors.Join(err, os.RemoveAll(d.dir)) }()
				return d.run(ctx, stdout)
			}
		},
	}
}

// told is what is said once everything runs.
type told struct {
	Console string   `json:"console"`
	Setup   string   `json:"setup"` // link of the first administrator
	CA      string   `json:"ca"`    // PEM file
	Kiosks  []kioskd `json:"kiosks"`
}

// kioskd is what a kiosk says of itself.
type kioskd struct {
	Screen  string `json:"screen"`
	Panel   string `json:"panel"`
	Control string `json:"control"`
	Out     string `json:"out"`
	PID     int    `json:"pid"` // SIGUSR1 ends its quarter of an hour: its counts come at once
}

func (d *demo) run(ctx context.Context, stdout io.Writer) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var children sync.WaitGroup
	defer children.Wait()
	defer stop(nil)
	url, config, err := d.configure(ctx)
	if err != nil {
		return err
	}
	t := told{Console: url, CA: filepath.Join(d.dir, "cert.pem")}
	const structure = "centre-social-des-tilleuls"
	if _, err := d.fleetd(ctx, config, "structure", "-name", "Centre social des Tilleuls", structure); err != nil {
		return err
	}
	lines, _, err := d.start(ctx, &children, stop, "fleetd", "serve", "-config", config, "-admin", "Claire Martin", "-admin-email", "claire.martin@exemple.fr")
	if err != nil {
		return err
	}
	if t.Setup, err = setupLink(ctx, lines); err != nil {
		return err
	}
	places := []string{"Hall d’accueil", "Salle d’attente", "Médiathèque", "Couloir"}
	for i := range d.kiosks {
		code, err := d.fleetd(ctx, config, "code", "-label", places[i%len(places)], structure)
		if err != nil {
			return err
		}
		lines, pid, err := d.start(ctx, &children, stop, "kioskdev", "-json", "-listen", "127.0.0.1:0", "-panel", "127.0.0.1:0",
			"-fleet", url, "-fleet-ca", t.CA, "-code", strings.TrimSpace(code))
		if err != nil {
			return err
		}
		var k kioskd
		if line, ok := next(ctx, lines); !ok || json.Unmarshal([]byte(line), &k) != nil {
			return fmt.Errorf("kioskdev: no address in %q", line)
		}
		k.PID = pid
		t.Kiosks = append(t.Kiosks, k)
	}
	if err := d.announce(stdout, t); err != nil {
		return err
	}
	<-ctx.Done()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// configure makes the certificate and the configuration of fleetd.
func (d *demo) configure(ctx context.Context) (url, path string, err error) {
	host, port, err := net.SplitHostPort(d.listen)
	if err != nil {
		return "", "", cli.Usagef("-listen : %s", err)
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", port))
	if errors.Is(err, syscall.EADDRINUSE) {
		ln, err = (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return "", "", fmt.Errorf("port: %w", err)
	}
	at := ln.Addr().String()
	if err := ln.Close(); err != nil {
		return "", "", fmt.Errorf("port: %w", err)
	}
	_, port, err = net.SplitHostPort(at)
	if err != nil {
		return "", "", err
	}
	if err := d.certificate(host); err != nil {
		return "", "", err
	}
	url = "https://" + net.JoinHostPort(host, port)
	path = filepath.Join(d.dir, "fleetd.yaml")
	text := fmt.Sprintf("url: %s\nlisten: %s\nmetrics: \"\"\ndir: %s\ntls:\n  certificate: %s\n  key: %s\nsupport:\n  name: Assistance des bornes\n  phone: 01 00 00 00 00\n",
		url, at, filepath.Join(d.dir, "data"), filepath.Join(d.dir, "cert.pem"), filepath.Join(d.dir, "key.pem"))
	return url, path, os.WriteFile(path, []byte(text), 0o600)
}

// certificate makes one that signs itself, good for a day on this machine.
func (d *demo) certificate(host string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	now := time.Now()
	t := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "pointnum, essai"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), DNSNames: []string{host}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	return errors.Join(
		os.WriteFile(filepath.Join(d.dir, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(filepath.Join(d.dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600),
	)
}

// fleetd runs one of its operator's commands and returns what it printed.
func (d *demo) fleetd(ctx context.Context, config, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(d.bin, "fleetd"), append([]string{name, "-config", config}, args...)...)
	cmd.Stderr = d.stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("fleetd %s: %w", name, err)
	}
	return string(out), nil
}

// start starts a program and returns the lines that it prints and its process. It is asked to
// end with ctx and waited for by children; one that ends by itself ends all.
func (d *demo) start(ctx context.Context, children *sync.WaitGroup, stop context.CancelCauseFunc, name string, args ...string) (<-chan string, int, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(d.bin, name), args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	cmd.Stderr = d.stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", name, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", name, err)
	}
	lines := make(chan string, 64)
	children.Go(func() {
		in := bufio.NewScanner(out)
		for in.Scan() {
			select {
			case lines <- in.Text():
			default: // nobody reads any more
			}
		}
		close(lines)
		if err := cmd.Wait(); ctx.Err() == nil {
			stop(fmt.Errorf("%s has ended: %w", name, errors.Join(err, in.Err())))
		}
	})
	return lines, cmd.Process.Pid, nil
}

// startTime is how long a program may take to say where it is.
const startTime = 2 * time.Minute

func next(ctx context.Context, lines <-chan string) (string, bool) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	select {
	case l, ok := <-lines:
		return l, ok
	case <-ctx.Done():
		return "", false
	}
}

// setupLink waits for the first administrator's link.
func setupLink(ctx context.Context, lines <-chan string) (string, error) {
	for {
		l, ok := next(ctx, lines)
		if !ok {
			return "", errors.New("fleetd: no link for the first administrator")
		}
		if l = strings.TrimSpace(l); strings.HasPrefix(l, "https://") && strings.Contains(l, "/join/") {
			return l, nil
		}
	}
}

func (d *demo) announce(w io.Writer, t told) error {
	if d.json {
		return json.NewEncoder(w).Encode(t)
	}
	fmt.Fprintf(w, "\n  La console :              %s\n  Y entrer la première fois : %s\n", t.Console, t.Setup)
	for i, k := range t.Kiosks {
		fmt.Fprintf(w, "\n  Borne %d, écran :          %s\n  Borne %d, matériel :       %s\n", i+1, k.Screen, i+1, k.Panel)
	}
	_, err := fmt.Fprintf(w, "\n  Ctrl-C pour arrêter.\n\n")
	return err
}
