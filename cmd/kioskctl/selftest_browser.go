package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"pointnum/kiosk/browser/cell"
	"pointnum/kiosk/browser/egress"
	"pointnum/kiosk/browser/policy"
	"pointnum/kiosk/config"
)

// browserMemory is where browsers have their folders.
const browserMemory = "/dev/shm"

// browserTrials are what a kiosk needs to open portals. Each says what to do
// when it fails.
func browserTrials(ctx context.Context, cfg *config.Config, stderr io.Writer) []trial {
	if !cfg.Browser.On {
		return []trial{{"navigateur", func() (string, error) { return "fermé par la configuration (browser: enabled: non)", nil }}}
	}
	return []trial{
		{"navigateur", func() (string, error) { return tryChromium(ctx, cfg.Browser.Path) }},
		{"compte du navigateur", func() (string, error) { return tryAccount(cfg.Browser.User) }},
		{"règles du navigateur", func() (string, error) { return tryPolicies(cfg) }},
		{"mémoire du navigateur", func() (string, error) { return tryBrowserMemory(browserMemory) }},
		{"sortie du navigateur", func() (string, error) { return tryProxy(ctx, cfg.Browser.Proxy) }},
		{"visite du navigateur", func() (string, error) { return tryCell(ctx, cfg.Browser, stderr) }},
	}
}

func tryChromium(ctx context.Context, path string) (string, error) {
	if path == "" {
		path = "chromium"
	}
	found, err := exec.LookPath(path)
	if err != nil {
		return "", fmt.Errorf("%w : installez le paquet chromium, ou corrigez « browser: path »", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	version, err := exec.CommandContext(ctx, found, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%s ne démarre pas (%w) : réinstallez le paquet chromium", found, err)
	}
	return strings.TrimSpace(string(version)), nil
}

// tryAccount wants a user who is nobody else.
func tryAccount(name string) (string, error) {
	const howTo = "sudo adduser --system --group --home /nonexistent --no-create-home pointnum-web, puis « browser: user: pointnum-web »"
	if name == "" {
		return "", fmt.Errorf("le navigateur n’a pas de compte à lui : %s", howTo)
	}
	u, err := user.Lookup(name)
	if err != nil {
		return "", fmt.Errorf("%w : %s", err, howTo)
	}
	if uid, err := strconv.Atoi(u.Uid); err != nil || uid == 0 || uid == os.Getuid() {
		return "", fmt.Errorf("%s est le compte de la borne ou de root : %s", name, howTo)
	}
	return name, nil
}

func tryPolicies(cfg *config.Config) (string, error) {
	want, err := policies(cfg)
	if err != nil {
		return "", err
	}
	found, err := policy.CheckFolder(filepath.Dir(policy.Path), want)
	if err != nil {
		return "", fmt.Errorf("%w : kioskctl policies | sudo tee %s", err, policy.Path)
	}
	if len(found) > 0 {
		return "", fmt.Errorf("%d différences, la première : %s Refaites-les : kioskctl policies | sudo tee %s", len(found), found[0], policy.Path)
	}
	return "celles du catalogue", nil
}

func tryBrowserMemory(dir string) (string, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return "", fmt.Errorf("%s (%w) : montez-y un tmpfs", dir, err)
	}
	if st.Type != unix.TMPFS_MAGIC && st.Type != unix.RAMFS_MAGIC {
		return "", fmt.Errorf("%s n’est pas en mémoire : montez-y un tmpfs", dir)
	}
	free := int64(st.Bavail) * st.Bsize //nolint:unconvert // other types on other machines
	if st.Type == unix.TMPFS_MAGIC && free < 300e6 {
		return "", fmt.Errorf("%s n’a que %d Mo libres : il en faut 300", dir, free/1e6)
	}
	return fmt.Sprintf("%s, %d Mo libres", dir, free/1e6), nil
}

// tryProxy asks the proxy for a host that no list has.
func tryProxy(ctx context.Context, on bool) (string, error) {
	if !on {
		return "", errors.New("le navigateur va partout : remettez « browser: proxy: oui »")
	}
	p, err := egress.Listen(egress.Options{Allowed: egress.User(os.Getuid())})
	if err != nil {
		return "", fmt.Errorf("%w : l’adresse 127.0.0.1 doit être libre pour la borne (pare-feu ?)", err)
	}
	defer p.Close()
	c, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", p.Addr())
	if err != nil {
		return "", fmt.Errorf("%w : le pare-feu doit laisser la borne parler à elle-même (127.0.0.1)", err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return "", err
	}
	const host = "selftest.invalid:443"
	if _, err := fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", host, host); err != nil {
		return "", err
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusForbidden {
		return "", fmt.Errorf("un domaine qui n’est sur aucune liste a eu la réponse %d : ne servez pas de public", answer.StatusCode)
	}
	return "elle répond, et refuse ce qui n’est pas sur la liste", nil
}

// tryCell starts a browser as a visit does, and erases it.
func tryCell(ctx context.Context, b config.Browser, stderr io.Writer) (string, error) {
	if b.User != "" && os.Getuid() != 0 {
		return "", errors.New("lancez selftest avec sudo : le navigateur démarre sous son compte")
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	start := time.Now()
	c, err := cell.Start(ctx, cell.Options{Path: b.Path, User: b.User, Dir: browserMemory, Headless: true, Log: logTo(stderr)})
	if err != nil {
		return "", fmt.Errorf("il ne démarre pas (%w) : « chromium » à la main, sous ce compte, dit pourquoi", err)
	}
	up := time.Since(start)
	if err := c.Erase(ctx); err != nil {
		return "", fmt.Errorf("son effacement n’est pas prouvé (%w) : redémarrez la borne avant d’accueillir du public", err)
	}
	return fmt.Sprintf("démarré en %.1f s, effacé et vérifié", up.Seconds()), nil
}
