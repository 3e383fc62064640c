package network_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning/setup"
	"pointnum/provisioning/setup/network"
)

// insideEnv tells the test's program that it runs in its own namespaces, with
// its own network, /sys and /etc/systemd/network.
const insideEnv = "POINTNUM_NETWORK_INSIDE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(insideEnv); dir != "" {
		if err := inside(dir); err != nil {
			fmt.Println("FAILED:", err)
			os.Exit(1)
		}
		fmt.Println("DONE")
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// The real systemd-networkd, on a bus of its own, applies what Root writes in
// a network of its own; iwd, which needs a radio, is played by radio.
func TestSettingsAreAppliedOrTakenBack(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--", os.Args[0])
	cmd.Env = append(os.Environ(), insideEnv+"="+t.TempDir())
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "DONE") {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, bad := range []string{"Unknown", "Failed to parse", "Invalid", "ignoring", passphrase} {
		if strings.Contains(string(out), bad) {
			t.Errorf("%q in\n%s", bad, out)
		}
	}
}

const passphrase = ` mot de\passe #1`

// world is what the test's program set up inside.
type world struct {
	root  network.Root
	radio *radio
	log   *bytes.Buffer
}

func inside(dir string) error {
	if err := mounts(dir); err != nil {
		return err
	}
	bus, end, err := managers(dir)
	if err != nil {
		return err
	}
	defer end()
	iwd := filepath.Join(dir, "iwd")
	w := world{log: &bytes.Buffer{}}
	w.radio, err = newRadio(bus, iwd)
	if err != nil {
		return err
	}
	w.root = network.Root{Keep: filepath.Join(dir, "keep"), Networkd: "/etc/systemd/network", IWD: iwd, Bus: bus, Sys: filepath.Join(dir, "sys"),
		Cables: "Name=cable0", Radios: "Name=radio0", Wait: 30 * time.Second, Settle: 300 * time.Millisecond, Log: slog.New(slog.NewTextHandler(w.log, nil))}
	for _, step := range []struct {
		name string
		do   func(world) error
	}{
		{"dhcp", dhcp}, {"static", static}, {"networks in reach", reach}, {"absent network", absent}, {"wrong password", wrong},
		{"wi-fi", wifi}, {"cable without a link", unplugged}, {"asker gone", gone}, {"restore", restore}, {"back to the cable", back},
	} {
		start := time.Now()
		if err := step.do(w); err != nil {
			return fmt.Errorf("%s: %w\n%s", step.name, err, w.log)
		}
		fmt.Printf("%s: %.1f s\n", step.name, time.Since(start).Seconds())
	}
	if strings.Contains(w.log.String(), passphrase) || strings.Contains(w.log.String(), "Mairie") {
		return fmt.Errorf("the log tells: %s", w.log)
	}
	return nil
}

