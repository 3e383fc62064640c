package escpos_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pointnum/drivers/drivertest"
	"pointnum/drivers/escpos"
	"pointnum/drivers/virtual"
	"pointnum/kiosk"
)

func rig(uri string, p *virtual.ReceiptPrinter) drivertest.ReceiptRig {
	return drivertest.ReceiptRig{
		Driver:  escpos.Driver(),
		Spec:    kiosk.Spec{ID: "receipt", Driver: "escpos", URI: uri},
		Printer: p,
		Unplug:  func(on bool) { p.Set(virtual.ReceiptUnplugged, on) },
		Stall:   func(on bool) { p.Set(virtual.ReceiptStalled, on) },
	}
}

func newPrinter(t *testing.T, o virtual.ReceiptOptions) *virtual.ReceiptPrinter {
	t.Helper()
	p, err := virtual.NewReceiptPrinter(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// serve runs f until the test ends.
func serve(t *testing.T, f func(ctx context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := f(ctx); err != nil {
			t.Errorf("virtual printer: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
}

func openTCP(t *testing.T, o virtual.ReceiptOptions) drivertest.ReceiptRig {
	p := newPrinter(t, o)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, func(ctx context.Context) error { return p.ServeTCP(ctx, ln) })
	return rig("tcp://"+ln.Addr().String(), p)
}

// openTerminal is a serial line without a program in between.
func openTerminal(t *testing.T, o virtual.ReceiptOptions) drivertest.ReceiptRig {
	r := openFile(t, o)
	r.Spec.URI = "serial:" + strings.TrimPrefix(r.Spec.URI, "usb:") + "?baud=38400&flow=xonxoff"
	return r
}

// openFile stands for a device file that is no terminal to the driver.
func openFile(t *testing.T, o virtual.ReceiptOptions) drivertest.ReceiptRig {
	p := newPrinter(t, o)
	path := filepath.Join(t.TempDir(), "lp0")
	serve(t, func(ctx context.Context) error { return p.ServePTY(ctx, path) })
	waitFor(t, path)
	return rig("usb:"+path, p)
}

// cable is a pair of terminals that a program of its own ties together, as a
// serial cable does.
type cable struct {
	t       *testing.T
	printer *virtual.ReceiptPrinter
	near    string
	far     string
	cmd     *exec.Cmd
	stop    context.CancelFunc
	serving sync.WaitGroup
}

func openSerial(t *testing.T, o virtual.ReceiptOptions) drivertest.ReceiptRig {
	dir, err := os.MkdirTemp("", "cable") // the test's own folder may hold a comma
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	c := &cable{t: t, printer: newPrinter(t, o), near: filepath.Join(dir, "near"), far: filepath.Join(dir, "far")}
	c.plug()
	t.Cleanup(c.unplug)
	r := rig("serial:"+c.near+"?baud=115200&flow=none", c.printer)
	r.Deaf = true // socat waits in its write
	r.Unplug = func(on bool) {
		if on {
			c.unplug()
		} else {
			c.plug()
		}
	}
	r.Stall = func(on bool) {
		signal := unix.SIGCONT
		if on {
			signal = unix.SIGSTOP
		}
		if err := c.cmd.Process.Signal(signal); err != nil {
			t.Errorf("socat: %v", err)
		}
	}
	return r
}

func (c *cable) plug() {
	c.t.Helper()
	var errs bytes.Buffer
	cmd := exec.Command(drivertest.Tool(c.t, "socat"), "pty,raw,echo=0,link="+c.near, "pty,raw,echo=0,link="+c.far)
	cmd.Stderr = &errs
	cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.cmd = cmd
	waitFor(c.t, c.near)
	waitFor(c.t, c.far)
	far, err := os.OpenFile(c.far, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	c.serving.Go(func() {
		if err := c.printer.Serve(ctx, far); err != nil {
			c.t.Errorf("virtual printer: %v", err)
		}
	})
}

func (c *cable) unplug() {
	if c.cmd == nil {
		return
	}
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
	c.cmd = nil
	c.stop()
	_ = os.Remove(c.near)
	_ = os.Remove(c.far)
	c.serving.Wait()
}

func waitFor(t *testing.T, path string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(10 * time.Second); ; <-tick.C {
		if _, err := os.Stat(path); err == nil {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("%s never came", path)
		}
	}
}
