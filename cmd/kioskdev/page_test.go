package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// debugPort has Chromium open a DevTools port beside the agent's pipe, so that
// a test can put fingers on a portal's page from outside, as a visitor does.
// Only tests do: on a kiosk no port is open.
const debugPort = "--remote-debugging-port=0"

// page is the portal's page under a visitor's fingers: its elements are found
// in the DOM, whatever frame or closed shadow tree they are in, and touched by
// touch events. No script runs in it.
type page struct {
	t        *testing.T
	cell     string // the browser's folder
	ws       *websocket.Conn
	id       int
	sessions map[string]string // by target
	frame    string            // the id of the frame whose elements are meant; "" is the whole page
	screen   *screen           // around it
}

type target struct {
	ID   string `json:"targetId"`
	Type string `json:"type"`
	URL  string `json:"url"`
}

// node is an element; see DOM.Node of the protocol.
type node struct {
	Backend  int      `json:"backendNodeId"`
	Name     string   `json:"nodeName"`
	Value    string   `json:"nodeValue"`
	Attrs    []string `json:"attributes"`
	Frame    string   `json:"frameId"`
	Children []*node  `json:"children"`
	Shadow   []*node  `json:"shadowRoots"`
	Content  *node    `json:"contentDocument"`

	target, session string
}

// openPage finds the browser that shows a host.
func openPage(s *screen, host string) *page {
	t := s.t
	t.Helper()
	p := &page{t: t, sessions: map[string]string{}, screen: s}
	eventually(t, "a page of "+host, func() bool {
		files, err := filepath.Glob("/dev/shm/pointnum-cell-*/profile/DevToolsActivePort")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if ours(filepath.Dir(filepath.Dir(f))) && p.dial(f) && p.target(host) != "" {
				return true
			}
			p.close()
		}
		return false
	})
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the portal's browser has %+v", p.targets())
		}
		p.close()
	})
	return p
}

// ours says whether a browser's folder is of a kiosk that this test started,
// and not of another one on the machine: a process of it descends from us.
func ours(cell string) bool {
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return false
	}
	for _, path := range all {
		content, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(content), cell+"/") {
			continue
		}
		for pid := filepath.Base(filepath.Dir(path)); pid != "" && pid != "0"; pid = parent(pid) {
			if pid == strconv.Itoa(os.Getpid()) {
				return true
			}
		}
	}
	return false
}

// parent is the process that started another; "" when that is gone.
func parent(pid string) string {
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return ""
	}
	_, rest, found := strings.Cut(string(status), "\nPPid:\t")
	ppid, _, ends := strings.Cut(rest, "\n")
	if !found || !ends {
		return ""
	}
	return ppid
}

func (p *page) dial(portFile string) bool {
	content, err := os.ReadFile(portFile)
	port, path, ok := strings.Cut(strings.TrimSpace(string(content)), "\n")
	if err != nil || !ok {
		return false
	}
	d := websocket.Dialer{HandshakeTimeout: 2 * time.Second}
	ws, r, err := d.Dial("ws://127.0.0.1:"+port+path, http.Header{})
	if err != nil {
		return false
	}
	_ = r.Body.Close()
	p.ws, p.cell = ws, filepath.Dir(filepath.Dir(portFile))
	return true
}

func (p *page) close() {
	if p.ws != nil {
		_ = p.ws.Close()
		p.ws = nil
	}
}

// call makes a call and waits for its answer.
func (p *page) call(session, method string, params, result any) error {
	if p.ws == nil {
		return os.ErrClosed
	}
	p.id++
	m := map[string]any{"id": p.id, "method": method, "params": params}
	if session != "" {
		m["sessionId"] = session
	}
	if err := p.ws.WriteJSON(m); err != nil {
		return err
	}
	if err := p.ws.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	for {
		var answer struct {
			ID     int
			Result json.RawMessage
			Error  *struct{ Message string }
		}
		if err := p.ws.ReadJSON(&answer); err != nil {
			p.close()
			return err
		}
		switch {
		case answer.ID != p.id:
		case answer.Error != nil:
			return fmt.Errorf("%s: %s", method, answer.Error.Message)
		case result == nil:
			return nil
		default:
			return json.Unmarshal(answer.Result, result)
		}
	}
}

func (p *page) targets() []target {
	var r struct{ TargetInfos []target }
	if err := p.call("", "Target.getTargets", map[string]any{}, &r); err != nil {
		return nil
	}
	return r.TargetInfos
}

// target is the tab that shows a host.
func (p *page) target(host string) string {
	for _, t := range p.targets() {
		if t.Type == "page" && strings.HasPrefix(t.URL, "https://"+host+"/") {
			return t.ID
		}
	}
	return ""
}

func (p *page) session(target string) string {
	if s := p.sessions[target]; s != "" {
		return s
	}
	var r struct{ SessionID string }
	if err := p.call("", "Target.attachToTarget", map[string]any{"targetId": target, "flatten": true}, &r); err != nil {
		return ""
	}
	p.sessions[target] = r.SessionID
	return r.SessionID
}

// find looks for an element of a tab, or of a frame in it.
func (p *page) find(host string, is func(*node) bool) *node {
	top := p.target(host)
	if p.frame == "" || top == "" {
		return p.findIn(top, is)
	}
	frame := p.findIn(top, with("id", p.frame))
	switch {
	case frame == nil:
		return nil
	case frame.Content == nil: // a process of its own
		return p.findIn(frame.Frame, is)
	}
	n := frame.Content.find(is)
	if n != nil {
		n.target, n.session = frame.target, frame.session
	}
	return n
}

