// Package leftover looks for pieces of a visit in the memory of the processes
// that are left after it. It is for tests and measurements: it needs root, and
// Linux (/proc/PID/maps, pagemap and mem, proc(5)).
package leftover

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"golang.org/x/sys/unix"

	"pointnum/kiosk/browser/proc"
)

// Piece is something to look for.
type Piece struct {
	Name string // for messages
	Data []byte
}

// Text is a text in the forms in which programs hold it: UTF-8 and UTF-16.
func Text(name, text string) []Piece {
	var wide []byte
	for _, u := range utf16.Encode([]rune(text)) {
		wide = binary.LittleEndian.AppendUint16(wide, u)
	}
	return []Piece{{name, []byte(text)}, {name + " in UTF-16", wide}}
}

// Found is a piece in the memory of a process.
type Found struct {
	PID     int
	Program string // its command line, shortened
	Mapping string // what of its memory: "[heap]", a file's name, "" for memory without a name
	Piece   string
	Around  []byte // what stands there, to find out whose it is
	Times   int
}

// String is one line for a message.
func (f Found) String() string {
	return fmt.Sprintf("%s, %d times in process %d (%s) in %q: %.160q", f.Piece, f.Times, f.PID, f.Program, f.Mapping, f.Around)
}

// Processes gives those that were started with "name=value" in their
// environment and all that descend from them, but for some with theirs. A
// process belongs to another as its child or by its process group: the
// children of one that was killed have a new parent.
func Processes(name, value string, but ...int) ([]int, error) {
	all, err := proc.All()
	if err != nil {
		return nil, fmt.Errorf("leftover: %w", err)
	}
	meant := map[int]bool{}
	for pid := range all {
		env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		meant[pid] = err == nil && bytes.Contains(append([]byte{0}, env...), []byte("\x00"+name+"="+value+"\x00"))
	}
	spread(all, meant)
	not := map[int]bool{os.Getpid(): true}
	for _, pid := range but {
		not[pid] = true
		for child, p := range all {
			not[child] = not[child] || p.Parent == pid
		}
	}
	var out []int
	for pid, is := range meant {
		if is && !not[pid] && !all[pid].Dead() {
			out = append(out, pid)
		}
	}
	slices.Sort(out)
	return out, nil
}

// spread adds children and members of groups until nothing is new.
func spread(all map[int]proc.Process, meant map[int]bool) {
	for more := true; more; {
		more = false
		for pid, p := range all {
			if !meant[pid] && (meant[p.Parent] || meant[p.Group]) {
				meant[pid], more = true, true
			}
		}
	}
}

// InMemory looks for pieces in everything that a process has in memory, but
// for the programs and libraries that it has from a disk. A process that ends
// meanwhile holds nothing.
func InMemory(ctx context.Context, pid int, pieces []Piece) ([]Found, error) {
	found, err := search(ctx, pid, pieces)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) || (errors.Is(err, io.EOF) && gone(pid)) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("leftover: process %d: %w", pid, err)
	}
	return found, nil
}

// gone says whether a process has given its memory back: what was opened of it
// before ends at once then (proc(5), pagemap).
func gone(pid int) bool {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	return err != nil || len(maps) == 0
}

func search(ctx context.Context, pid int, pieces []Piece) ([]Found, error) {
	dir := fmt.Sprintf("/proc/%d/", pid)
	maps, err := os.ReadFile(dir + "maps")
	if err != nil {
		return nil, err
	}
	mem, err := os.Open(dir + "mem")
	if err != nil {
		return nil, err
	}
	defer mem.Close()
	pages, err := os.Open(dir + "pagemap")
	if err != nil {
		return nil, err
	}
	defer pages.Close()
	s := &searcher{ctx: ctx, mem: mem, pages: pages, pieces: pieces, found: map[[2]string]*Found{}}
	for line := range strings.Lines(string(maps)) {
		if err := s.mapping(line); err != nil {
			return nil, err
		}
	}
	var out []Found
	for _, f := range s.found {
		f.PID, f.Program = pid, Program(pid)
		out = append(out, *f)
	}
	slices.SortFunc(out, func(a, b Found) int { return strings.Compare(a.Mapping+a.Piece, b.Mapping+b.Piece) })
	return out, nil
}

