// Package policy makes the managed policies of the kiosk's Chromium from the
// portal catalogue, and says how an installed file differs from them. They are
// read by every Chromium of the machine, once, when it starts.
//
// Policies bind where pages may navigate and what Chromium offers. What pages
// load is bound by package egress; both lists come from the catalogue.
//
// A name or a value that Chromium does not know is ignored without a word, and
// rules move between versions: the test of this package asks a real Chromium.
package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"pointnum/kiosk/portal"
)

// Path is where Debian's Chromium looks for the file.
const Path = "/etc/chromium/policies/managed/pointnum.json"

// CanaryHost is the host of the page by which the locked browser proves its
// wipe. Nothing is ever asked of it: the agent answers in its place. The name
// is nobody's (RFC 2606).
const CanaryHost = "canary.invalid"

// Policies are policies by their names, with values as encoding/json makes
// them from a file.
type Policies map[string]any

// Make returns the policies for a catalogue. extra are further addresses that
// may be opened, in Chromium's filter format, such as the agent's own screens
// "http://127.0.0.1:8088"; a host there stands for its sub-domains, one with a
// dot before it ("https://.caf.fr") for itself only. See Filters.
func Make(c *portal.Catalogue, extra []string) Policies {
	p := fixed()
	p["URLBlocklist"] = blocked()
	p["URLAllowlist"] = allowed(c, extra)
	return p.plain()
}

// JSON returns the file to install: keys and addresses in order, so that two
// files of the same policies are the same.
func (p Policies) JSON() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(p); err != nil {
		panic("policy: encode: " + err.Error()) // a value that no file can hold: our own bug
	}
	return b.Bytes()
}

// plain gives the values the types that a file has when it is read.
func (p Policies) plain() Policies {
	var out Policies
	if err := json.Unmarshal(p.JSON(), &out); err != nil {
		panic("policy: decode: " + err.Error()) // we encoded it a line above
	}
	return out
}

// Filters gives hosts as Chromium's filters, such as those that a place adds
// to the catalogue's. A host stands for its sub-domains too.
func Filters(hosts []string) []string {
	var out []string
	for _, h := range hosts {
		// http:// is there to be turned into https:// before anything is sent
		// (HttpsOnlyMode): portals' pages still hold such links.
		out = append(out, "https://"+h, "http://"+h)
	}
	return out
}

// allowed lists what a visit to any portal may reach, as the egress proxy lets
// it: a service that no portal needs is not there.
func allowed(c *portal.Catalogue, extra []string) []string {
	out := append(slices.Clone(extra), "https://."+CanaryHost)
	out = append(out, Filters(c.Hosts(""))...) // the mailboxes, also where there is no portal
	for _, p := range c.Portals {
		out = append(out, Filters(c.Hosts(p.ID))...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Check says in a plain French sentence each how an installed file differs
// from the policies wanted; nothing when it does not.
func Check(installed []byte, want Policies) []string {
	var got Policies
	if err := json.Unmarshal(installed, &got); err != nil || got == nil {
		return []string{"Le fichier n’est pas du JSON : aucune règle n’est appliquée. Installez-le de nouveau."}
	}
	var out []string
	for _, name := range names(got, want) {
		g, installed := got[name]
		w, wanted := want[name]
		switch {
		case !wanted:
			out = append(out, fmt.Sprintf("La règle « %s » est en trop : enlevez-la.", name))
		case !installed:
			out = append(out, fmt.Sprintf("La règle « %s » manque.", name))
		case word(g) == word(w):
		default:
			out = append(out, differ(name, g, w)...)
		}
	}
	return out
}

// CheckFolder is Check for the folder that Chromium reads, usually Path's. It
// reads every file there and joins them, so that another one could loosen what
// ours says: it is a difference too.
func CheckFolder(dir string, want Policies) ([]string, error) {
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("policy: read the folder: %w", err)
	}
	name, found := filepath.Base(Path), false
	var out []string
	for _, f := range files {
		if f.Name() != name {
			out = append(out, fmt.Sprintf("Le fichier « %s » est en trop : Chromium lit tous ceux de ce dossier. Enlevez-le.", f.Name()))
			continue
		}
		found = true
		installed, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("policy: read the file: %w", err)
		}
		out = append(out, Check(installed, want)...)
	}
	if !found {
		out = append(out, fmt.Sprintf("Le fichier « %s » manque : aucune règle n’est appliquée. Installez-le.", name))
	}
	return out, nil
}

// differ tells two values of a rule apart; lists by their elements.
func differ(name string, got, want any) []string {
	g, ok1 := got.([]any)
	w, ok2 := want.([]any)
	if !ok1 || !ok2 {
		return []string{fmt.Sprintf("La règle « %s » vaut %s au lieu de %s.", name, word(got), word(want))}
	}
	var out []string
	for _, one := range without(w, g) {
		out = append(out, fmt.Sprintf("Dans la règle « %s », il manque %s.", name, one))
	}
	for _, one := range without(g, w) {
		out = append(out, fmt.Sprintf("Dans la règle « %s », %s est en trop.", name, one))
	}
	return out // the same elements in another order mean the same
}

func without(a, b []any) []string {
	have := map[string]bool{}
	for _, v := range b {
		have[word(v)] = true
	}
	var out []string
	for _, v := range a {
		if w := word(v); !have[w] {
			have[w] = true
			out = append(out, w)
		}
	}
	return out
}

func names(a, b Policies) []string {
	var out []string
	for _, p := range []Policies{a, b} {
		for name := range p {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// word writes a value as the file does.
func word(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "?" // not from a file
	}
	return string(bytes.TrimSpace(b.Bytes()))
}
