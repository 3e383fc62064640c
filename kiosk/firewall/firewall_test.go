package firewall_test

import (
	"os/exec"
	"strings"
	"testing"

	"pointnum/kiosk"
	"pointnum/kiosk/config"
	"pointnum/kiosk/firewall"
)

// check has nft read the rules, without putting them in place.
func check(t *testing.T, rules string) {
	t.Helper()
	path, err := exec.LookPath("nft")
	if err != nil {
		path = "/usr/sbin/nft" // not on everybody's PATH
	}
	cmd := exec.CommandContext(t.Context(), path, "-c", "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("nft (missing: make deps): %v\n%s\n%s", err, out, rules)
	}
}

func TestKioskReachesWhatItsConfigurationNames(t *testing.T) {
	c := config.Default()
	c.Fleet.Server = "https://bornes.exemple.fr:8443"
	c.Fleet.Proxy = "http://u:p@proxy.exemple.fr:3128"
	c.Phone.Relay = "https://telephone.exemple.fr"
	c.Devices = []kiosk.Spec{
		{ID: "a", Driver: "escl", URI: "http://192.0.2.5/eSCL"},
		{ID: "b", Driver: "ipp", URI: "ipp://[2001:db8::6]/ipp/print"},
		{ID: "c", Driver: "escpos", URI: "tcp://recus.local:9100"},
		{ID: "d", Driver: "escpos", URI: "usb:/dev/usb/lp0"},
		{ID: "e", Driver: "ipp", URI: "ipp://127.0.0.1:60000/ipp/print"},
		{ID: "f", Driver: "usbkey", URI: "dir:/run/pointnum-keys"},
	}
	rules := firewall.Rules(c, firewall.KioskUsers)
	check(t, rules)
	for _, want := range []string{
		"meta skuid { 971, 972 } counter reject\n",
		"meta skuid 970 ip daddr 192.0.2.5 tcp dport 80 accept\n",
		"meta skuid 970 ip6 daddr 2001:db8::6 tcp dport 631 accept\n",
		"192.168.0.0/16 } tcp dport 9100 accept\n",
		"meta skuid { 0, 970 } tcp dport { 443, 3128, 8443 } accept\n",
	} {
		if !strings.Contains(rules, want) {
			t.Errorf("not there: %s", want)
		}
	}
	for _, no := range []string{"60000", "exemple", "u:p", "log"} {
		if strings.Contains(rules, no) {
			t.Errorf("%q is there", no)
		}
	}
	if web, agent := strings.Index(rules, "{ 971, 972 }"), strings.Index(rules, "{ 0, 970 }"); web > agent {
		t.Error("the browser is stopped too late")
	}
}

func TestKioskWithoutConfiguration(t *testing.T) {
	rules := firewall.Rules(config.Default(), firewall.KioskUsers)
	check(t, rules)
	if !strings.Contains(rules, "tcp dport { 443 } accept") || strings.Count(rules, "970") != 2 {
		t.Errorf("it reaches more than the web:\n%s", rules)
	}
}

// Before anybody said where its devices are, a kiosk looks for them: its agent,
// and nobody else.
func TestKioskThatIsBeingSetUp(t *testing.T) {
	rules := firewall.Setup(config.Default(), firewall.KioskUsers)
	check(t, rules)
	open := strings.Index(rules, "meta skuid 970 meta l4proto tcp accept\n")
	if web := strings.Index(rules, "{ 971, 972 } counter reject"); open < 0 || web < 0 || web > open {
		t.Errorf("not only the agent may look:\n%s", rules)
	}
}

// A configuration is a technician's file: whatever it holds, nft gets rules.
func FuzzDeviceAddresses(f *testing.F) {
	for _, s := range []string{"http://192.0.2.5/eSCL", "ipp://[fe80::1%25eth0]:631/", "tcp://a\n} b:9100", "usb:/dev/usb/lp0", "http://[::ffff:192.0.2.1]:80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		c := config.Default()
		c.Devices = []kiosk.Spec{{ID: "a", URI: uri}}
		c.Fleet.Proxy = uri
		rules := firewall.Rules(c, firewall.KioskUsers)
		plain := firewall.Rules(config.Default(), firewall.KioskUsers)
		if strings.Count(rules, "\n") > strings.Count(plain, "\n")+2 || strings.Count(rules, "}") > strings.Count(plain, "}")+2 {
			t.Errorf("%q got into the rules:\n%s", uri, rules)
		}
	})
}
