package diag

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Machine is what a diagnostic is made of. The zero Machine is this one.
type Machine struct {
	Root string // "" is "/"
	// Run runs one of the system's programs and writes what it says to out;
	// nil for the real ones. It ends with ctx.
	Run func(ctx context.Context, out io.Writer, name string, args ...string) error
	// Filter is for the journal's lines.
	Filter Filter
	// Packages are the Debian packages to tell the versions of.
	Packages []string
}

func (m *Machine) path(name string) string { return filepath.Join("/", m.Root, name) }

// maxFile bounds what is read of one of the system's files, in bytes.
const maxFile = 256 << 10

func (m *Machine) read(name string) (string, error) {
	f, err := os.Open(m.path(name))
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile))
	return string(b), errors.Join(err, f.Close())
}

// word is a file of one value.
func (m *Machine) word(name string) string {
	s, err := m.read(name)
	if err != nil {
		return "?"
	}
	return Plain(s)
}

func (m *Machine) run(ctx context.Context, out io.Writer, name string, args ...string) error {
	if m.Run != nil {
		return m.Run(ctx, out, name, args...)
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "SYSTEMD_PAGER=", "SYSTEMD_COLORS=0")
	cmd.Stdout, cmd.WaitDelay = out, time.Second
	return cmd.Run()
}

// said is what a program says, when that is short.
func (m *Machine) said(ctx context.Context, name string, args ...string) (string, error) {
	var out bytes.Buffer
	err := m.run(ctx, &limited{w: &out, left: maxFile}, name, args...)
	return out.String(), err
}

// limited takes no more than left bytes and drops the rest.
type limited struct {
	w    io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	if _, err := l.w.Write(p[:n]); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Parts are those of the machine itself, in the order of the file.
func (m *Machine) Parts() []Part {
	return []Part{
		{"systeme", "Système et versions", m.system},
		{"demarrage", "Démarrage : image, emplacement, chargeur", m.boot},
		{"unites", "Services", m.units},
		{"disque-memoire", "Disques et mémoire", m.room},
		{"heure", "Heure", m.clock},
		{"reseau", "Réseau", m.network},
		{"usb", "Appareils USB (sans les clés ni les téléphones)", m.usb},
		{"noyau", "Journal du noyau (depuis le démarrage)", m.kernel},
		{"journal", "Journal depuis le démarrage", func(ctx context.Context, s *Sheet) error { return m.journal(ctx, s, "0") }},
		{"journal-avant", "Journal du démarrage d’avant", func(ctx context.Context, s *Sheet) error { return m.journal(ctx, s, "-1") }},
	}
}

// osKeys are what is told of os-release.
var osKeys = []string{"ID", "VERSION_ID", "VERSION_CODENAME", "IMAGE_ID", "IMAGE_VERSION", "BUILD_ID"}

func (m *Machine) system(ctx context.Context, s *Sheet) error {
	text, err := m.read("usr/lib/os-release")
	if err != nil {
		text, err = m.read("etc/os-release")
	}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if slices.Contains(osKeys, key) {
			s.Say("os_"+strings.ToLower(key), key, strings.Trim(value, `"'`))
		}
	}
	s.Say("kernel", "noyau", m.word("proc/sys/kernel/osrelease"))
	for _, f := range []string{"sys_vendor", "product_name", "bios_vendor", "bios_version", "bios_date"} {
		s.Say(f, f, m.word("sys/class/dmi/id/"+f))
	}
	cpu, cpuErr := m.read("proc/cpuinfo")
	for line := range strings.Lines(cpu) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			s.Say("cpu", "processeur", value)
			break
		}
	}
	s.Say("cpus", "cœurs", strings.Count(cpu, "processor\t"))
	_, tpm := os.Stat(m.path("dev/tpmrm0"))
	s.Say("tpm", "TPM 2", tpm == nil)
	return errors.Join(err, cpuErr, m.packages(ctx, s))
}

var versionWord = regexp.MustCompile(`^[a-z0-9][a-z0-9.+-]{0,60} [0-9][A-Za-z0-9.+:~-]{0,60}$`)

func (m *Machine) packages(ctx context.Context, s *Sheet) error {
	if len(m.Packages) == 0 {
		return nil
	}
	out, err := m.said(ctx, "dpkg-query", append([]string{"-W", "-f", `${Package} ${Version}\n`}, m.Packages...)...)
	found := 0
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); versionWord.MatchString(line) {
			name, version, _ := strings.Cut(line, " ")
			s.Say("package_"+name, name, version)
			found++
		}
	}
	if found > 0 {
		return nil // it also says which packages are not there
	}
	return err
}