func (p *page) findIn(target string, is func(*node) bool) *node {
	if target == "" {
		return nil
	}
	s := p.session(target)
	var r struct{ Root *node }
	if s == "" || p.call(s, "DOM.getDocument", map[string]any{"depth": -1, "pierce": true}, &r) != nil {
		delete(p.sessions, target) // gone meanwhile
		return nil
	}
	n := r.Root.find(is)
	if n != nil {
		n.target, n.session = target, s
	}
	return n
}

func (n *node) find(is func(*node) bool) *node {
	if n == nil {
		return nil
	}
	if is(n) {
		return n
	}
	for _, c := range slices.Concat(n.Shadow, n.Children, []*node{n.Content}) {
		if found := c.find(is); found != nil {
			return found
		}
	}
	return nil
}

// attr is an attribute of an element.
func (n *node) attr(name string) (string, bool) {
	for i := 0; i+1 < len(n.Attrs); i += 2 {
		if n.Attrs[i] == name {
			return n.Attrs[i+1], true
		}
	}
	return "", false
}

func (n *node) text() string {
	all := n.Value
	for _, c := range n.Children {
		all += c.text()
	}
	return all
}

// with finds elements that have an attribute of a value.
func with(name, value string) func(*node) bool {
	return func(n *node) bool { v, ok := n.attr(name); return ok && v == value }
}

// having finds elements that have an attribute.
func having(name string) func(*node) bool {
	return func(n *node) bool { _, ok := n.attr(name); return ok }
}

// inside finds an element below another: the field in a closed shadow tree.
func inside(outer, inner func(*node) bool) func(*node) bool {
	var into *node
	return func(n *node) bool {
		if into == nil && outer(n) {
			into = n.find(inner)
		}
		return into != nil && n.Backend == into.Backend
	}
}

// place is the middle of an element in its tab's own pixels.
func (p *page) place(host string, n *node) (x, y float64, ok bool) {
	of := func(session string, backend int) (x, y, left, top float64, ok bool) {
		var r struct{ Quads [][]float64 }
		err := p.call(session, "DOM.getContentQuads", map[string]any{"backendNodeId": backend}, &r)
		if err != nil || len(r.Quads) == 0 {
			return 0, 0, 0, 0, false
		}
		q := r.Quads[0]
		return (q[0] + q[4]) / 2, (q[1] + q[5]) / 2, q[0], q[1], true
	}
	x, y, _, _, ok = of(n.session, n.Backend)
	if top := p.target(host); ok && n.target != top {
		frame := p.findIn(top, func(f *node) bool { return f.Name == "IFRAME" && f.Frame == n.target })
		if frame == nil {
			return 0, 0, false
		}
		_, _, left, above, found := of(frame.session, frame.Backend)
		return x + left, y + above, found
	}
	return x, y, ok
}

// touch puts a finger on an element once it stands still.
func (p *page) touch(host string, is func(*node) bool) {
	p.t.Helper()
	var x, y float64
	why := ""
	defer func() {
		if p.t.Failed() {
			p.t.Logf("not touched on %s: %s", host, why)
		}
	}()
	eventually(p.t, "something to touch on "+host, func() bool {
		n := p.find(host, is)
		if n == nil {
			why = "it is not there"
			return false
		}
		if err := p.call(n.session, "DOM.scrollIntoViewIfNeeded", map[string]any{"backendNodeId": n.Backend}, nil); err != nil {
			why = fmt.Sprintf("%s %v does not come into view: %v", n.Name, n.Attrs, err)
			return false
		}
		x0, y0, ok := p.place(host, n)
		if why = fmt.Sprintf("%s %v does not stand still", n.Name, n.Attrs); !ok {
			return false
		}
		time.Sleep(pace)
		x, y, ok = p.place(host, n)
		return ok && x == x0 && y == y0
	})
	if p.screen.hand != nil {
		left, top := p.screen.hole()
		p.screen.hand.touch(p.t, left+x, top+y, false)
		return
	}
	s := p.session(p.target(host))
	for _, e := range []map[string]any{
		{"type": "touchStart", "touchPoints": []map[string]any{{"x": x, "y": y}}},
		{"type": "touchEnd", "touchPoints": []map[string]any{}},
	} {
		if err := p.call(s, "Input.dispatchTouchEvent", e, nil); err != nil {
			p.t.Fatal(err)
		}
	}
}

// touchUntil touches until something comes of it: a page that was just put in
// its place does not take touches yet, and whoever sees that nothing happens
// touches again.
func (p *page) touchUntil(host string, is func(*node) bool, what string, came func() bool) {
	p.t.Helper()
	for range 4 {
		p.touch(host, is)
		if within(12*time.Second, came) {
			return
		}
		p.t.Logf("touched again: %s", what)
	}
	p.t.Fatalf("touched in vain: %s", what)
}

// follow touches a link of a page to another one.
func (p *page) follow(host, path string) {
	p.t.Helper()
	p.touchUntil(host, with("href", path), path, func() bool { return p.at(host) == path })
}

// at is the path of what a tab shows.
func (p *page) at(host string) string {
	for _, t := range p.targets() {
		if path, ok := strings.CutPrefix(t.URL, "https://"+host); ok && t.Type == "page" {
			return path
		}
	}
	return ""
}

// has says whether an element is there.
func (p *page) has(host string, is func(*node) bool) func() bool {
	return func() bool { return p.find(host, is) != nil }
}

// shows waits for an element.
func (p *page) shows(host, what string, is func(*node) bool) *node {
	p.t.Helper()
	var n *node
	eventually(p.t, what+" on "+host, func() bool {
		n = p.find(host, is)
		return n != nil
	})
	return n
}
