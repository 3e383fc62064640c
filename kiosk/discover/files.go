package discover

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"pointnum/kiosk"
)

// files looks at the plugs that the kernel shows.
func (f Finder) files(context.Context) ([]candidate, error) {
	root := f.Root
	if root == "" {
		root = "/"
	}
	list := slices.Concat(usbPrinters(root), serialLines(root), gpioChips(root))
	if f.KeyDir != "" {
		if info, err := os.Stat(filepath.Join(root, f.KeyDir)); err == nil && info.IsDir() {
			list = append(list, candidate{rank: rankOther, Found: Found{Kind: kiosk.KindKey, Where: "USB",
				Spec: kiosk.Spec{Driver: "usbkey", URI: "dir:" + f.KeyDir}}})
		}
	}
	return list, nil
}

// names are the plain names in a folder, sorted; none when it is not there.
func names(dir string, word *regexp.Regexp) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var list []string
	for _, e := range entries {
		if word.MatchString(e.Name()) && len(list) < maxFound {
			list = append(list, e.Name())
		}
	}
	return list
}

// attribute reads a file of sysfs; "" when it is not there.
func attribute(path ...string) string {
	file, err := os.Open(filepath.Join(path...))
	if err != nil {
		return ""
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, 4096))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

var (
	lpWord     = regexp.MustCompile(`^lp[0-9]{1,3}$`)
	serialWord = regexp.MustCompile(`^[A-Za-z0-9._:,+@=-]{1,200}$`)
	chipWord   = regexp.MustCompile(`^gpiochip[0-9]{1,4}$`)
)

// receiptMakers are the USB vendors of which everything with a printer's
// interface is a receipt printer.
func receiptMakers() []string {
	return []string{
		"0519", // Star Micronics
		"0dd4", // Custom
		"0fe6", // ICS, in many unnamed 80 mm printers
		"0416", // Winbond, the same
		"0483", // STMicroelectronics, the same
		"0456", // Analog Devices, the same
		"1504", // Bixolon
		"154f", // SNBC
		"1d90", // Citizen
		"1fc9", // NXP, in unnamed printers
		"20d1", // Xprinter
		"28e9", // GigaDevice, in unnamed printers
		"2730", // Citizen
		"2d37", // Zjiang
		"4b43", // Caysn
		"6868", // Zjiang
	}
}

// usbPrinters are the receipt printers among those of the kernel's usblp.
// Printers that speak IPP over USB are ipp-usb's and have no such file.
func usbPrinters(root string) []candidate {
	var list []candidate
	for _, name := range names(filepath.Join(root, "sys/class/usbmisc"), lpWord) {
		port, err := filepath.EvalSymlinks(filepath.Join(root, "sys/class/usbmisc", name, "device"))
		if err != nil {
			continue
		}
		dev := filepath.Dir(port) // the interface is below its device
		id := ieee1284(attribute(port, "ieee1284_id"))
		maker, product := or(id["MFG"], attribute(dev, "manufacturer")), or(id["MDL"], attribute(dev, "product"))
		receipt, sure := isReceipt(id, strings.ToLower(attribute(dev, "idVendor")), product)
		if !receipt {
			continue
		}
		c := candidate{rank: rankOther, Found: Found{Kind: kiosk.KindReceipt, Model: model(maker, product), Where: "USB",
			Maybe: !sure, Spec: kiosk.Spec{Driver: "escpos", URI: "usb:/dev/usb/" + name}}}
		if serial := plain(attribute(dev, "serial")); len(serial) > 4 {
			c.keys = []string{"serial receipt " + serial + " " + plain(product)}
		}
		list = append(list, c)
	}
	return list
}

// ieee1284 reads what a printer says of itself: "MFG:EPSON;MDL:TM-T20III;".
func ieee1284(s string) map[string]string {
	m := map[string]string{}
	for field := range strings.SplitSeq(s, ";") {
		key, value, _ := strings.Cut(field, ":")
		switch key = strings.ToUpper(strings.TrimSpace(key)); key {
		case "MANUFACTURER":
			key = "MFG"
		case "MODEL":
			key = "MDL"
		case "COMMAND SET":
			key = "CMD"
		}
		if len(m) < 32 {
			m[key] = tidy(value)
		}
	}
	return m
}

