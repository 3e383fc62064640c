package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// entry is one write to a disk, as QEMU's blklogwrites keeps it (the format of
// Linux's dm-log-writes: a super block, then for each write a block that says
// where and how much, and the data).
type entry struct {
	sector, count int64 // of the log's sector size
	flags         uint64
	data          int64 // offset of its data in the log
	head          int64 // of itself
}

// flagDiscard says that a range was given up; it has no data.
const flagDiscard = 1 << 2

// writes reads a log.
func writes(f *os.File) (list []entry, size int64, err error) {
	var super struct {
		Magic, Version, Entries uint64
		SectorSize              uint32
	}
	if err := binary.Read(io.NewSectionReader(f, 0, 28), binary.LittleEndian, &super); err != nil {
		return nil, 0, fmt.Errorf("imagetest: the log of writes: %w", err)
	}
	size = int64(super.SectorSize)
	if size < 512 || size > 4096 {
		return nil, 0, errors.New("imagetest: no log of writes")
	}
	at := size
	for range super.Entries {
		var head [4]uint64
		if err := binary.Read(io.NewSectionReader(f, at, 32), binary.LittleEndian, &head); err != nil {
			return nil, 0, fmt.Errorf("imagetest: the log of writes: %w", err)
		}
		e := entry{int64(head[0]), int64(head[1]), head[2], at + size, at}
		at += size
		if e.flags&flagDiscard == 0 {
			at += e.count * size
		}
		list = append(list, e)
	}
	return list, size, nil
}

// cut is a moment at which the power went: all writes before one were done,
// and of that one the first sectors.
type cut struct{ index, sectors int }

// cutUpdate records every write of an update, up to the new version's
// confirmation; then it goes back to moments in it and looks what starts.
func (t *trial) cutUpdate(ctx context.Context) error {
	r, err := t.recordUpdate(ctx)
	if err != nil {
		return err
	}
	return t.replay(ctx, r, t.cuts, t.wholeVersion)
}

// cutEnrolment does so with an enrolment, and looks who the kiosk is.
func (t *trial) cutEnrolment(ctx context.Context) error {
	r, err := t.recordEnrolment(ctx)
	if err != nil {
		return err
	}
	return t.replay(ctx, r, max(t.cuts/4, 4), func(ctx context.Context, disk string, at int64) (string, error) {
		return t.keepsIdentity(ctx, r, disk, at)
	})
}

// region names what a write went to.
func (r *recorded) region(sector int64) string {
	for _, p := range r.parts {
		if sector >= p.Start && sector < p.Start+p.Size {
			return strings.TrimPrefix(p.Name, "_")
		}
	}
	return "partition table"
}

