package diag

import (
	_ "embed"
	"strings"
	"syscall"
)

//go:embed words.txt
var wordsText string

// Words are the messages, causes and codes that the kiosk's programs write:
// constants of their source. The list is words.txt; a test compares it with
// the source.
type Words map[string]bool

// NewWords reads the list, and adds what the system says of its own errors.
func NewWords() Words {
	w := Words{}
	for line := range strings.Lines(wordsText) {
		w[strings.TrimSuffix(line, "\n")] = true
	}
	for n := range syscall.Errno(134) {
		w[n.Error()] = true
	}
	for _, s := range []string{
		"EOF", "unexpected EOF", "context deadline exceeded", "context canceled", "i/o timeout",
		"file already closed", "signal: killed", "signal: terminated", "broken pipe", "no such host",
	} {
		w[s] = true
	}
	return w
}

// hidden stands where a word was that is not known.
const hidden = "…"

// Error is an error's text with only what is known of it: "open …: permission
// denied".
func (w Words) Error(text string) string {
	var out []string
	for one := range strings.SplitSeq(text, ": ") {
		one = strings.TrimSpace(one)
		if !w[one] {
			// "read tcp 192.0.2.1:40→…" and "open /a/b" begin with what was done.
			one = hidden
		}
		if one != hidden || len(out) == 0 || out[len(out)-1] != hidden {
			out = append(out, one)
		}
	}
	return strings.Join(out, ": ")
}

// CleanError is Words.Error with the list that comes with the program.
func CleanError(text string) string { return NewWords().Error(text) }
