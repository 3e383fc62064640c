package agent_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"pointnum/cmd/internal/agent"
	"pointnum/drivers/drivertest"
	"pointnum/kiosk"
	"pointnum/kiosk/steward"
)

// A kiosk that was started from a stick offers the disks of the machine, and
// root is asked for the one that was chosen.
func TestAStickOffersTheMachinesDisks(t *testing.T) {
	sys, parts, dir := t.TempDir(), t.TempDir(), t.TempDir()
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	disk := func(name, under, model string, partitions ...string) {
		t.Helper()
		at := filepath.Join(sys, "devices", under, "block", name)
		write(filepath.Join(at, "size"), "500000000")
		write(filepath.Join(at, "device/model"), model)
		for _, p := range partitions {
			write(filepath.Join(at, p, "partition"), "1")
		}
		if err := os.MkdirAll(filepath.Join(sys, "block"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(at, filepath.Join(sys, "block", name)); err != nil {
			t.Fatal(err)
		}
	}
	disk("nvme0n1", "pci0000:00/nvme0", "Samsung 980")
	disk("sda", "pci0000:00/usb1/1-1", "Stick", "sda2", "sda3")
	i := agent.Installer{Sys: sys, Parts: parts, Stewards: dir}
	if list, _ := i.Disks(); list != nil {
		t.Errorf("another system than the image offers %v", list)
	}
	write(filepath.Join(sys, "block/dm-0/dm/name"), "root")
	for part, label := range map[string]string{"sda2": "pointnum_1.0.0_v", "sda3": "pointnum_1.0.0_r"} {
		write(filepath.Join(sys, "block/dm-0/slaves", part, "uevent"), "PARTNAME="+label)
	}
	list, stick := i.Disks()
	if len(list) != 1 || list[0].Path != "/dev/nvme0n1" || list[0].Model != "Samsung 980" || list[0].Size != 256e9 || !stick {
		t.Errorf("%+v, a stick: %v", list, stick)
	}
	if err := i.Install(t.Context(), "/dev/nvme0n1"); kiosk.CodeOf(err) != kiosk.CodeNotResponding {
		t.Errorf("nobody answers: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served, asked := make(chan error, 1), make(chan agent.InstallRequest, 1)
	go func() {
		served <- steward.Serve(ctx, dir, agent.StewardInstall, func(_ context.Context, request []byte) (any, error) {
			var r agent.InstallRequest
			err := json.Unmarshal(request, &r)
			asked <- r
			return "ok", err
		})
	}()
	var err error
	drivertest.Eventually(t, "root's side", func() bool {
		err = i.Install(t.Context(), "/dev/nvme0n1")
		return kiosk.CodeOf(err) != kiosk.CodeNotResponding
	})
	if got := <-asked; err != nil || got != (agent.InstallRequest{Disk: "/dev/nvme0n1", Confirm: "EFFACER"}) {
		t.Errorf("root was asked %+v, %v", got, err)
	}
	if err := i.PowerOff(t.Context()); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
		t.Errorf("no power to switch: %v", err)
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