// mounts hides the machine's own settings, and makes links: a cable and a
// radio, each with the far end that plays the place's router.
func mounts(dir string) error {
	err := errors.Join(
		syscall.Mount("sysfs", "/sys", "sysfs", syscall.MS_RDONLY, ""), // no udev: links are ready at once
		os.MkdirAll("/etc/systemd/network", 0o755), syscall.Mount("tmpfs", "/etc/systemd/network", "tmpfs", 0, ""),
		os.MkdirAll("/run/systemd", 0o755), syscall.Mount("tmpfs", "/run/systemd", "tmpfs", 0, ""))
	if err != nil {
		return err
	}
	for _, args := range []string{"link set lo up", "link add cable0 type veth peer name router0", "link add radio0 type veth peer name point0", "link set router0 up"} {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", args, err, out)
		}
	}
	// A radio is one by what the kernel says of it.
	for link, uevent := range map[string]string{"cable0": "INTERFACE=cable0\n", "radio0": "DEVTYPE=wlan\nINTERFACE=radio0\n"} {
		at := filepath.Join(dir, "sys/class/net", link)
		if err := errors.Join(os.MkdirAll(at, 0o755), os.WriteFile(filepath.Join(at, "uevent"), []byte(uevent), 0o600),
			os.Symlink("/sys/class/net/"+link+"/type", filepath.Join(at, "type")),
			os.Symlink("/sys/class/net/"+link+"/carrier", filepath.Join(at, "carrier"))); err != nil {
			return err
		}
	}
	for link, own := range map[string]string{"router0": "10.9.0.1/24", "point0": "10.8.0.1/24"} {
		text := "[Match]\nName=" + link + "\n[Network]\nAddress=" + own + "\nDHCPServer=yes\nConfigureWithoutCarrier=yes\nIPv6AcceptRA=no\nLinkLocalAddressing=no\n"
		if err := os.WriteFile("/etc/systemd/network/05-"+link+".network", []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth><policy context="default">
<allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/><allow user="*"/></policy></busconfig>`

// managers starts a bus and systemd-networkd.
func managers(dir string) (string, func(), error) {
	// networkd changes its user: the way to the bus is open to all.
	socket := filepath.Join("/run/systemd", "bus")
	conf := filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, busConfig, socket), 0o600); err != nil {
		return "", nil, err
	}
	address := "unix:path=" + socket
	var started []*exec.Cmd
	end := func() {
		for _, c := range started {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	}
	run := func(name string, args ...string) error {
		c := exec.Command(name, args...)
		c.Env = append(os.Environ(), "DBUS_SYSTEM_BUS_ADDRESS="+address, "SYSTEMD_LOG_TARGET=console", "SYSTEMD_LOG_LEVEL=info")
		c.Stdout, c.Stderr = os.Stdout, os.Stdout
		if err := c.Start(); err != nil {
			return err
		}
		started = append(started, c)
		return nil
	}
	if err := run("dbus-daemon", "--nofork", "--config-file="+conf); err != nil {
		return "", end, err
	}
	if err := until(func() bool { _, err := os.Stat(socket); return err == nil }); err != nil {
		return "", end, fmt.Errorf("dbus-daemon: %w", err)
	}
	if err := os.Chmod(socket, 0o666); err != nil {
		return "", end, err
	}
	if err := run("/lib/systemd/systemd-networkd"); err != nil {
		return "", end, err
	}
	return address, end, until(func() bool { return addressOf("router0") == "10.9.0.1/24" })
}

func until(done func() bool) error {
	for deadline := time.Now().Add(40 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			return errors.New("not in time")
		}
	}
	return nil
}

func addressOf(link string) string {
	i, err := net.InterfaceByName(link)
	if err != nil {
		return ""
	}
	addrs, _ := i.Addrs()
	for _, a := range addrs {
		if strings.Contains(a.String(), ".") {
			return a.String()
		}
	}
	return ""
}

func (w world) apply(c network.Change) error {
	raw, err := json.Marshal(network.Request{Do: "apply", Network: &c})
	if err != nil {
		return err
	}
	_, err = w.root.Answer(context.Background(), raw)
	return err
}

func dhcp(w world) error {
	if err := w.apply(network.Change{}); err != nil {
		return err
	}
	if got := addressOf("cable0"); !strings.HasPrefix(got, "10.9.0.") {
		return fmt.Errorf("address %q", got)
	}
	for path, want := range map[string]fs.FileMode{w.root.Keep: 0o700 | fs.ModeDir, filepath.Join(w.root.Keep, "network.json"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			return fmt.Errorf("%s: %v, %w", path, info.Mode(), err)
		}
	}
	// The same again changes nothing and is quick.
	start := time.Now()
	if err := w.apply(network.Change{}); err != nil || time.Since(start) > 20*time.Second {
		return fmt.Errorf("again: %w after %v", err, time.Since(start))
	}
	return nil
}

func fixed(address, gateway string) *setup.Static {
	return &setup.Static{Address: address, Gateway: gateway, DNS: []string{gateway}}
}

func static(w world) error {
	if err := w.apply(network.Change{Address: fixed("10.9.0.77/24", "10.9.0.1")}); err != nil {
		return err
	}
	if got := addressOf("cable0"); got != "10.9.0.77/24" {
		return fmt.Errorf("address %q", got)
	}
	out, err := exec.Command("ip", "route", "show", "default").Output()
	if err != nil || !strings.Contains(string(out), "via 10.9.0.1 dev cable0") {
		return fmt.Errorf("%w: routes %s", err, out)
	}
	return nil
}

func reach(w world) error {
	list, err := w.root.WiFi(context.Background())
	if err != nil {
		return err
	}
	want := []setup.AccessPoint{{SSID: "Mairie Wi-Fi é", Signal: 66, Secured: true}, {SSID: "Ouvert", Signal: 50}}
	if fmt.Sprint(list) != fmt.Sprint(want) {
		return fmt.Errorf("in reach %v, want %v", list, want)
	}
	return nil
}

// still says whether the settings from before hold.
func (w world) still(err error, want kiosk.Code) error {
	if kiosk.CodeOf(err) != want {
		return fmt.Errorf("got %v, want %q", err, want)
	}
	if err := until(func() bool { return addressOf("cable0") == "10.9.0.77/24" }); err != nil {
		return fmt.Errorf("not back: %w", err)
	}
	if left, _ := filepath.Glob(filepath.Join(w.root.IWD, "*")); len(left) > 0 {
		return fmt.Errorf("left %v", left)
	}
	return nil
}

func choice(ssid, password string) network.Change {
	return network.Change{WiFi: &setup.WiFiChoice{SSID: ssid, Password: password}}
}

func absent(w world) error {
	w.root.Wait = 2 * time.Second
	return w.still(w.apply(choice("Nowhere", passphrase)), network.CodeWiFiAbsent)
}

func wrong(w world) error {
	return w.still(w.apply(choice("Mairie Wi-Fi é", "not the password")), network.CodeWiFiPassword)
}

func wifi(w world) error {
	if err := w.apply(choice("Mairie Wi-Fi é", passphrase)); err != nil {
		return err
	}
	if got := addressOf("radio0"); !strings.HasPrefix(got, "10.8.0.") {
		return fmt.Errorf("address %q", got)
	}
	info, err := os.Stat(filepath.Join(w.root.IWD, w.radio.file))
	if err != nil || info.Mode() != 0o600 {
		return fmt.Errorf("%v, %w", info, err)
	}
	return nil
}

// joined says whether the radio is in its network again.
func (w world) joined(err error, want kiosk.Code) error {
	if kiosk.CodeOf(err) != want {
		return fmt.Errorf("got %v, want %q", err, want)
	}
	if err := until(func() bool { return strings.HasPrefix(addressOf("radio0"), "10.8.0.") }); err != nil {
		return fmt.Errorf("not back: %w", err)
	}
	_, err = os.Stat(filepath.Join(w.root.IWD, w.radio.file))
	return err
}

func unplugged(w world) error {
	w.root.Wait = 2 * time.Second
	if out, err := exec.Command("ip", "link", "set", "router0", "down").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return w.joined(w.apply(network.Change{Address: fixed("10.9.0.78/24", "10.9.0.1")}), kiosk.CodeNoNetwork)
}

func gone(w world) error {
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() {
		_ = until(func() bool { return addressOf("radio0") == "" })
		cancel()
	})
	err := w.root.Apply(ctx, network.Change{Address: fixed("10.9.0.79/24", "10.9.0.1")})
	work.Wait()
	// The asker may leave while the managers are asked, or while an address is waited for.
	if kiosk.CodeOf(err) == kiosk.CodeNotResponding && errors.Is(err, context.Canceled) {
		return w.joined(err, kiosk.CodeNotResponding)
	}
	return w.joined(err, kiosk.CodeNoNetwork)
}

// restore is what a start of the image does: nothing is left but what is kept.
func restore(w world) error {
	before := folders(w)
	for path := range before {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	if err := w.root.Restore(); err != nil {
		return err
	}
	if after := folders(w); fmt.Sprint(after) != fmt.Sprint(before) || len(after) != 3 {
		return fmt.Errorf("restored %v, want %v", after, before)
	}
	return nil
}

func folders(w world) map[string]string {
	found := map[string]string{}
	for _, pattern := range []string{w.root.Networkd + "/10-pointnum-*", w.root.IWD + "/*"} {
		list, _ := filepath.Glob(pattern)
		for _, path := range list {
			b, _ := os.ReadFile(path)
			found[path] = string(b)
		}
	}
	return found
}

func back(w world) error {
	if out, err := exec.Command("ip", "link", "set", "router0", "up").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	if err := w.apply(network.Change{Address: fixed("10.9.0.77/24", "10.9.0.1")}); err != nil {
		return err
	}
	return w.still(nil, "")
}