var (
	receiptWords = regexp.MustCompile(`(?i)esc/?pos|\bepos\b|receipt|thermal|ticket|\bpos[ -]?(58|76|80)|\b(58|80) ?mm\b`)
	receiptModel = regexp.MustCompile(`(?i)^(epson )?(tm|eu)-[a-z]|^(srp|tsp|mc-print|ct-s|xp-[n0-9]|rp[ -]?[0-9]|vkp|kube|tg[0-9]|nippon np)`)
	pageWords    = regexp.MustCompile(`(?i)pcl|postscript|\bps\b|pjl|pwg|urf|apple|\bxps\b|pdf|gdi|spl|zjs|bjl|canon|escp ?l|esc/?p ?r|\bdw-|host`)
)

// isReceipt says whether a printer is one for receipts, and whether that is
// sure. What names a language of whole pages is none.
func isReceipt(id map[string]string, vendor, product string) (receipt, sure bool) {
	said := id["CMD"] + " " + id["CLS"] + " " + id["DES"] + " " + product
	switch {
	case receiptWords.MatchString(said), receiptModel.MatchString(product):
		return true, true
	case pageWords.MatchString(id["CMD"]):
		return false, false
	case slices.Contains(receiptMakers(), vendor):
		return true, true
	}
	return id["CMD"] == "", false
}

var (
	adapters    = regexp.MustCompile(`(?i)ftdi|prolific|ch34|1a86|qinheng|cp210|silicon_labs|pl2303|usb[-_.]?(to[-_.]?)?serial|moxa|microchip|xr21|exar`)
	serialPaper = regexp.MustCompile(`(?i)epson|star_micro|bixolon|citizen|custom_|snbc|xprinter|printer|receipt|thermal|\bpos[-_]?(58|80)`)
)

// serialLines are printers with a serial line over USB, and adapters that may
// lead to one. Readers, modems and boards of makers are left alone.
func serialLines(root string) []candidate {
	var list []candidate
	for _, name := range names(filepath.Join(root, "dev/serial/by-id"), serialWord) {
		sure := serialPaper.MatchString(name)
		if !sure && !adapters.MatchString(name) {
			continue
		}
		list = append(list, candidate{rank: rankOther, Found: Found{Kind: kiosk.KindReceipt, Where: "port série", Maybe: !sure,
			Model: serialModel(name), Spec: kiosk.Spec{Driver: "escpos", URI: "serial:/dev/serial/by-id/" + name}}})
	}
	return list
}

// serialModel reads udev's name of a line: "usb-MAKE_MODEL_SERIAL-if00-port0".
func serialModel(name string) string {
	name = strings.TrimPrefix(name, "usb-")
	if i := strings.LastIndex(name, "-if"); i > 0 {
		name = name[:i]
	}
	if i := strings.LastIndex(name, "_"); i > 0 {
		name = name[:i] // the serial number
	}
	return tidy(strings.ReplaceAll(name, "_", " "))
}

// gpioChips are chips with lines. Most PCs have one whose lines lead nowhere.
func gpioChips(root string) []candidate {
	var list []candidate
	for _, name := range names(filepath.Join(root, "sys/bus/gpio/devices"), chipWord) {
		driver := ""
		for _, up := range []string{"driver", "../driver", "device/driver"} {
			if to, err := os.Readlink(filepath.Join(root, "sys/bus/gpio/devices", name, up)); err == nil {
				driver = tidy(filepath.Base(to))
				break
			}
		}
		list = append(list, candidate{rank: rankOther, Found: Found{Kind: kiosk.KindSensors, Model: driver, Where: "borne",
			Maybe: true, Spec: kiosk.Spec{Driver: "gpio", URI: "gpio:" + name}}})
	}
	return list
}
