package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// module is one that a program was linked with.
type module struct {
	Path, Version, Sum string
	Licences           []string // SPDX identifiers, sorted
	Texts              []text
}

// text is a licence or a notice as it came with the module.
type text struct{ Name, Body string }

// licenceName are the names that modules give to what has to go with them.
var licenceName = regexp.MustCompile(`(?i)^(licen[cs]e|copying|copyright|notice|patents|authors)([.\-_].*)?$`)

// chosen are the licences of modules that leave the choice.
var chosen = map[string]string{
	"kernel.org/pub/linux/libs/security/libcap/psx": "BSD-3-Clause", // or GPL-2.0
}

// enough is how much of a file has to be a licence's text for it to be one.
const enough = 60 // percent

// linked reads which modules are in a program, from the program itself, and
// their licences, from the sources it was built of.
func linked(program string) ([]module, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, err
	}
	var all []module
	var paths []string
	for _, d := range info.Deps {
		if d.Replace != nil {
			d = d.Replace
		}
		all = append(all, module{Path: d.Path, Version: d.Version, Sum: d.Sum})
		paths = append(paths, d.Path)
	}
	dirs, err := folders(paths)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if err := all[i].read(dirs[all[i].Path]); err != nil {
			return nil, fmt.Errorf("%s: %w", all[i].Path, err)
		}
	}
	std := module{Path: "std", Version: strings.TrimPrefix(info.GoVersion, "go")}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err == nil {
		err = std.read(strings.TrimSpace(string(root)))
	}
	if err != nil {
		return nil, fmt.Errorf("the library of Go: %w", err)
	}
	return append(all, std), nil
}

// folders are where the modules' sources are.
func folders(modules []string) (map[string]string, error) {
	out, err := exec.Command("go", append([]string{"list", "-m", "-json"}, modules...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	dirs := map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var m struct{ Path, Dir string }
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			return dirs, nil
		} else if err != nil {
			return nil, err
		}
		dirs[m.Path] = m.Dir
	}
}

// read collects what of a module has to go with the program. A module with no
// licence is an error: it may not be given away.
func (m *module) read(dir string) error {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		if d.IsDir() {
			if m.Path == "std" && name != "." || strings.Count(name, "/") > 3 || d.Name() == "testdata" {
				return fs.SkipDir
			}
			return nil
		}
		if !licenceName.MatchString(d.Name()) || strings.HasSuffix(d.Name(), ".go") {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		m.Texts = append(m.Texts, text{Name: name, Body: strings.TrimSpace(string(b))})
		if found := licensecheck.Scan(b); found.Percent >= enough {
			for _, one := range found.Match {
				m.Licences = append(m.Licences, one.ID)
			}
		}
		return nil
	})
	if only, known := chosen[m.Path]; known {
		m.Licences = []string{only}
	}
	slices.Sort(m.Licences)
	m.Licences = slices.Compact(m.Licences)
	if err == nil && len(m.Licences) == 0 {
		err = errors.New("no licence was found in its sources")
	}
	return err
}
