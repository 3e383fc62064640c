package network_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/godbus/dbus/v5"
	"github.com/godbus/dbus/v5/prop"
)

// radio is iwd as far as it is spoken with (doc/station-api.txt and
// doc/network-api.txt of its source): one station and three networks. It reads
// profiles from its folder as iwd does, when a network is to be joined.
type radio struct {
	conn *dbus.Conn
	dir  string
	file string // the profile of the network that can be joined
	mu   sync.Mutex
	in   bool
}

const (
	stationPath = dbus.ObjectPath("/net/connman/iwd/0/3")
	mairiePath  = stationPath + "/4d_psk"
)

func newRadio(address, dir string) (*radio, error) {
	conn, err := dbus.Connect(address)
	if err != nil {
		return nil, err
	}
	r := &radio{conn: conn, dir: dir, file: fmt.Sprintf("=%x.psk", "Mairie Wi-Fi é")}
	if err := conn.Export(r, stationPath, "net.connman.iwd.Station"); err != nil {
		return nil, err
	}
	if _, err := prop.Export(conn, stationPath, prop.Map{"net.connman.iwd.Station": {"Scanning": {Value: false}}}); err != nil {
		return nil, err
	}
	if err := conn.Export((*connects)(r), mairiePath, "net.connman.iwd.Network"); err != nil {
		return nil, err
	}
	if err := conn.Export((*managed)(r), "/", "org.freedesktop.DBus.ObjectManager"); err != nil {
		return nil, err
	}
	if reply, err := conn.RequestName("net.connman.iwd", dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		return nil, fmt.Errorf("the name is taken: %w", err)
	}
	if err := carrier("down"); err != nil {
		return nil, err
	}
	return r, nil
}

func iwdError(name string) *dbus.Error { return dbus.NewError("net.connman.iwd."+name, nil) }

// Scan is of iwd's API.
func (r *radio) Scan() *dbus.Error { return nil }

// Disconnect is of iwd's API.
func (r *radio) Disconnect() *dbus.Error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.in {
		return iwdError("NotConnected")
	}
	r.in = false
	return carrier("down")
}

func carrier(state string) *dbus.Error {
	if out, err := exec.Command("ip", "link", "set", "point0", state).CombinedOutput(); err != nil {
		fmt.Println("radio:", err, string(out))
		return iwdError("Failed")
	}
	return nil
}

type seen struct {
	Path   dbus.ObjectPath
	Signal int16
}

// GetOrderedNetworks is of iwd's API.
func (r *radio) GetOrderedNetworks() ([]seen, *dbus.Error) {
	return []seen{{mairiePath, -5000}, {stationPath + "/6f_open", -6000}, {stationPath + "/65_8021x", -6100}, {stationPath + "/77_psk", -7000}, {"/gone", -8000}}, nil
}

type managed radio

// GetManagedObjects is D-Bus's.
func (r *managed) GetManagedObjects() (map[dbus.ObjectPath]map[string]map[string]dbus.Variant, *dbus.Error) {
	net := func(name, kind string) map[string]map[string]dbus.Variant {
		return map[string]map[string]dbus.Variant{"net.connman.iwd.Network": {"Name": dbus.MakeVariant(name), "Type": dbus.MakeVariant(kind)}}
	}
	return map[dbus.ObjectPath]map[string]map[string]dbus.Variant{
		stationPath:               {"net.connman.iwd.Station": {"State": dbus.MakeVariant("disconnected")}},
		mairiePath:                net("Mairie Wi-Fi é", "psk"),
		stationPath + "/6f_open":  net("Ouvert", "open"),
		stationPath + "/65_8021x": net("Ecole", "8021x"),
		stationPath + "/77_psk":   net("\x1b[31mRouge", "psk"),
	}, nil
}

type connects radio

// Connect is of iwd's API: the profile has to be there, with the password.
func (c *connects) Connect() *dbus.Error {
	r := (*radio)(c)
	text, err := os.ReadFile(filepath.Join(r.dir, r.file))
	if err != nil {
		return iwdError("NoAgent")
	}
	if !strings.Contains(string(text), "\nPassphrase=\\smot de\\\\passe #1\n") {
		return iwdError("Failed")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.in = true
	return carrier("up")
}
