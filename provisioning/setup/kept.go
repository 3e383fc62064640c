package setup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"pointnum/kiosk"
	"pointnum/kiosk/atomicfile"
	"pointnum/kiosk/config"
)

// The files of a setup in config.Fleet.Dir.
const (
	keptFile = "setup.json"
	caFile   = "lieu.pem" // the place's certificate
)

// kept is what is on the disk of a setup under way: each finished step. The
// Wi-Fi's password and the one-time code never are.
type kept struct {
	Step    Step         `json:"step"` // to be done
	Lang    string       `json:"lang"`
	SSID    string       `json:"ssid,omitempty"`
	Links   bool         `json:"links,omitempty"` // Wi-Fi or a fixed address were asked for
	Proxy   string       `json:"proxy,omitempty"`
	Server  string       `json:"server,omitempty"`
	Alone   bool         `json:"alone,omitempty"`
	Place   config.Place `json:"place"`
	Devices []Device     `json:"devices,omitempty"`
	Blank   Blank        `json:"blank"` // could not be done yet
	// Given says that the technician's code came from the technician's file,
	// and is kept.
	Given bool `json:"given,omitempty"`
}

// Begun says whether a setup in the folder dir was begun and not finished.
func Begun(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, keptFile))
	return err == nil
}

// Begin has the kiosk set up again when it starts. Until that is done its
// configuration stays, and c, with the kinds of its devices, is what is
// proposed.
func Begin(c *config.Config, kinds func(driver string) kiosk.Kind) error {
	k := kept{Step: StepLanguage, Lang: c.Languages[0], Proxy: c.Fleet.Proxy, Server: c.Fleet.Server, Place: c.Place}
	for _, s := range c.Devices {
		k.Devices = append(k.Devices, Device{Found: Found{Spec: s, Kind: kinds(s.Driver)}, Keep: true})
	}
	return keep(c.Fleet.Dir, k)
}

func keep(dir string, k kept) error {
	b, err := json.Marshal(k)
	if err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	if err := atomicfile.Write(filepath.Join(dir, keptFile), append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	return nil
}

// save keeps what is finished.
func (f *Flow) save() error {
	return keep(f.o.Base.Fleet.Dir, kept{
		Step: f.st.Step, Lang: f.st.Lang, SSID: f.st.Network.SSID, Links: f.links, Proxy: f.network.Proxy, Server: f.st.Host.Server,
		Alone: f.st.Host.Alone, Place: f.st.Host.Place, Devices: f.st.Devices, Blank: f.blank, Given: f.given,
	})
}

// restore goes on where a former setup was cut off. What can't be read begins
// anew: everything can be asked again.
func (f *Flow) restore() error {
	if id, ok := f.o.Enrolled(); ok {
		f.st.Host.Is, f.st.Host.Server = &id, id.Server
	}
	dir := f.o.Base.Fleet.Dir
	f.ca = f.o.Base.Fleet.CA
	if _, err := os.Stat(f.caPath()); err == nil {
		f.ca = f.caPath()
	}
	if f.ca != "" {
		ca, err := readSome(f.ca, maxCA)
		if err != nil {
			f.o.Log.Warn("the place's certificate can't be read", "err", err)
			f.ca = ""
		}
		f.network.CA, f.st.Network.CA = ca, err == nil
	}
	b, err := readSome(filepath.Join(dir, keptFile), 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var k kept
	if err := json.Unmarshal(b, &k); err != nil || !slices.Contains(Steps(), k.Step) {
		f.o.Log.Warn("a setup under way can't be read: it begins anew", "err", err)
		return nil
	}
	f.st.Step, f.st.Lang, f.network.Proxy, f.links = k.Step, k.Lang, k.Proxy, k.Links
	f.st.Network.SSID, f.st.Network.Proxy = k.SSID, withoutPassword(k.Proxy)
	f.st.Host.Alone, f.st.Host.Place, f.st.Devices, f.blank = k.Alone, k.Place, k.Devices, k.Blank
	f.given = k.Given
	if k.Server != "" && f.st.Host.Is == nil {
		f.st.Host.Server = k.Server
	}
	if f.st.Host.Is == nil && !k.Alone && slices.Index(Steps(), k.Step) > slices.Index(Steps(), StepHost) {
		f.st.Step = StepHost // the identity was lost meanwhile
	}
	return nil
}

func (f *Flow) caPath() string { return filepath.Join(f.o.Base.Fleet.Dir, caFile) }

// certificates are the names of the PEM files in a folder.
func certificates(dir string) []string {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range list {
		switch strings.ToLower(filepath.Ext(e.Name())) {
		case ".pem", ".crt", ".cer":
			if !strings.HasPrefix(e.Name(), ".") && len(out) < 8 {
				out = append(out, e.Name())
			}
		}
	}
	return out
}
