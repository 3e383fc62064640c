package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"pointnum/cmd/internal/agent"
	"pointnum/cmd/internal/cli"
	"pointnum/kiosk/config"
	"pointnum/kiosk/dispose"
	"pointnum/provisioning/enrol"
)

// The names of the image's partitions, and of the proof on KIOSK-CONF.
const (
	dataName  = "pointnum-data"
	confName  = "KIOSK-CONF"
	proofName = "PREUVE.TXT"
)

// disposal is one run of kioskctl dispose.
type disposal struct {
	config, proof string
	data, conf    string // partitions; data "" erases files
	root          string // for a trial: where those files are, instead of "/"
	disk          string // that they are on
	all, full     bool
	resumed       bool // after a power cut: there is nothing left to revoke
	stderr        io.Writer
}

// paths are what is the kiosk's on a machine that was installed by packages.
func (d *disposal) paths() []string {
	cfg := d.load()
	var out []string
	for _, p := range []string{cfg.Fleet.Dir, "/var/lib/pointnum-root", filepath.Dir(config.DefaultPath), "/var/lib/iwd", "/var/log/journal", cfg.Spool} {
		out = append(out, filepath.Join("/", d.root, p))
	}
	return out
}

func (d *disposal) load() *config.Config {
	cfg, err := config.LoadFile(filepath.Join("/", d.root, d.config))
	if err != nil { // what stands where it always stands is erased
		return config.Default()
	}
	return cfg
}

// find looks for the image's partitions: the one that is mounted on /data, and
// those beside it.
func (d *disposal) find() error {
	if d.data == "" {
		text, err := os.ReadFile("/proc/self/mounts")
		if err != nil {
			return fmt.Errorf("dispose: %w", err)
		}
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 2 && f[1] == "/data" && partName(f[0]) == dataName {
				d.data = f[0]
			}
		}
		if d.data == "" {
			if d.all {
				return errors.New("dispose: --all is for the image: this machine has another system")
			}
			return nil
		}
	}
	dir, err := filepath.EvalSymlinks("/sys/class/block/" + filepath.Base(d.data))
	if err != nil { // a file of a trial
		d.disk = d.data
		return nil
	}
	d.disk = "/dev/" + filepath.Base(filepath.Dir(dir))
	list, _ := os.ReadDir(filepath.Dir(dir))
	for _, e := range list {
		if dev := "/dev/" + e.Name(); d.conf == "" && partName(dev) == confName {
			d.conf = dev
		}
	}
	return nil
}

// partName is the name that the partition table gives a partition.
func partName(device string) string {
	b, _ := os.ReadFile("/sys/class/block/" + filepath.Base(device) + "/uevent")
	for line := range strings.Lines(string(b)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "PARTNAME="); ok {
			return name
		}
	}
	return ""
}

// run erases, and says what it did.
func (d *disposal) run(ctx context.Context) (dispose.Proof, error) {
	p := dispose.Proof{Words: 1, At: time.Now(), Version: imageVersion(), Whole: d.all, Machine: sysWords("/sys/class/dmi/id/sys_vendor",
		"/sys/class/dmi/id/product_name", "/sys/class/dmi/id/product_serial")}
	if d.disk != "" {
		base := "/sys/class/block/" + filepath.Base(d.disk) + "/device/"
		p.Disk = sysWords(base+"model", base+"serial")
	}
	if !d.resumed {
		d.revoke(ctx, &p)
	}
	if d.data == "" {
		return p, d.files(ctx, &p)
	}
	if err := dispose.Set(d.data, dispose.Mark{All: d.all}); err != nil {
		return p, err
	}
	// What is still mounted from a disk is not written any more; this program
	// may be on the disk, too, and is kept in memory.
	if err := errors.Join(unix.Mlockall(unix.MCL_CURRENT), d.freeze(ctx)); err != nil {
		return p, fmt.Errorf("dispose: %w", err)
	}
	if err := d.partitions(ctx, &p); err != nil {
		return p, err
	}
	p.Verdict = true
	if d.conf != "" && !d.all {
		return p, dispose.WriteVolume(d.conf, confName, proofName, []byte(p.Text()))
	}
	return p, nil
}