// efiVars are the loader's words that systemd-boot keeps (the vendor is its
// own), and the firmware's.
var efiVars = map[string]string{
	"LoaderEntrySelected": "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f",
	"LoaderBootCountPath": "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f",
	"LoaderInfo":          "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f",
	"LoaderFirmwareInfo":  "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f",
	"StubInfo":            "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f",
}

var (
	slotWord = regexp.MustCompile(`^pointnum_[0-9A-Za-z.+_-]{1,80}(\.efi)?$`)
	rootWord = regexp.MustCompile(`^(roothash|usrhash)=[0-9a-f]{8,128}$`)
)

func (m *Machine) boot(ctx context.Context, s *Sheet) error {
	line, err := m.read("proc/cmdline")
	for w := range strings.FieldsSeq(line) {
		if rootWord.MatchString(w) {
			key, value, _ := strings.Cut(w, "=")
			s.Say(key, key, value)
		}
	}
	if _, err := os.Stat(m.path("sys/firmware/efi")); err != nil {
		s.Say("uefi", "UEFI", false)
	} else {
		s.Say("uefi", "UEFI", true)
		s.Say("secure_boot", "Secure Boot", strings.HasSuffix(m.efi("SecureBoot", "8be4df61-93ca-11d2-aa0d-00e098032b8c"), "\x01"))
		for _, name := range []string{"LoaderInfo", "LoaderFirmwareInfo", "StubInfo", "LoaderEntrySelected", "LoaderBootCountPath"} {
			s.Say(strings.ToLower(name), name, utf16(m.efi(name, efiVars[name])))
		}
	}
	for _, dir := range []string{"efi/EFI/Linux", "boot/EFI/Linux", "boot/efi/EFI/Linux"} {
		list, _ := os.ReadDir(m.path(dir))
		for _, e := range list {
			if slotWord.MatchString(e.Name()) {
				s.Line("noyau à choisir : %s", e.Name())
			}
		}
	}
	labels, _ := os.ReadDir(m.path("dev/disk/by-partlabel"))
	var slots []string
	for _, e := range labels {
		if slotWord.MatchString(e.Name()) {
			slots = append(slots, e.Name())
		}
	}
	s.Say("slots", "emplacements", slots)
	return err
}

// efi is a variable of the firmware without its attributes (4 bytes).
func (m *Machine) efi(name, vendor string) string {
	s, err := m.read("sys/firmware/efi/efivars/" + name + "-" + vendor)
	if err != nil || len(s) < 4 {
		return ""
	}
	return s[4:]
}

// utf16 is an ASCII text that was written in 16 bits.
func utf16(s string) string { return strings.ReplaceAll(s, "\x00", "") }

// unitKeys are what is told of each unit.
var unitKeys = []string{"LoadState", "ActiveState", "SubState", "Result", "ExecMainStatus", "NRestarts", "ActiveEnterTimestamp", "InactiveEnterTimestamp"}

var stateWord = regexp.MustCompile(`^[A-Za-z0-9 :+-]{0,60}$`)

func (m *Machine) units(ctx context.Context, s *Sheet) error {
	args := append([]string{"show", "--property=Id," + strings.Join(unitKeys, ",")}, m.Filter.Units...)
	out, err := m.said(ctx, "systemctl", args...)
	states := map[string]map[string]string{}
	for block := range strings.SplitSeq(out, "\n\n") {
		one := map[string]string{}
		for line := range strings.Lines(block) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			if key == "Id" || slices.Contains(unitKeys, key) && stateWord.MatchString(value) {
				one[key] = value
			}
		}
		id := one["Id"]
		if !slices.Contains(m.Filter.Units, id) || one["LoadState"] == "not-found" {
			continue
		}
		delete(one, "Id")
		states[id] = one
		s.Line("%s : %s (%s), résultat %s, code %s, relancé %s fois, depuis %s", id, one["ActiveState"], one["SubState"],
			one["Result"], one["ExecMainStatus"], one["NRestarts"], one["ActiveEnterTimestamp"])
	}
	s.Keep("units", states)
	return err
}

