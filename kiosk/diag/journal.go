package diag

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Filter lets those lines of the journal through that can hold nothing of a
// visitor: of known units, of known shapes, every word known.
type Filter struct {
	Words   Words
	Units   []string // their own lines, and the system's about them; "x@.service" for all of that template
	Devices []string // names that the configuration gives
}

// entry is a line as "journalctl -o json" writes it. Fields that begin with
// "_" are the journal's own: no program can write them.
type entry struct {
	Time      string          `json:"__REALTIME_TIMESTAMP"` // µs
	PID       string          `json:"_PID"`
	From      string          `json:"_SYSTEMD_UNIT"`
	Transport string          `json:"_TRANSPORT"`
	About     string          `json:"UNIT"`
	Message   json.RawMessage `json:"MESSAGE"` // a list of numbers when it is no text
}

// maxEntry bounds one line of the journal's JSON, in bytes.
const maxEntry = 256 << 10

// Read reads what "journalctl -o json" writes and gives each line that passes
// to keep. It counts the others.
func (f *Filter) Read(r io.Reader, keep func(line string)) (hidden int, err error) {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 64<<10), maxEntry)
	for in.Scan() {
		if line, ok := f.Line(in.Bytes()); ok {
			keep(line)
		} else {
			hidden++
		}
	}
	if err := in.Err(); err != nil {
		return hidden, fmt.Errorf("diag: journal: %w", err)
	}
	return hidden, nil
}

// Line is one line of the journal, given as JSON, as it may be told; false
// when nothing of it may.
func (f *Filter) Line(raw []byte) (string, bool) {
	var e entry
	var message string
	if json.Unmarshal(raw, &e) != nil || json.Unmarshal(e.Message, &message) != nil {
		return "", false
	}
	us, err := strconv.ParseInt(e.Time, 10, 64)
	if err != nil {
		return "", false
	}
	at := time.UnixMicro(us).Local().Format("2006-01-02 15:04:05")
	switch {
	case e.Transport == "kernel":
		if kernelLine(message) {
			return at + " noyau " + message, true
		}
	case e.PID == "1" && f.known(e.About):
		if f.managerLine(message, e.About) {
			return at + " systemd " + instance.ReplaceAllString(description.ReplaceAllString(message, ""), "@."), true
		}
	case f.known(e.From):
		if text, ok := f.ownLine(message); ok {
			name, _, _ := strings.Cut(strings.TrimSuffix(e.From, ".service"), "@")
			return at + " " + name + " " + text, true
		}
	}
	return "", false
}

// instance is what tells one run of a template from another.
var instance = regexp.MustCompile(`@[^.]*\.`)

func (f *Filter) known(unit string) bool {
	return unit != "" && slices.Contains(f.Units, instance.ReplaceAllString(unit, "@."))
}

// managerShapes are what systemd says about a unit; %s is its name.
var managerShapes = regexp.MustCompile(`^(` + strings.Join([]string{
	`(Starting|Started|Stopping|Stopped|Finished|Reloading|Reloaded|Listening on|Closed|Failed to start) @( - .*)?\.{0,3}`,
	`@: (Main|Control) process exited, code=[a-z]+, status=[0-9]+(/[A-Za-z0-9/_]+)?`,
	`@: Failed with result '[a-z-]+'\.`,
	`@: Scheduled restart job, restart counter is at [0-9]+\.`,
	`@: (Start request repeated too quickly|Deactivated successfully|Succeeded)\.`,
	`@: (A process of this unit has been killed by the OOM killer|Watchdog timeout \(limit [0-9a-z ]+\)!)\.?`,
	`@: Consumed [0-9a-z. ]+ CPU time(, [0-9A-Za-z., ]+)?\.?`,
	`@: (State '[a-z-]+' timed out\. Killing|Killing process [0-9]+ \([a-z]+\) with signal SIG[A-Z]+)\.?`,
	`Dependency failed for @( - .*)?\.`,
}, "|") + `)$`)

// description is what follows a unit's name: the package's own words.
var description = regexp.MustCompile(` - [^.]*`)

// managerLine is whether systemd's line has a known shape.
func (f *Filter) managerLine(message, unit string) bool {
	return managerShapes.MatchString(strings.ReplaceAll(message, unit, "@")) && len(message) < 200
}

