// Package storetest starts a real PostgreSQL for tests and benchmarks: the
// newest one that Debian's packages have installed, in a folder of its own, on
// a unix socket that nobody else finds.
package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// patience is how long a program may take, on a slow machine too.
const patience = 90 * time.Second

// Server is a running PostgreSQL. Its methods are not for several goroutines
// at once.
type Server struct {
	bin, dir, socket string
	settings         []string
	as               *syscall.Credential // nil: as we are
	postmaster       *process            // nil: not running
}

// process is one postmaster.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

// PostgreSQL starts a server for one test and returns the address of an empty
// database. The server ends with the test.
func PostgreSQL(t testing.TB) (dsn string) {
	t.Helper()
	s := New(t)
	dsn, err := s.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

// New starts a server for one test, which may kill it.
func New(t testing.TB) *Server {
	t.Helper()
	s, err := Start(t.Context(), Fast)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Fast is the setting of servers that outlive no power cut. A killed one
// loses nothing by it: what it wrote is the kernel's.
const Fast = "fsync=off"

// Start starts a server outside of a test, with settings as those of
// postgresql.conf; for measurements without Fast. The caller closes it.
func Start(ctx context.Context, settings ...string) (*Server, error) {
	bin, err := newest()
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, settings: settings}
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 { // PostgreSQL refuses to run as root
		if uid, gid, err = postgresUser(); err != nil {
			return nil, err
		}
		s.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	if s.dir, err = folder(); err != nil {
		return nil, err
	}
	if err := s.begin(ctx, uid, gid); err != nil {
		return nil, errors.Join(fmt.Errorf("storetest: %w", err), s.Close())
	}
	return s, nil
}

func (s *Server) begin(ctx context.Context, uid, gid int) error {
	if err := os.Chown(s.dir, uid, gid); err != nil {
		return err
	}
	s.socket = s.dir
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "initdb"), "--pgdata", s.data(), "--username", "fleet", "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync")
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return s.Restart(ctx)
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// folder is a new one whose path leaves room for that of the socket (107
// bytes, unix(7)).
func folder() (string, error) {
	in := os.TempDir()
	if len(in) > 70 {
		in = "/tmp"
	}
	dir, err := os.MkdirTemp(in, "pg")
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(dir) // as /proc names it
}

// newest is the folder of the programs of the newest version.
func newest() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("storetest: PostgreSQL is missing: install Debian's package postgresql (%v)", err)
	}
	version := func(path string) float64 {
		v, _ := strconv.ParseFloat(filepath.Base(filepath.Dir(filepath.Dir(path))), 64) // 0 for what is no version
		return v
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return int(version(a)) - int(version(b)) })), nil
}

// postgresUser is whom Debian's package has added.
func postgresUser() (uid, gid int, err error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		return 0, 0, fmt.Errorf("storetest: %w", err)
	}
	uid, err = strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	return uid, gid, errors.Join(err, err2)
}

// Database makes an empty database and returns its address.
func (s *Server) Database(ctx context.Context) (dsn string, err error) {
	name := "t" + strings.ToLower(rand.Text())
	db, err := sql.Open("pgx", s.dsn("postgres"))
	if err != nil {
		return "", err
	}
	_, err = db.ExecContext(ctx, "CREATE DATABASE "+name)
	return s.dsn(name), errors.Join(err, db.Close())
}

// Schema makes an empty schema and returns the address at which it stands in
// for a database: it is made much sooner than one.
func (s *Server) Schema(ctx context.Context) (dsn string, err error) {
	name := "t" + strings.ToLower(rand.Text())
	db, err := sql.Open("pgx", s.dsn("postgres"))
	if err != nil {
		return "", err
	}
	_, err = db.ExecContext(ctx, "CREATE SCHEMA "+name)
	return s.dsn("postgres") + "&options=-csearch_path%3D" + name, errors.Join(err, db.Close())
}

// Tool runs one of PostgreSQL's programs ("pg_dump") as we are, and returns
// what it wrote.
func (s *Server) Tool(ctx context.Context, name string, args ...string) ([]byte, error) {
	out, err := exec.CommandContext(ctx, filepath.Join(s.bin, name), args...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("storetest: %s: %w", name, err)
	}
	return out, err
}

func (s *Server) dsn(database string) string {
	return "postgres://fleet@/" + database + "?" + url.Values{"host": {s.socket}, "port": {"5432"}}.Encode()
}

// Restart starts the server again, after Kill, and waits until it answers.
func (s *Server) Restart(ctx context.Context) error {
	if s.postmaster != nil {
		return errors.New("storetest: PostgreSQL runs")
	}
	args := []string{"-D", s.data(), "-k", s.socket, "-c", "listen_addresses=", "-c", "max_connections=100"}
	for _, setting := range s.settings {
		args = append(args, "-c", setting)
	}
	cmd := exec.Command(filepath.Join(s.bin, "postgres"), args...)
	cmd.Dir = s.dir
	cmd.Stderr = &locked{}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Pdeathsig: syscall.SIGQUIT}
	// Children that outlive a killed postmaster hold its standard error.
	cmd.WaitDelay = time.Second
	p := &process{cmd: cmd, ended: make(chan struct{})}
	started := make(chan error)
	go p.supervise(started)
	if err := <-started; err != nil {
		return err
	}
	s.postmaster = p
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := s.wait(ctx); err != nil {
		return fmt.Errorf("storetest: PostgreSQL did not start: %w: %s", err, cmd.Stderr)
	}
	return nil
}

// supervise keeps the thread that started the process: Pdeathsig means the
// death of that thread, and Go ends threads it does not need.
func (p *process) supervise(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err == nil {
		_ = p.cmd.Wait() // it ends when it is told
		close(p.ended)
	}
}

func (s *Server) wait(ctx context.Context) error {
	db, err := sql.Open("pgx", s.dsn("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-s.postmaster.ended:
			return errors.New("it has ended")
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}

// Kill ends the postmaster as a crash does (SIGKILL) and waits until its
// children have noticed.
func (s *Server) Kill() error { return s.end(syscall.SIGKILL) }

// Close ends the server and removes its folder.
func (s *Server) Close() error {
	var err error
	if s.postmaster != nil {
		err = s.end(syscall.SIGINT) // "fast shutdown"
	}
	if s.dir != "" {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	return err
}

func (s *Server) end(how syscall.Signal) error {
	p := s.postmaster
	s.postmaster = nil
	if err := p.cmd.Process.Signal(how); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.ended:
	case <-time.After(patience):
		if err := p.cmd.Process.Kill(); err != nil {
			return err
		}
		<-p.ended
	}
	// Another postmaster refuses the folder while a child of the former one
	// is there.
	return s.childless()
}

// childless waits for the end of processes that work in the folder.
func (s *Server) childless() error {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if !s.inhabited() {
			return nil
		}
	}
	return errors.New("storetest: a process of PostgreSQL does not end")
}

// inhabited says whether a process has the database's folder as its own, as
// all of PostgreSQL's have.
func (s *Server) inhabited() bool {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd") // the pattern is good
	return slices.ContainsFunc(links, func(link string) bool {
		dir, err := os.Readlink(link)
		return err == nil && dir == s.data()
	})
}

// locked is what the server wrote, for a message.
type locked struct {
	mu sync.Mutex
	w  bytes.Buffer
}

// Write keeps the first part of it.
func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.w.Len() < 16<<10 {
		l.w.Write(p)
	}
	return len(p), nil
}

// String is all of it.
func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.String()
}
