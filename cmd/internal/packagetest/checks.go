package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// convert makes a document of a page, in a room, under the agent's unit.
func (t *trial) convert(ctx context.Context, m *machine) {
	out, err := m.in(ctx, "sh", "-c", "install -d -o pointnum -g pointnum -m 700 /run/trial && install -o pointnum -g pointnum -m 600 /mnt/in.pdf /run/trial/in.pdf && systemctl start trial.service && kioskctl inspect /run/trial/out.pdf")
	if err != nil {
		log, _ := m.in(ctx, "journalctl", "--no-pager", "-u", "trial.service")
		out += log
	}
	t.check("a conversion, and the namespaces of a room, under the agent's unit", err == nil, out)
}

// rights are the capabilities of what runs: the agent's are those of its
// browser, and nothing that it started has any.
func (t *trial) rights(ctx context.Context, m *machine) {
	pid, err := m.in(ctx, "systemctl", "show", "-p", "MainPID", "--value", "kioskd")
	t.check("kioskd runs", err == nil && pid != "0", pid)
	if err := eventually(ctx, func() bool { _, err := m.in(ctx, "pgrep", "-u", "pointnum-web"); return err == nil }); err != nil {
		t.check("the web browser waits for a visitor", false, err.Error())
	}
	for what, line := range map[string]string{
		"kioskd's own":              "cat /proc/" + pid + "/status",
		"those of what opens files": "cat /proc/$(pgrep -P " + pid + " -u pointnum | head -1)/status",
		"those of the web browser":  "cat /proc/$(pgrep -u pointnum-web -o)/status",
		"those of the screen":       "cat /proc/$(pgrep -u pointnum-screen -o chromium)/status",
		"those of the X server":     "cat /proc/$(pgrep -u pointnum-screen -o Xvfb)/status",
	} {
		out, err := m.in(ctx, "sh", "-c", line)
		want := "0000000000000000"
		if strings.HasPrefix(what, "kioskd") {
			want = "00000000000000eb" // chown, dac_override, fowner, kill, setgid, setuid
		}
		f := strings.Fields(out)
		got := map[string]string{}
		for i := range len(f) - 1 {
			got[f[i]] = f[i+1]
		}
		t.check("capabilities: "+what, err == nil && got["CapEff:"] == want && got["CapPrm:"] == want &&
			got["CapAmb:"] == "0000000000000000" && got["NoNewPrivs:"] == "1" && got["Seccomp:"] == "2", out)
	}
	out, err := m.in(ctx, "sh", "-c", "stat -c '%a %U' /run/pointnum /run/pointnum/control.sock /var/lib/pointnum /etc/pointnum /run/pointnum-screen | tr '\\n' ' '")
	t.check("its folders are its own", err == nil && out == "700 pointnum 600 pointnum 700 pointnum 750 pointnum 700 pointnum-screen", out)
}

// network tries what each account reaches, on a network that answers nothing:
// what the firewall refuses ends at once.
func (t *trial) network(ctx context.Context, m *machine) {
	out, err := m.in(ctx, "sh", "-c", "ip link add trial0 type veth peer name trial1 && ip link set trial1 up && ip addr add 192.0.2.2/24 dev trial0 && ip link set trial0 up")
	if err != nil {
		t.check("a network to try", false, out)
		return
	}
	for _, c := range []struct {
		user, to string
		may      bool
	}{
		{"pointnum-web", "192.0.2.9/443", false}, {"pointnum-screen", "192.0.2.9/443", false}, {"pointnum", "192.0.2.9/443", true},
		{"pointnum", "192.0.2.9/25", false}, {"pointnum-web", "127.0.0.1/8088", true}, {"nobody", "192.0.2.9/443", false},
	} {
		var out string
		// The agent ends what of the browser's user it did not start: once more.
		for try := 0; (out == "" || strings.Contains(out, "Killed")) && try < 5; try++ {
			out, _ = m.as(ctx, c.user, "timeout 2 bash -c 'exec 3<>/dev/tcp/"+c.to+"'; echo $?")
		}
		// 1 and "refused" or "not permitted" at once; on the way out, silence or no host.
		refused := strings.Contains(out, "refused") || strings.Contains(out, "not permitted")
		what := fmt.Sprintf("%s reaches %s: %v", c.user, c.to, c.may)
		t.check(what, refused != c.may, out)
	}
}

// display tries who may draw on the screen.
func (t *trial) display(ctx context.Context, m *machine) {
	for user, may := range map[string]bool{"pointnum": true, "pointnum-web": true, "pointnum-screen": true, "nobody": false, "root": false} {
		out, err := m.as(ctx, user, "DISPLAY=:0 xset q >/dev/null")
		t.check(fmt.Sprintf("%s opens the display: %v", user, may), (err == nil) == may, out)
	}
}

// roots tries what the agent may ask root for: by whom, and that nonsense is
// told so.
func (t *trial) roots(ctx context.Context, m *machine) {
	_, err := m.as(ctx, "pointnum-web", "exec 3<>/run/pointnum-steward/power.sock || test ! -w /run/pointnum-steward/power.sock")
	t.check("nobody but the agent asks root", err == nil, "pointnum-web can write to it")
	out, err := m.as(ctx, "pointnum", "kioskctl power halt")
	t.check("root refuses what it does not know", err != nil && !strings.Contains(out, "not_responding"), out)
}

// again kills what runs: it comes back by itself.
func (t *trial) again(ctx context.Context, m *machine) {
	for _, unit := range []string{"pointnum-screen", "kioskd", "pointnum-display"} {
		before, _ := m.in(ctx, "systemctl", "show", "-p", "MainPID", "--value", unit)
		_, _ = m.in(ctx, "systemctl", "kill", "-s", "KILL", unit)
		var now string
		err := eventually(ctx, func() bool {
			now, _ = m.in(ctx, "systemctl", "show", "-p", "MainPID", "--value", unit)
			n, err := strconv.Atoi(now)
			return err == nil && n > 0 && now != before
		})
		t.check(unit+" comes back when it is killed", err == nil, now)
	}
	out, err := m.in(ctx, "kioskctl", "health", "--wait", "3m")
	t.check("health is as before", err == nil, out)
}

// scores prints how exposed each service is, and what it may touch.
func (t *trial) scores(ctx context.Context, m *machine) {
	units, err := filepath.Glob(filepath.Join(t.tree, "usr/lib/systemd/system/*pointnum*.service"))
	if err != nil {
		return
	}
	for _, path := range append(units, filepath.Join(t.tree, "usr/lib/systemd/system/kioskd.service")) {
		unit := strings.Replace(filepath.Base(path), "@.", "@x.", 1)
		out, err := m.in(ctx, "systemd-analyze", "security", "--no-pager", unit)
		lines := strings.Split(out, "\n")
		t.check(unit+strings.TrimPrefix(lines[len(lines)-1], "→ Overall exposure level for "+unit), err == nil, out)
	}
	for _, unit := range []string{"kioskd.service", "pointnum-screen.service", "pointnum-display.service", "pointnum-firewall.service"} {
		out, _ := m.in(ctx, "systemctl", "show", unit, "-p", "User,CapabilityBoundingSet,ReadWritePaths,StateDirectory,RuntimeDirectory,"+
			"ConfigurationDirectory,InaccessiblePaths,TemporaryFileSystem,BindReadOnlyPaths,DeviceAllow,RestrictAddressFamilies,RestrictNamespaces,IPAddressAllow,IPAddressDeny")
		t.say("%s may touch:\n        %s", unit, strings.ReplaceAll(out, "\n", "\n        "))
	}
}