// kernelShapes are the kernel's lines that tell why a machine is unwell. A
// USB key's name and number are not among them.
var kernelShapes = regexp.MustCompile(`^(` + strings.Join([]string{
	`Linux version [0-9][0-9A-Za-z.+-]* .*`,
	`Out of memory: Killed process [0-9]+ \([a-z_-]+\).*`,
	`(blk_update_request: )?I/O error, dev (sd[a-z]|nvme[0-9]n[0-9]|mmcblk[0-9]), sector [0-9]+.*`,
	`EXT4-fs (error|warning) \(device (sd[a-z][0-9]+|nvme[0-9]n[0-9]p[0-9]+|mmcblk[0-9]p[0-9]+)\): [a-z0-9_]+:[0-9]+: .*`,
	`device-mapper: verity: .*`,
	`(usb|hub) [0-9.:-]+: (new [a-z]+-speed( Plus)? USB device number [0-9]+ using [a-z_0-9]+|USB disconnect, device number [0-9]+|over-current (condition|change)[ #0-9a-z]*|device descriptor read/[0-9a-z]+, error -[0-9]+)`,
	`mce: \[Hardware Error\]: .*`,
	`CPU[0-9]+: (Core|Package) temperature (above threshold|is above threshold|/speed normal).*`,
	`[a-z0-9]+: (link (is )?(up|down)|Link (is )?(Up|Down)).*`,
	`watchdog: .*`,
	`Kernel panic - not syncing: .*`,
	`tpm_tis [A-Z0-9:]+ .*`,
	`(Lockdown|secureboot): .*`,
}, "|") + `)$`)

func kernelLine(message string) bool {
	return len(message) < 300 && Plain(message[:min(len(message), maxPlain)]) != "?" && kernelShapes.MatchString(message)
}

// The agent's own lines are slog's text: time=… level=INFO msg="…" key=value.
var (
	numberKeys = []string{"again_in", "bytes", "count", "cut", "differences", "events", "failed", "files", "job", "missing",
		"number", "opened", "pages", "percent", "ready", "refused", "row", "sheet", "status", "took", "tries", "try"}
	wordKeys   = []string{"action", "code", "command", "kind", "phase", "proof", "reason", "result", "state", "task", "unit", "via"}
	deviceKeys = []string{"device", "id"}
	errorKeys  = []string{"err", "error"}
)

var levelWord = regexp.MustCompile(`^(DEBUG|INFO|WARN|ERROR)([+-][0-9]{1,2})?$`)

// ownLine is a line of our programs. An unknown message is hidden with all
// that belongs to it; an attribute is told when its key and value are known.
func (f *Filter) ownLine(message string) (string, bool) {
	if strings.HasPrefix(message, "panic: ") || strings.HasPrefix(message, "fatal error: ") {
		return "PANIC " + hidden, true
	}
	if m := frame.FindStringSubmatch(message); m != nil {
		return "PANIC " + m[1], true
	}
	pairs, ok := logfmt(message)
	if !ok || !levelWord.MatchString(pairs["level"]) || !f.Words[pairs["msg"]] {
		return "", false
	}
	out := []string{pairs["level"], pairs["msg"]}
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		if value, ok := f.value(key, pairs[key]); ok {
			out = append(out, key+"="+value)
		}
	}
	return strings.Join(out, " "), true
}

// frame is a function of ours in the trace of a crash.
var frame = regexp.MustCompile(`^(pointnum/[A-Za-z0-9_/.()*]{1,90})\(`)

func (f *Filter) value(key, value string) (string, bool) {
	switch {
	case slices.Contains(numberKeys, key):
		_, number := strconv.ParseFloat(value, 64)
		_, length := time.ParseDuration(value)
		_, truth := strconv.ParseBool(value)
		return value, len(value) <= 20 && (number == nil || length == nil || truth == nil)
	case slices.Contains(wordKeys, key):
		return value, f.Words[value]
	case slices.Contains(deviceKeys, key):
		return value, slices.Contains(f.Devices, value)
	case slices.Contains(errorKeys, key):
		return strconv.Quote(f.Words.Error(value)), true
	}
	return "", false
}

// logfmt takes a line of slog's TextHandler apart.
func logfmt(line string) (map[string]string, bool) {
	pairs := map[string]string{}
	for line != "" {
		key, rest, ok := strings.Cut(line, "=")
		if !ok || key == "" || strings.ContainsAny(key, " \"") {
			return nil, false
		}
		var value string
		if strings.HasPrefix(rest, `"`) {
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return nil, false
			}
			if value, err = strconv.Unquote(quoted); err != nil {
				return nil, false
			}
			rest = rest[len(quoted):]
			if rest != "" && rest[0] != ' ' {
				return nil, false
			}
			line = strings.TrimPrefix(rest, " ")
		} else {
			value, line, _ = strings.Cut(rest, " ")
		}
		if _, twice := pairs[key]; twice {
			return nil, false
		}
		pairs[key] = value
	}
	return pairs, len(pairs) > 0
}
