package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/deb"
)

// folder is where each package's description and files are.
const folder = "provisioning/image/deb"

// packed is a package that was made.
type packed struct {
	path string
	size int
	sum  string // SHA-256, hexadecimal
}

// pack makes the package that NAME.yaml of folder describes.
func (j *job) pack(name string) (packed, error) {
	cfg, err := nfpm.ParseFileWithEnvMapping(filepath.Join(folder, name+".yaml"), func(key string) string {
		return map[string]string{
			"VERSION": j.Version, "ARCH": j.Arch, "MAINTAINER": j.Maintainer, "STAGE": j.stage, "BIN": j.stage,
		}[key]
	})
	if err != nil {
		return packed{}, err
	}
	info, err := cfg.Get("deb")
	if err != nil {
		return packed{}, err
	}
	info.MTime = j.time
	info.Deb.Compression = "xz"
	if err := nfpm.PrepareForPackager(nfpm.WithDefaults(info), "deb"); err != nil {
		return packed{}, err
	}
	for _, c := range info.Contents {
		c.FileInfo.MTime = j.time
	}
	var b bytes.Buffer
	if err := deb.Default.Package(info, &b); err != nil {
		return packed{}, err
	}
	p := packed{path: filepath.Join(j.Out, deb.Default.ConventionalFileName(info)), size: b.Len(), sum: fmt.Sprintf("%x", sha256.Sum256(b.Bytes()))}
	return p, os.WriteFile(p.path, b.Bytes(), 0o644)
}
