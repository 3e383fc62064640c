package peers

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Run is what one run of a program took and made.
type Run struct {
	CPU      float64  `json:"cpu"` // seconds, user and system, the whole tree of processes
	PeakKB   int64    `json:"peak_kb"`
	Wall     float64  `json:"wall"`
	Exit     int      `json:"exit"`
	TimedOut bool     `json:"timed_out,omitempty"`
	Left     int      `json:"left,omitempty"` // processes that outlived the program
	Said     string   `json:"said,omitempty"` // the end of what it wrote on stderr
	Bytes    int64    `json:"bytes"`          // of all files that it made
	Files    []string `json:"files,omitempty"`
}

// OK says whether the program ended well and made a file.
func (r *Run) OK() bool { return r.Exit == 0 && r.Bytes > 0 && !r.TimedOut }

// Runner runs methods.
type Runner struct {
	Work     string // folder of what is kept
	Measured string // the program that measures
	Env      []string
	Limit    time.Duration
	Fresh    bool // do not use what was kept

	mu    sync.Mutex
	doing map[string]*sync.Mutex // by key: two methods may be the same command
	done  map[string]*Run
}

// alone waits for others that do the same, and gives what they made.
func (r *Runner) alone(key string) (made *Run, unlock func()) {
	r.mu.Lock()
	if r.doing == nil {
		r.doing, r.done = map[string]*sync.Mutex{}, map[string]*Run{}
	}
	one := r.doing[key]
	if one == nil {
		one = new(sync.Mutex)
		r.doing[key] = one
	}
	r.mu.Unlock()
	one.Lock()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.done[key], one.Unlock
}

// Do runs a method on a job, or gives what was kept of an earlier run of the
// same program on the same bytes. Runs that failed are not kept: the machine
// may have been too busy. Job.Out is chosen here.
func (r *Runner) Do(ctx context.Context, m Method, j Job) (*Run, error) {
	key, err := r.key(m, j)
	if err != nil {
		return nil, err
	}
	made, unlock := r.alone(key)
	defer unlock()
	if made != nil {
		return made, nil
	}
	folder := filepath.Join(r.Work, "runs", key)
	kept := filepath.Join(folder, "run.json")
	if !r.Fresh {
		var run Run
		data, err := os.ReadFile(kept)
		if err == nil && json.Unmarshal(data, &run) == nil && run.OK() {
			return &run, nil
		}
	}
	// Made beside and moved in place, whole: another run may use the folder.
	if err := os.MkdirAll(filepath.Join(r.Work, "runs"), 0o755); err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	draft, err := os.MkdirTemp(filepath.Join(r.Work, "runs"), "draft-")
	if err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	defer os.RemoveAll(draft)
	run, err := r.make(ctx, m, j, draft, folder)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	if err := os.RemoveAll(folder); err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	if err := os.Rename(draft, folder); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("run: %w", err)
	}
	if r.Fresh { // else it is kept
		r.mu.Lock()
		defer r.mu.Unlock()
		r.done[key] = run
	}
	return run, nil
}

// make runs a method in the folder draft, which becomes folder.
func (r *Runner) make(ctx context.Context, m Method, j Job, draft, folder string) (*Run, error) {
	j.Out = filepath.Join(draft, "out.pdf")
	run, err := r.run(ctx, m.Args(j), draft)
	if err != nil {
		return nil, err
	}
	made, err := filepath.Glob(filepath.Join(draft, "out*"))
	if err != nil {
		return nil, err
	}
	for _, path := range made {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		run.Bytes += info.Size()
		run.Files = append(run.Files, filepath.Join(folder, filepath.Base(path)))
	}
	data, err := json.Marshal(run)
	if err != nil {
		return nil, err
	}
	return run, os.WriteFile(filepath.Join(draft, "run.json"), data, 0o644)
}

