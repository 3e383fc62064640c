// Package speech reads text aloud with espeak-ng, for visitors who do not read
// well. What is read may be a page of theirs: it goes to the program's standard
// input, so that it is in no file, no list of processes and no log, and the
// program ends with the reading.
package speech

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"pointnum/kiosk"
)

// MaxText is how much is read at once, in bytes; what is longer is cut at the
// end of a word.
const MaxText = 16_000

// speed is in words a minute: slower than the program's own 175.
const speed = "145"

// ErrSilent means that the kiosk can't be heard: it has no sound device that we
// may open.
var ErrSilent = errors.New("speech: no sound device")

// Options say how text is read. The zero value is a kiosk's.
type Options struct {
	Path    string    // the program; "" is espeak-ng from PATH
	Devices string    // pattern of the sound devices; "" is ALSA's
	Output  io.Writer // gets the sound as WAV instead of a device; nil none
}

// Voice reads. It may be used from any goroutine.
type Voice struct {
	path      string
	output    io.Writer
	languages []string // that the program knows
}

// without are languages which are written without most of their vowels, or
// without spaces: what the program makes of them nobody understands.
var without = [...]string{"ar", "fa", "he", "ur", "ps", "cmn", "zh", "yue", "hak", "ja", "th"}

// New finds the program and something to hear it by: ErrSilent when there is
// nothing, else what is wrong with the program.
func New(ctx context.Context, o Options) (*Voice, error) {
	if o.Path == "" {
		o.Path = "espeak-ng"
	}
	path, err := exec.LookPath(o.Path)
	if err != nil {
		return nil, fmt.Errorf("speech: %w", err)
	}
	if o.Output == nil && !audible(o.Devices) {
		return nil, ErrSilent
	}
	v := &Voice{path: path, output: o.Output}
	var list bytes.Buffer
	if err := v.run(ctx, &list, "", "--voices"); err != nil {
		return nil, err
	}
	v.languages = languages(list.String())
	if len(v.languages) == 0 {
		return nil, errors.New("speech: the program names no language")
	}
	return v, nil
}

// audible looks for a device that plays and that is ours to open.
func audible(pattern string) bool {
	if pattern == "" {
		pattern = "/dev/snd/pcmC*D*p"
	}
	found, _ := filepath.Glob(pattern) // what is no pattern finds nothing
	return slices.ContainsFunc(found, func(path string) bool { return unix.Access(path, unix.W_OK) == nil })
}

// languages reads the table of the program's voices: the second word of each
// line but the first.
func languages(table string) []string {
	var out []string
	for i, line := range strings.Split(table, "\n") {
		if f := strings.Fields(line); i > 0 && len(f) > 1 {
			out = append(out, f[1])
		}
	}
	return out
}

// voice is the program's name of a language (BCP 47); "" when it can't be read.
func (v *Voice) voice(lang string) string {
	lang = strings.ToLower(lang)
	base, _, _ := strings.Cut(lang, "-") // "fr" names no region
	if slices.Contains(without[:], base) {
		return ""
	}
	for _, want := range []string{lang, base} {
		for _, have := range v.languages {
			if want != "" && (have == want || strings.HasPrefix(have, want+"-")) {
				return have
			}
		}
	}
	return ""
}

// Speaks says whether a text in a language (BCP 47) can be understood.
func (v *Voice) Speaks(lang string) bool { return v.voice(lang) != "" }

// Say reads a text aloud and returns when it was read, or when ctx ends: then
// it is quiet at once. A language that it does not speak is read as French,
// which portals are written in. Errors hold nothing of the text.
func (v *Voice) Say(ctx context.Context, text, lang string) error {
	text = clean(text)
	if text == "" {
		return nil
	}
	voice := v.voice(lang)
	if voice == "" {
		voice = v.voice("fr")
	}
	args := []string{"--stdin", "-b", "1", "-s", speed, "-v", voice}
	if v.output != nil {
		args = append(args, "--stdout")
	}
	return v.run(ctx, v.output, text, args...)
}

// run runs the program. A reading dies with the agent.
func (v *Voice) run(ctx context.Context, out io.Writer, text string, args ...string) error {
	cmd := exec.CommandContext(ctx, v.path, args...)
	// No home: a sound server would leave its cookie there.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "HOME=/nonexistent"}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		cmd.Env = append(cmd.Env, "XDG_RUNTIME_DIR="+dir)
	}
	cmd.Dir = "/"
	cmd.Stdin, cmd.Stdout = strings.NewReader(text), out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = 2 * time.Second
	ended := make(chan error)
	go func() {
		// The death of the thread that started it is what Pdeathsig means.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		ended <- cmd.Run()
	}()
	err := <-ended
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return &kiosk.Error{Code: kiosk.CodeInternal, Op: "speech: read aloud", Err: err}
	}
	return nil
}

// clean takes out what would be a command to the program, and what is too
// much.
func clean(text string) string {
	text = strings.Map(func(c rune) rune {
		switch {
		case c == '\n':
			return c
		case c < ' ' || c == 0x7f || c == '\uFFFD':
			return ' '
		}
		return c
	}, strings.ToValidUTF8(text, " "))
	if len(text) > MaxText {
		text = strings.ToValidUTF8(text[:MaxText], "")
		if i := strings.LastIndexAny(text, " \n"); i > 0 {
			text = text[:i]
		}
	}
	return strings.TrimSpace(strings.ReplaceAll(text, "[[", "[")) // else sounds, not letters
}