// Program is a process's command line, without most of Chromium's flags.
func Program(pid int) string {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return "gone"
	}
	args := strings.FieldsFunc(string(raw), func(r rune) bool { return r == 0 || r == ' ' })
	if len(args) == 0 {
		return ""
	}
	name := filepath.Base(args[0])
	for _, a := range args[1:] {
		if strings.HasPrefix(a, "--type=") || strings.HasPrefix(a, "--utility-sub-type=") {
			name += " " + a
		}
	}
	return name
}

// The size of what is read at once, and how much is shown around a piece.
const (
	chunk  = 4 << 20
	around = 64
)

type searcher struct {
	ctx        context.Context
	mem, pages *os.File
	pieces     []Piece
	found      map[[2]string]*Found
	buf        []byte
}

// mapping searches what one line of maps names.
func (s *searcher) mapping(line string) error {
	f := strings.Fields(line)
	if len(f) < 5 {
		return errors.New("a line of maps is not understood")
	}
	name := strings.Join(f[min(5, len(f)):], " ")
	onDisk := f[4] != "0" && !strings.HasPrefix(name, "/dev/shm/") && !strings.HasPrefix(name, "/memfd:")
	if f[1][0] != 'r' || name == "[vvar]" || name == "[vvar_vclock]" || name == "[vsyscall]" || (onDisk && f[1][1] != 'w') {
		return nil
	}
	from, to, ok := strings.Cut(f[0], "-")
	start, err1 := strconv.ParseUint(from, 16, 64)
	end, err2 := strconv.ParseUint(to, 16, 64)
	if !ok || err1 != nil || err2 != nil {
		return errors.New("a line of maps is not understood")
	}
	return s.present(name, start, end)
}

// present searches the pages of a mapping that are there: browsers reserve
// far more than any machine has.
func (s *searcher) present(name string, start, end uint64) error {
	size := uint64(os.Getpagesize())
	const there = 1<<63 | 1<<62 // in memory, or in swap
	entries := make([]byte, 8*4096)
	for at, runStart := start, uint64(0); ; {
		n := min((end-at)/size, 4096)
		if n > 0 {
			if _, err := s.pages.ReadAt(entries[:8*n], int64(at/size*8)); err != nil {
				return err
			}
		}
		for i := range n {
			is := binary.LittleEndian.Uint64(entries[8*i:])&there != 0
			switch page := at + i*size; {
			case is && runStart == 0:
				runStart = page
			case !is && runStart != 0:
				if err := s.read(name, runStart, page); err != nil {
					return err
				}
				runStart = 0
			}
		}
		if at += n * size; at < end {
			continue
		}
		if runStart != 0 {
			return s.read(name, runStart, end)
		}
		return nil
	}
}

// read searches memory that is there, in chunks that overlap.
func (s *searcher) read(name string, start, end uint64) error {
	if s.buf == nil {
		s.buf = make([]byte, chunk)
	}
	longest := 1
	for _, p := range s.pieces {
		longest = max(longest, len(p.Data))
	}
	for at := start; at < end; {
		if s.ctx.Err() != nil {
			return context.Cause(s.ctx)
		}
		n, err := s.mem.ReadAt(s.buf[:min(chunk, end-at)], int64(at))
		if n <= 0 {
			// Gone meanwhile, or a device's: nothing that a program can read.
			if err == nil || errors.Is(err, io.EOF) || errors.Is(err, unix.EIO) || errors.Is(err, unix.EFAULT) {
				return nil
			}
			return err
		}
		s.look(name, s.buf[:n])
		if at+uint64(n) >= end || n < longest {
			return nil
		}
		at += uint64(n - longest + 1)
	}
	return nil
}

func (s *searcher) look(name string, data []byte) {
	for _, p := range s.pieces {
		for at := 0; ; {
			i := bytes.Index(data[at:], p.Data)
			if i < 0 {
				break
			}
			at += i
			key := [2]string{name, p.Name}
			if s.found[key] == nil {
				s.found[key] = &Found{Mapping: name, Piece: p.Name,
					Around: bytes.Clone(data[max(0, at-around):min(len(data), at+len(p.Data)+around)])}
			}
			s.found[key].Times++
			at += len(p.Data)
		}
	}
}