// run runs the arguments under the measuring program.
func (r *Runner) run(ctx context.Context, args []string, folder string) (*Run, error) {
	result := filepath.Join(folder, "usage.json")
	temp := filepath.Join(folder, "tmp")
	if err := os.MkdirAll(temp, 0o755); err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	defer os.RemoveAll(temp)
	seconds := strconv.FormatFloat(r.Limit.Seconds(), 'f', -1, 64)
	cmd := exec.CommandContext(ctx, r.Measured, append([]string{result, seconds}, args...)...)
	cmd.Env = append(r.Env, "TMPDIR="+temp)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("%w: %s", err, said.String())
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	data, err := os.ReadFile(result)
	if err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	var run Run
	if err := json.Unmarshal(data, &run); err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	text := strings.TrimSpace(said.String())
	run.Said = text[max(0, len(text)-300):]
	return &run, nil
}

// key names a run: the program, its options, the bytes it reads.
func (r *Runner) key(m Method, j Job) (string, error) {
	h := sha256.New()
	inputs := []string{j.In}
	if m.Files {
		inputs = j.Files
	}
	j.Out = "out.pdf"
	// The arguments without folders: the same files elsewhere are the same.
	for _, a := range m.Args(j) {
		fmt.Fprintf(h, "%s\x00", filepath.Base(a))
	}
	fmt.Fprintf(h, "%s\x00%v\x00", m.Version, r.Limit)
	for _, path := range inputs {
		sum, err := fingerprint(path)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(h, sum)
	}
	return hex.EncodeToString(h.Sum(nil)[:12]), nil
}

// fingerprint is the hash of a file's bytes.
func fingerprint(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("fingerprint: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("fingerprint: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)[:12]), nil
}

// Wrap makes the PDF that every program gets: a PDF as it is, pictures without
// loss on A4 by img2pdf. What img2pdf does not take (alpha, HEIC) is made PNG
// by ImageMagick first. The PDF is kept under the name of its bytes.
func (r *Runner) Wrap(ctx context.Context, name string, files []string) (string, error) {
	if len(files) == 1 && strings.EqualFold(filepath.Ext(files[0]), ".pdf") {
		return files[0], nil
	}
	h := sha256.New()
	for _, f := range files {
		sum, err := fingerprint(f)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(h, sum)
	}
	folder := filepath.Join(r.Work, "input", hex.EncodeToString(h.Sum(nil)[:12]))
	out := filepath.Join(folder, name+".pdf")
	if _, err := os.Stat(out); !errors.Is(err, fs.ErrNotExist) {
		return out, err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("wrap: %w", err)
	}
	part := fmt.Sprintf("%s.%d.part", out, os.Getpid())
	first := r.img2pdf(ctx, part, files)
	if first != nil {
		var plain []string
		for i, f := range files {
			png := filepath.Join(folder, fmt.Sprintf("%03d-%%03d.png", i))
			cmd := exec.CommandContext(ctx, magickProgram(), f, "-auto-orient", "-background", "white", "-alpha", "remove", "-alpha", "off", png)
			cmd.Env = r.Env
			if text, err := cmd.CombinedOutput(); err != nil {
				return "", fmt.Errorf("wrap %s: %w; then %w: %s", name, first, err, text)
			}
			pages, err := filepath.Glob(filepath.Join(folder, fmt.Sprintf("%03d-*.png", i)))
			if err != nil {
				return "", fmt.Errorf("wrap: %w", err)
			}
			plain = append(plain, pages...)
		}
		if err := r.img2pdf(ctx, part, plain); err != nil {
			return "", fmt.Errorf("wrap %s: %w", name, err)
		}
	}
	return out, os.Rename(part, out)
}

func (r *Runner) img2pdf(ctx context.Context, out string, files []string) error {
	args := append([]string{"--pagesize", "A4", "--auto-orient", "--fit", "into", "--rotation=ifvalid", "-o", out}, files...)
	if text, err := exec.CommandContext(ctx, "img2pdf", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("img2pdf: %w: %s", err, text)
	}
	return nil
}