// memKeys are what is told of /proc/meminfo.
var memKeys = []string{"MemTotal", "MemAvailable", "Shmem", "SwapTotal", "SwapFree"}

func (m *Machine) room(_ context.Context, s *Sheet) error {
	for _, dir := range []string{"/", "data", "run", "conf", "efi", "var/lib/pointnum", "var/log/journal"} {
		var st unix.Statfs_t
		if err := unix.Statfs(m.path(dir), &st); err != nil {
			continue
		}
		size := uint64(st.Bsize)
		s.Line("%s : %d Mo libres de %d", filepath.Join("/", dir), st.Bavail*size>>20, st.Blocks*size>>20)
		s.Keep("free_mb "+filepath.Join("/", dir), st.Bavail*size>>20)
	}
	text, err := m.read("proc/meminfo")
	for line := range strings.Lines(text) {
		if key, value, _ := strings.Cut(line, ":"); slices.Contains(memKeys, key) {
			s.Say(strings.ToLower(key), key, value)
		}
	}
	s.Say("load", "charge", m.word("proc/loadavg"))
	s.Say("uptime", "en marche depuis (s)", m.word("proc/uptime"))
	return err
}

// clockKeys are what is told of timedatectl.
var clockKeys = []string{"Timezone", "NTP", "NTPSynchronized", "LocalRTC"}

func (m *Machine) clock(ctx context.Context, s *Sheet) error {
	s.Say("now", "heure de la borne", time.Now().Format(time.RFC3339))
	s.Say("rtc", "horloge de la machine (UTC)", m.word("sys/class/rtc/rtc0/date")+" "+m.word("sys/class/rtc/rtc0/time"))
	out, err := m.said(ctx, "timedatectl", "show")
	for line := range strings.Lines(out) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if slices.Contains(clockKeys, key) {
			s.Say(strings.ToLower(key), key, value)
		}
	}
	return err
}

var cardWord = regexp.MustCompile(`^(en|eth|wl|wwan|usb|br)[a-z0-9]{0,14}$`)

// network tells the cards, never the name of a Wi-Fi network.
func (m *Machine) network(ctx context.Context, s *Sheet) error {
	cards, err := os.ReadDir(m.path("sys/class/net"))
	for _, c := range cards {
		if !cardWord.MatchString(c.Name()) {
			continue
		}
		dir := "sys/class/net/" + c.Name() + "/"
		s.Say("card_"+c.Name(), c.Name(), m.word(dir+"operstate")+", câble "+m.word(dir+"carrier")+", "+m.word(dir+"speed")+" Mb/s")
	}
	routes, routeErr := m.read("proc/net/route")
	way := 0
	for line := range strings.Lines(routes) {
		if f := strings.Fields(line); len(f) > 1 && f[1] == "00000000" {
			way++
		}
	}
	s.Say("gateways", "passerelles", way)
	dns, _ := m.read("etc/resolv.conf")
	s.Say("dns", "serveurs de noms", strings.Count("\n"+dns, "\nnameserver "))
	return errors.Join(err, routeErr)
}

// usbKinds are the classes of interfaces that are told (USB-IF); a visitor's
// key (08) or phone (06, ff) is not.
var usbKinds = map[string]string{"01": "son", "03": "écran tactile ou clavier", "07": "imprimante", "09": "répartiteur", "0b": "lecteur de carte", "0e": "caméra"}

var usbID = regexp.MustCompile(`^[0-9a-f]{4}$`)

func (m *Machine) usb(_ context.Context, s *Sheet) error {
	list, err := filepath.Glob(m.path("sys/bus/usb/devices/*/bInterfaceClass"))
	if err != nil {
		return fmt.Errorf("diag: %w", err)
	}
	var found []string
	for _, file := range list {
		b, err := os.ReadFile(file)
		kind, ok := usbKinds[strings.TrimSpace(string(b))]
		if err != nil || !ok {
			continue
		}
		name, _, _ := strings.Cut(filepath.Base(filepath.Dir(file)), ":")
		dir := "sys/bus/usb/devices/" + name + "/"
		vendor, product := m.word(dir+"idVendor"), m.word(dir+"idProduct")
		if usbID.MatchString(vendor) && usbID.MatchString(product) {
			found = append(found, vendor+":"+product+" "+kind)
		}
	}
	slices.Sort(found)
	for _, one := range slices.Compact(found) {
		s.Line("%s", one)
	}
	s.Keep("devices", slices.Compact(found))
	return nil
}
