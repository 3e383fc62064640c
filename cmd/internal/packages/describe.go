package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// own is the licence of the project.
const own = "AGPL-3.0-or-later"

// describe writes a program's copyright file and bill of materials.
func (j *job) describe(program string) error {
	modules, err := linked(filepath.Join(j.stage, program))
	if err != nil {
		return err
	}
	if err := j.write(program+".copyright", copyright(modules)); err != nil {
		return err
	}
	bom, err := materials(program, j.Version, j.time, modules)
	if err != nil {
		return err
	}
	return j.write(program+".cdx.json", bom)
}

// copyright is a package's copyright file in Debian's format
// (copyright-format/1.0): who may do what with each module in the program, and
// the texts that have to go with it.
func copyright(modules []module) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: pointnum\n\n")
	fmt.Fprintf(&b, "Files: *\nCopyright: the authors of pointnum\nLicense: %s\n On Debian systems, the GNU Affero General Public License is in the module\n go-fitz below, or at https://www.gnu.org/licenses/agpl-3.0.html\n", own)
	for _, m := range modules {
		fmt.Fprintf(&b, "\nFiles: %s@%s\nCopyright: see the text\nLicense: %s\n", m.Path, m.Version, strings.Join(m.Licences, " and "))
		for _, t := range m.Texts {
			fmt.Fprintf(&b, " --- %s ---\n", t.Name)
			for line := range strings.Lines(t.Body) {
				if line = strings.TrimRight(line, " \t\r\n\f"); line == "" {
					line = "."
				}
				fmt.Fprintf(&b, " %s\n", line)
			}
		}
	}
	return b.Bytes()
}

// materials is a program's bill of materials (CycloneDX 1.6, JSON).
func materials(program, version string, at time.Time, modules []module) ([]byte, error) {
	bom := cdx.NewBOM()
	ref := "pkg:generic/pointnum-" + program + "@" + version
	bom.Metadata = &cdx.Metadata{
		Timestamp: at.Format(time.RFC3339),
		Component: &cdx.Component{
			BOMRef: ref, Type: cdx.ComponentTypeApplication, Name: "pointnum-" + program, Version: version,
			Licenses: &cdx.Licenses{{License: &cdx.License{ID: own}}},
		},
	}
	var parts []cdx.Component
	var refs []string
	for _, m := range modules {
		purl := "pkg:golang/" + m.Path + "@" + m.Version
		refs = append(refs, purl)
		var licences cdx.Licenses
		for _, id := range m.Licences {
			one := &cdx.License{ID: id}
			if strings.HasPrefix(id, "GooglePatent") { // SPDX has no name for it
				one = &cdx.License{Name: id}
			}
			licences = append(licences, cdx.LicenseChoice{License: one})
		}
		parts = append(parts, cdx.Component{
			BOMRef: purl, Type: cdx.ComponentTypeLibrary, Name: m.Path, Version: m.Version, PackageURL: purl, Licenses: &licences,
		})
	}
	bom.Components, bom.Dependencies = &parts, &[]cdx.Dependency{{Ref: ref, Dependencies: &refs}}
	var b bytes.Buffer
	if err := cdx.NewBOMEncoder(&b, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom); err != nil {
		return nil, fmt.Errorf("bill of materials: %w", err)
	}
	return b.Bytes(), nil
}
