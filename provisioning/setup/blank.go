package setup

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"pointnum/kiosk/atomicfile"
)

// Blank says which secrets of the technician's file have been used.
type Blank struct {
	Code     bool `json:"code,omitempty"`
	Password bool `json:"password,omitempty"` // of the Wi-Fi
	// Technician is the code of the technician's menu.
	Technician bool `json:"technician,omitempty"`
}

// BlankFile takes used secrets out of the file in dir. Its other lines stay.
// After a power cut there is the old file or the new one; what the old one
// held on the disk is overwritten, as far as the disk keeps its word. No file,
// or none of these in it, is no error.
func BlankFile(dir string, b Blank) error {
	path := filepath.Join(dir, ConfName)
	raw, err := readSome(path, maxConf)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	text, err := BlankText(raw, b)
	if err != nil || bytes.Equal(text, raw) {
		return err
	}
	// Opened before it is replaced: its place on the disk is still ours then.
	old, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	info, err := old.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("setup: %w", err), old.Close())
	}
	// FAT takes no other mode than the one that its mount gives (fat(5)).
	if err := atomicfile.Write(path, text, info.Mode().Perm()); err != nil {
		return errors.Join(err, old.Close())
	}
	_, err = old.WriteAt(make([]byte, len(raw)), 0)
	if err = errors.Join(err, old.Sync(), old.Close()); err != nil {
		return fmt.Errorf("setup: overwrite the old %s: %w", ConfName, err)
	}
	return nil
}

// BlankText is a technician's file without what b names. Comments and the
// order of the keys stay.
func BlankText(raw []byte, b Blank) ([]byte, error) {
	text, marked := bytes.CutPrefix(raw, byteOrderMark)
	windows := bytes.Contains(text, []byte("\r\n"))
	var doc yaml.Node
	if err := yaml.Unmarshal(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), &doc); err != nil {
		return nil, fmt.Errorf("setup: %s: %w", ConfName, err)
	}
	changed := b.Code && blankAt(&doc, "fleet", "code")
	changed = b.Password && blankAt(&doc, "network", "wifi", "password") || changed
	changed = b.Technician && blankAt(&doc, "technique", "code") || changed
	if !changed {
		return raw, nil
	}
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(&doc), e.Close()); err != nil {
		return nil, fmt.Errorf("setup: %s: %w", ConfName, err)
	}
	text = out.Bytes()
	if windows {
		text = bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
	}
	if marked {
		text = append(bytes.Clone(byteOrderMark), text...)
	}
	return text, nil
}

// blankAt empties the value at a path of keys, and says whether there was one.
func blankAt(n *yaml.Node, path ...string) bool {
	if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
		n = n.Content[0]
	}
	if len(path) == 0 {
		if n.Kind != yaml.ScalarNode || n.Value == "" {
			return false
		}
		n.Value, n.Style, n.Tag = "", 0, "!!null"
		return true
	}
	if n.Kind != yaml.MappingNode {
		return false
	}
	found := false
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == path[0] {
			found = blankAt(n.Content[i+1], path[1:]...) || found
		}
	}
	return found
}