// moments chooses cuts: every kind of write, and more of those that decide
// what starts; of each kind the last ones too, where most is decided. The same
// each time.
func (r *recorded) moments(list []entry, most int) []cut {
	kinds := map[string][]cut{}
	for i, e := range list {
		if e.head < r.from || e.flags&flagDiscard != 0 || e.count == 0 {
			continue
		}
		where := r.region(e.sector)
		kinds[where] = append(kinds[where], cut{i, 0})
		if e.count > 1 {
			kinds[where] = append(kinds[where], cut{i, int(e.count / 2)})
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	names := make([]string, 0, len(kinds))
	for name := range kinds {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		cuts := kinds[name]
		last := len(cuts) - min(len(cuts), most/8)
		rng.Shuffle(last, func(i, j int) { cuts[i], cuts[j] = cuts[j], cuts[i] })
		var mixed []cut // one of the last, one of all others, and so on
		for i := range max(last, len(cuts)-last) {
			if j := len(cuts) - 1 - i; j >= last {
				mixed = append(mixed, cuts[j])
			}
			if i < last {
				mixed = append(mixed, cuts[i])
			}
		}
		kinds[name] = mixed
	}
	var out []cut
	for n := 0; len(out) < most; n++ {
		before := len(out)
		for _, name := range names {
			if decides := slices.Contains(r.decide, name); n < len(kinds[name]) && (decides || n < most/8+1) && len(out) < most {
				out = append(out, kinds[name][n])
			}
		}
		if len(out) == before {
			break
		}
	}
	slices.SortFunc(out, func(a, b cut) int { return a.index - b.index })
	return out
}

// replay starts the disk as it was at each moment, which is told as the log's
// offset. look says what came of it, in a word, and an error for what must not be.
func (t *trial) replay(ctx context.Context, r *recorded, most int, look func(ctx context.Context, disk string, at int64) (string, error)) error {
	f, err := os.Open(r.log)
	if err != nil {
		return err
	}
	defer f.Close()
	list, size, err := writes(f)
	if err != nil {
		return err
	}
	count := map[string]int{}
	for _, e := range list {
		if e.head >= r.from && e.count > 0 {
			count[r.region(e.sector)]++
		}
	}
	t.say("%s: writes %v", r.name, count)
	now := filepath.Join(t.dir, "replay.img")
	if _, err := output(ctx, "cp", "--sparse=always", r.base, now); err != nil {
		return err
	}
	defer os.Remove(now)
	done := 0
	results := map[string]int{}
	for _, c := range r.moments(list, most) {
		if err := apply(f, now, list[done:c.index], size, -1); err != nil {
			return err
		}
		done = c.index
		state := filepath.Join(t.dir, "state.img")
		if _, err := output(ctx, "cp", "--sparse=always", now, state); err != nil {
			return err
		}
		if err := apply(f, state, list[c.index:c.index+1], size, c.sectors); err != nil {
			return err
		}
		where := r.region(list[c.index].sector)
		came, err := look(ctx, state, list[c.index].head)
		if err = errors.Join(err, os.Remove(state)); err != nil {
			return fmt.Errorf("imagetest: %s, cut in write %d (%d sectors done) to %s: %w", r.name, c.index, c.sectors, where, err)
		}
		results[where+" → "+came]++
	}
	for _, what := range sorted(results) {
		t.note(fmt.Sprintf("power cut in the %s: %s", r.name, what), "ok", fmt.Sprintf("%d states", results[what]))
	}
	return nil
}

func sorted(m map[string]int) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// apply does writes on a disk; of the last one only the first sectors, unless
// that is -1.
func apply(log *os.File, disk string, list []entry, size int64, sectors int) error {
	f, err := os.OpenFile(disk, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	for i, e := range list {
		n := e.count * size
		if i == len(list)-1 && sectors >= 0 {
			n = int64(sectors) * size
		}
		if e.flags&flagDiscard != 0 || n == 0 {
			continue
		}
		if _, err := io.Copy(io.NewOffsetWriter(f, e.sector*size), io.NewSectionReader(log, e.data, n)); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return f.Close()
}

var rootHash = regexp.MustCompile(`roothash=([0-9a-f]{64})`)

// wholeVersion starts a disk as far as its loader's choice, and compares what
// that kernel will mount with the release, byte for byte.
func (t *trial) wholeVersion(ctx context.Context, disk string, _ int64) (string, error) {
	m, err := start(ctx, options{name: "state", dir: t.dir, disk: snapshot(disk), verbose: true, memory: 1024})
	if err != nil {
		return "", err
	}
	found, err := m.console.expect(rootHash.String(), 4*time.Minute)
	m.off()
	if err != nil {
		return "", err
	}
	for _, version := range []string{"1.0.0", "2.0.0"} {
		whole, known, err := t.holds(ctx, disk, version, found[1])
		switch {
		case err != nil:
			return "", err
		case known && !whole:
			return "", fmt.Errorf("starts %s, which is not whole", version)
		case known:
			return "starts a whole " + version, nil
		}
	}
	return "", fmt.Errorf("starts a system that was never made: %s", found[1])
}

// holds says whether a root hash is a version's, and whether the disk has all
// of that.
func (t *trial) holds(ctx context.Context, disk, version, hash string) (whole, known bool, err error) {
	files, err := filepath.Glob(filepath.Join(t.releaseDir(version), "pointnum_*_*"))
	if err != nil || len(files) != 2 {
		return false, false, fmt.Errorf("imagetest: %d files in the release %s, %w", len(files), version, err)
	}
	parts, err := partitions(ctx, disk)
	if err != nil {
		return false, false, err
	}
	whole = true
	for _, f := range files {
		id := filepath.Base(f)
		id = strings.TrimSuffix(strings.TrimSuffix(id[strings.LastIndex(id, "_")+1:], ".root"), ".verity")
		if !strings.Contains(hash, strings.ReplaceAll(id, "-", "")) {
			return false, false, nil
		}
		info, err := os.Stat(f)
		if err != nil {
			return false, false, err
		}
		want, err := digest(f, 0, info.Size())
		if err != nil {
			return false, false, err
		}
		at := slices.IndexFunc(parts, func(p part) bool { return strings.EqualFold(p.UUID, id) })
		if at < 0 {
			return false, true, nil
		}
		got, err := digest(disk, parts[at].Start*512, info.Size())
		if err != nil {
			return false, false, err
		}
		whole = whole && got == want
	}
	return whole, true, nil
}

func digest(path string, from, size int64) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, from, size)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// keepsIdentity starts a disk whose enrolment was cut: it comes to its end by
// itself. A kiosk that the supervision knew already is the same one again; at
// the moments before, the code was not used yet, so the state gets a fresh one.
func (t *trial) keepsIdentity(ctx context.Context, r *recorded, disk string, at int64) (string, error) {
	before, err := t.kiosks(ctx)
	if err != nil {
		return "", err
	}
	if at < r.known {
		code, err := t.code(ctx)
		if err != nil {
			return "", err
		}
		if err := putConf(ctx, disk, map[string]string{"borne.txt": fmt.Sprintf(borne, t.server, code)}); err != nil {
			return "", err
		}
	}
	m, err := start(ctx, options{name: "state", dir: t.dir, disk: snapshot(disk), screen: true, shell: true, verbose: true})
	if err != nil {
		return "", err
	}
	defer m.off()
	if err := m.ready(bootLimit); err != nil {
		return "", err
	}
	if err := t.devices(m); err != nil {
		return "", err
	}
	var id string
	if err := t.until(m, "enrolled again", func(s status) bool {
		if s.Fleet == nil || s.Fleet.Link == "down" {
			return false
		}
		id = s.Fleet.Kiosk
		return true
	}); err != nil {
		return "", err
	}
	after, err := t.kiosks(ctx)
	switch {
	case err != nil:
		return "", err
	case !slices.Contains(after, id):
		return "", fmt.Errorf("is %q, which the supervision does not know", id)
	case at >= r.known && (id != r.kiosk || len(after) != len(before)):
		return "", fmt.Errorf("was %s and is %s, of %d kiosks", r.kiosk, id, len(after))
	case at >= r.known:
		return "the same kiosk", nil
	}
	return "enrols from the start", nil
}
