package diag

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"regexp"
	"strings"
)

var kernelTime = regexp.MustCompile(`^\[ *([0-9]+\.[0-9]+)\] `)

func (m *Machine) kernel(ctx context.Context, s *Sheet) error {
	return m.stream(ctx, s, func(r io.Reader, keep func(string)) (int, error) {
		hidden := 0
		in := bufio.NewScanner(r)
		in.Buffer(make([]byte, 64<<10), maxEntry)
		for in.Scan() {
			at := kernelTime.FindString(in.Text())
			if message := in.Text()[len(at):]; at != "" && kernelLine(message) {
				keep(at + message)
			} else {
				hidden++
			}
		}
		return hidden, in.Err()
	}, "dmesg", "--color=never")
}

// journalLines is how many lines of a boot's journal are read, the last ones.
const journalLines = "20000"

func (m *Machine) journal(ctx context.Context, s *Sheet, boot string) error {
	args := []string{"--boot=" + boot, "--output=json", "--no-pager", "--quiet", "--lines=" + journalLines,
		"--output-fields=MESSAGE,UNIT,_PID,_SYSTEMD_UNIT,_TRANSPORT"}
	for _, u := range m.Filter.Units {
		args = append(args, "--unit="+strings.Replace(u, "@.", "@*.", 1))
	}
	return m.stream(ctx, s, m.Filter.Read, "journalctl", args...)
}

// stream filters what a program says, and keeps the last lines that have
// room.
func (m *Machine) stream(ctx context.Context, s *Sheet, filter func(io.Reader, func(string)) (int, error), name string, args ...string) error {
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := m.run(ctx, w, name, args...)
		_ = w.Close() // never fails
		ended <- err
	}()
	var tail ring
	tail.room = s.room - 200
	hidden, err := filter(r, tail.add)
	_ = r.Close() // so that a program that is still writing ends
	err = errors.Join(err, <-ended)
	for _, line := range tail.lines {
		s.Line("%s", line)
	}
	s.Say("hidden", "lignes d’autre chose, laissées de côté", hidden)
	s.Say("dropped", "lignes plus anciennes, laissées de côté", tail.dropped)
	s.Keep("lines", len(tail.lines))
	if errors.Is(err, io.ErrClosedPipe) {
		return ctx.Err()
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && len(tail.lines) == 0 {
		return fmt.Errorf("diag: %w", fs.ErrNotExist) // no such boot is kept
	}
	return err
}

// ring holds the last lines that have room.
type ring struct {
	lines   []string
	room    int
	dropped int
}

func (r *ring) add(line string) {
	r.lines = append(r.lines, line)
	r.room -= len(line) + 1
	for r.room < 0 && len(r.lines) > 0 {
		r.room += len(r.lines[0]) + 1
		r.lines = r.lines[1:]
		r.dropped++
	}
}