// partitions erases KIOSK-CONF, the data, and with --all the whole disk. The
// mark in the data's first block goes last.
func (d *disposal) partitions(ctx context.Context, p *dispose.Proof) error {
	erase := func(path, name string) error {
		r, err := dispose.Erase(ctx, path, dispose.Options{Name: name, Full: d.full, Tell: d.progress(name)})
		p.Regions = append(p.Regions, r)
		return err
	}
	if d.conf != "" {
		if err := erase(d.conf, confName); err != nil {
			return err
		}
		begun := fmt.Sprintf("L’effacement de cette borne a commencé le %s et n’est pas fini.\r\nRallumez-la : il continue.\r\n", p.At.Format(time.DateTime))
		if err := dispose.WriteVolume(d.conf, confName, proofName, []byte(begun)); err != nil {
			return err
		}
	}
	if err := erase(d.data, "partition de données"); err != nil || !d.all || d.disk == d.data {
		return err
	}
	return erase(d.disk, "disque entier")
}

// freezeTime is for a kernel that ends what was begun to be written.
const freezeTime = time.Minute

// freeze has the kernel write nothing more to any disk: what is mounted stays
// readable (sysrq "u"), but for the data, which ext4 would write to again once
// it finds zeros there. A file of a trial is no disk.
func (d *disposal) freeze(ctx context.Context) error {
	if info, err := os.Stat(d.data); err != nil || info.Mode().IsRegular() {
		return err
	}
	unix.Sync()
	if err := os.WriteFile("/proc/sysrq-trigger", []byte("u"), 0); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, freezeTime, errors.New("dispose: the disk is still written to"))
	defer cancel()
	for { // the kernel does it on the side
		mounts, err := os.ReadFile("/proc/self/mounts")
		if err != nil {
			return err
		}
		if len(writable(string(mounts), d.disk)) == 0 {
			return shutDown(string(mounts), d.data)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// writable are the places where a disk's partitions are mounted to be written.
func writable(mounts, disk string) (places []string) {
	for line := range strings.Lines(mounts) {
		if f := strings.Fields(line); len(f) > 3 && strings.HasPrefix(f[0], disk) && slices.Contains(strings.Split(f[3], ","), "rw") {
			places = append(places, f[1])
		}
	}
	return places
}

// shutDown has a mounted ext4 neither read nor write any more (EXT4_IOC_SHUTDOWN
// with EXT4_GOING_FLAGS_NOLOGFLUSH of linux/ext4.h). Nothing mounted: nothing to do.
func shutDown(mounts, device string) error {
	const request, noLogFlush = 0x8004587d, 2
	for line := range strings.Lines(mounts) {
		f := strings.Fields(line)
		if len(f) < 3 || f[0] != device || f[2] != "ext4" {
			continue
		}
		dir, err := os.Open(f[1])
		if err != nil {
			return err
		}
		err = unix.IoctlSetPointerInt(int(dir.Fd()), request, noLogFlush)
		return errors.Join(err, dir.Close())
	}
	return nil
}

// files erases the kiosk's files one by one. The list is read before the
// configuration is gone.
func (d *disposal) files(ctx context.Context, p *dispose.Proof) error {
	n, err := dispose.Files(ctx, nil, d.paths()...)
	p.Files, p.Verdict = n, err == nil
	return err
}

// progress tells how far it is, each time that the number changes.
func (d *disposal) progress(name string) func(string, int) {
	last := -1
	return func(part string, percent int) {
		if percent != last {
			last = percent
			fmt.Fprintf(d.stderr, "\r%s : %s %d %%   ", name, part, percent)
			if percent >= 100 {
				fmt.Fprintln(d.stderr)
			}
		}
	}
}

// revokeTime is for a supervision that does not answer.
const revokeTime = 30 * time.Second

// revoke has the supervision refuse this kiosk from now on.
func (d *disposal) revoke(ctx context.Context, p *dispose.Proof) {
	cfg := d.load()
	id, err := enrol.Load(filepath.Join("/", d.root, cfg.Fleet.Dir, "identity.json"))
	if err != nil {
		return // never enrolled, or nothing that could be revoked from here
	}
	p.Kiosk = id.Kiosk()
	ctx, cancel := context.WithTimeout(ctx, revokeTime)
	defer cancel()
	if err := agent.Resign(ctx, cfg.Fleet, id); err != nil {
		p.Why = explainShort(err)
		return
	}
	p.Revoked = true
}

// sysWords are the firmware's words, one after the other.
func sysWords(files ...string) string {
	var out []string
	for _, name := range files {
		if b, err := os.ReadFile(name); err == nil {
			out = append(out, strings.TrimSpace(string(b)))
		}
	}
	return strings.Join(out, " ")
}

// explainShort is the first line of what a technician should read.
func explainShort(err error) string {
	first, _, _ := strings.Cut(cli.Explain(err, "fr"), "\n")
	return first
}
