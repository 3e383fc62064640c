package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// written is a write to a disk of sectors of 512 bytes.
type written struct {
	sector, count, flags uint64
	fill                 byte
}

// logOf makes a log as QEMU's blklogwrites does.
func logOf(t *testing.T, list ...written) *os.File {
	t.Helper()
	var b bytes.Buffer
	block := func(numbers ...uint64) {
		raw := make([]byte, 512)
		for i, n := range numbers {
			binary.LittleEndian.PutUint64(raw[8*i:], n)
		}
		b.Write(raw)
	}
	block(0x6a736677736872, 1, uint64(len(list)), 512)
	for _, w := range list {
		block(w.sector, w.count, w.flags, 0)
		if w.flags&flagDiscard == 0 {
			b.Write(bytes.Repeat([]byte{w.fill}, int(w.count)*512))
		}
	}
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestReplay(t *testing.T) {
	log := logOf(t, written{sector: 1, count: 2, fill: 'a'}, written{sector: 0, count: 4, flags: flagDiscard}, written{sector: 2, count: 2, fill: 'b'})
	list, size, err := writes(log)
	if err != nil || len(list) != 3 || size != 512 {
		t.Fatalf("%d entries of %d bytes, %v", len(list), size, err)
	}
	for _, x := range []struct {
		entries, sectors int
		want             string
	}{{0, -1, "...."}, {1, 0, "...."}, {1, 1, ".a.."}, {1, -1, ".aa."}, {2, -1, ".aa."}, {3, 1, ".ab."}, {3, -1, ".abb"}} {
		disk := filepath.Join(t.TempDir(), "disk")
		if err := os.WriteFile(disk, bytes.Repeat([]byte{'.'}, 4*512), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := apply(log, disk, list[:x.entries], size, x.sectors); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(disk)
		if err != nil {
			t.Fatal(err)
		}
		got := []byte{raw[0], raw[512], raw[1024], raw[1536]}
		if string(got) != x.want || raw[511] != raw[0] || len(raw) != 2048 {
			t.Errorf("%d writes, %d sectors of the last: %s, want %s", x.entries, x.sectors, got, x.want)
		}
	}
}

func TestMoments(t *testing.T) {
	var list []entry
	for i := range int64(300) {
		list = append(list, entry{sector: i % 3 * 100, count: 1, head: i * 1024})
	}
	r := &recorded{decide: []string{"esp"}, parts: []part{{Name: "esp", Start: 0, Size: 100}, {Name: "data", Start: 100, Size: 100}, {Name: "_empty", Start: 200, Size: 100}}, from: 30 * 1024}
	got := r.moments(list, 40)
	if again := r.moments(list, 40); !reflect.DeepEqual(got, again) {
		t.Error("not the same each time")
	}
	count, last := map[string]int{}, false
	for i, c := range got {
		if i > 0 && c.index < got[i-1].index {
			t.Error("not in the order of time")
		}
		if c.index < 30 {
			t.Errorf("write %d is of before", c.index)
		}
		count[r.region(list[c.index].sector)]++
		last = last || c.index == 297
	}
	if len(got) != 40 || count["esp"] != 28 || count["data"] != 6 || count["empty"] != 6 || !last {
		t.Errorf("%d moments: %v; the last write of the deciding kind: %v", len(got), count, last)
	}
}
