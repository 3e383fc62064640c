// Package cell runs one Chromium in a folder of its own in memory, as a unix
// user of its own, and erases both: profile, downloads, attached files and
// everything temporary lie in that folder. One cell serves one visitor.
//
// Erase ends every process, overwrites and removes the folder and proves it:
// by canaries that are still open while they are wiped, and by a search for
// their marks in every place where the browser's user can write. The X
// selections need nothing: they live in the process that owns them.
package cell

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"pointnum/kiosk/browser/devtools"
)

// prefix begins the name of every cell's folder.
const prefix = "pointnum-cell-"

// Options say how a cell is made.
type Options struct {
	Path     string // Chromium; "" is chromium from PATH
	User     string // unix user whom it runs as, with its sandbox; "" is our own
	Dir      string // memory-backed folder; "" is /dev/shm
	Headless bool
	Args     []string // further flags
	Log      *slog.Logger
}

// Cell is a running Chromium and its folder. Its methods may be called from
// any goroutine.
type Cell struct {
	Browser *devtools.Browser

	o        Options
	owner    *owner // nil: we are the browser's user
	dir      string
	lock     *os.File // held as long as we live: see Sweep
	canaries []canary
}

// owner is the browser's unix user.
type owner struct {
	uid, gid int
	home     string
}

// Start makes the folder and starts the browser, with no page but about:blank.
// The caller erases the cell.
func Start(ctx context.Context, o Options) (*Cell, error) {
	if o.Dir == "" {
		o.Dir = "/dev/shm"
	}
	c := &Cell{o: o}
	var err error
	if c.owner, err = findOwner(o.User); err != nil {
		return nil, err
	}
	if err := memoryBacked(o.Dir); err != nil {
		return nil, err
	}
	if c.dir, err = os.MkdirTemp(o.Dir, prefix); err != nil {
		return nil, fmt.Errorf("cell: make the folder: %w", err)
	}
	if err := c.furnish(); err != nil {
		return nil, errors.Join(fmt.Errorf("cell: make the folder: %w", err), c.giveUp())
	}
	d := devtools.Options{
		Path: o.Path, Headless: o.Headless, Profile: filepath.Join(c.dir, "profile"), Log: o.Log,
		Env:  []string{"TMPDIR=" + filepath.Join(c.dir, "tmp"), "XDG_RUNTIME_DIR=" + filepath.Join(c.dir, "tmp")},
		Args: append(flags(o.Headless), append(o.Args, "about:blank")...),
	}
	if c.owner != nil {
		d.Credential = &syscall.Credential{Uid: uint32(c.owner.uid), Gid: uint32(c.owner.gid)}
	}
	if c.Browser, err = devtools.Start(ctx, d); err != nil {
		return nil, errors.Join(err, c.giveUp())
	}
	return c, nil
}

// giveUp removes what was made before a start that failed.
func (c *Cell) giveUp() error {
	errs := []error{c.remove()}
	for _, k := range c.canaries {
		errs = append(errs, k.file.Close())
	}
	return errors.Join(errs...)
}

// flags are those of a browser for visitors; devtools has those of all.
//
// Without AutomationControlled pages see navigator.webdriver false. It is no
// robot that uses the page, and some portals' filters shut out what says so.
func flags(headless bool) []string {
	f := []string{
		"--disable-blink-features=AutomationControlled",
		"--disable-features=Translate,MediaRouter,OptimizationHints,AutofillServerCommunication,DocumentPictureInPictureAPI,GlobalMediaControls",
		"--overscroll-history-navigation=0",
		"--disable-extensions", "--disable-default-apps", "--no-pings", "--noerrdialogs",
		"--hide-crash-restore-bubble", "--disable-search-engine-choice-screen",
		"--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
	}
	if headless {
		return f
	}
	// A kiosk window has no toolbar, no menus and no way out of it. It begins
	// beside the screen: it is a spare one, and nobody sees it before Place.
	return append(f, "--kiosk", "--touch-events=enabled", "--window-position="+Beside.String(), "--window-size=1080,1400")
}

// Position is a place on the screen, in pixels.
type Position struct{ X, Y int }

// String is the form of Chromium's flags.
func (p Position) String() string { return fmt.Sprintf("%d,%d", p.X, p.Y) }

// Beside is where a window is that nobody shall see: beside every screen.
var Beside = Position{X: 20000, Y: 20000}

// preferences hold without any managed policy.
func preferences() ([]byte, error) {
	off := map[string]any{"enabled": false}
	return json.Marshal(map[string]any{
		"plugins":                    map[string]any{"always_open_pdf_externally": true},
		"credentials_enable_service": false,
		"profile": map[string]any{
			"password_manager_enabled": false, "password_manager_leak_detection": false, "name": "kiosk",
		},
		"autofill":     map[string]any{"profile_enabled": false, "credit_card_enabled": false},
		"translate":    off,
		"safebrowsing": off,
		"search":       map[string]any{"suggest_enabled": false},
		"download":     map[string]any{"prompt_for_download": false},
		"payments":     map[string]any{"can_make_payment_enabled": false},
		"signin":       map[string]any{"allowed": false},
	})
}

// furnish makes what lies in the folder and gives it to the browser's user.
func (c *Cell) furnish() error {
	var err error
	if c.lock, err = os.Open(c.dir); err != nil {
		return err
	}
	if err := unix.Flock(int(c.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return err
	}
	for _, name := range []string{"profile", "profile/Default", "downloads", "files", "tmp"} {
		if err := os.Mkdir(filepath.Join(c.dir, name), 0o700); err != nil {
			return err
		}
	}
	prefs, err := preferences()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.dir, "profile/Default/Preferences"), prefs, 0o600); err != nil {
		return err
	}
	if err := c.plant(); err != nil {
		return err
	}
	if c.owner == nil {
		return nil
	}
	return filepath.WalkDir(c.dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, c.owner.uid, c.owner.gid)
	})
}

// Downloads is the folder where the browser shall put downloads.
func (c *Cell) Downloads() string { return filepath.Join(c.dir, "downloads") }

// findOwner reads the browser's user; nil when it is our own.
func findOwner(name string) (*owner, error) {
	if name == "" {
		return nil, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("cell: the browser's user: %w", err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return nil, fmt.Errorf("cell: the browser's user: %w", err)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return nil, fmt.Errorf("cell: the browser's group: %w", err)
	}
	if uid == 0 || uid == os.Geteuid() {
		// Every process of that user is ended with the visit.
		return nil, errors.New("cell: the browser's user is ours or root")
	}
	return &owner{uid: uid, gid: gid, home: u.HomeDir}, nil
}

// memoryBacked refuses a folder that reaches a disk.
func memoryBacked(dir string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fmt.Errorf("cell: the folder in memory: %w", err)
	}
	if st.Type != unix.TMPFS_MAGIC && st.Type != unix.RAMFS_MAGIC {
		return fmt.Errorf("cell: %s is not in memory", dir)
	}
	return nil
}
