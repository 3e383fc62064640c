package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"pointnum/cmd/internal/simulate"
	"pointnum/provisioning/fleet"
)

// console is somebody of the first kiosk's structure, at one server's console.
type console struct {
	s      *site
	at     *server
	client *http.Client
	cookie string
	token  string // of forms
	heard  chan time.Time
	stop   context.CancelFunc
	work   sync.WaitGroup
}

// console logs somebody in: the session is written into the database, as the
// login does, and from there on everything is as in a browser.
func (s *site) console(ctx context.Context, v *server) (*console, error) {
	secret := make([]byte, 32)
	rand.Read(secret)
	c := &console{s: s, at: v, cookie: base64.RawURLEncoding.EncodeToString(secret), heard: make(chan time.Time, 64),
		client: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots}}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	now, sum := time.Now().UTC(), sha256.Sum256([]byte(c.cookie))
	p := fleet.Person{ID: "mesure", Structure: probed, Name: "Mesure", Email: "mesure@exemple.fr", Role: fleet.RoleAdmin, Lang: "fr", Created: now, Confirmed: true}
	if err := s.store.AddPerson(ctx, p); err != nil && !errors.Is(err, fleet.ErrExists) {
		return nil, err
	}
	err := s.store.AddSession(ctx, fleet.Session{Hash: hex.EncodeToString(sum[:]), Person: p.ID, Created: now, Seen: now, Expires: now.Add(12 * time.Hour), Proved: now, Method: fleet.ByPasskey, From: "127.0.0.1"})
	if err != nil {
		return nil, err
	}
	page, err := c.do(ctx, http.MethodGet, "/s/"+probed, nil, http.StatusOK)
	if err != nil {
		return nil, err
	}
	m := regexp.MustCompile(`data-csrf="([0-9a-f]{64})"`).FindSubmatch(page)
	if m == nil {
		return nil, errors.New("console: a page without its token")
	}
	c.token = string(m[1])
	ctx, c.stop = context.WithCancel(ctx)
	first := make(chan struct{})
	c.work.Go(func() { c.listen(ctx, sync.OnceFunc(func() { close(first) })) })
	select {
	case <-first:
		return c, nil
	case <-time.After(s.b.patient):
		c.close()
		return nil, errors.New("console: no live page")
	}
}

func (c *console) close() {
	c.stop()
	c.work.Wait()
	c.client.CloseIdleConnections()
}

func (c *console) request(ctx context.Context, method, path string, form url.Values) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.at.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.AddCookie(&http.Cookie{Name: "__Host-session", Value: c.cookie})
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", c.at.url)
	}
	return c.client.Do(r)
}

func (c *console) do(ctx context.Context, method, path string, form url.Values, want int) ([]byte, error) {
	res, err := c.request(ctx, method, path, form)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != want {
		err = fmt.Errorf("console: %s %s: %s", method, path, res.Status)
	}
	return b, err
}

// listen keeps the live page open, as a browser does.
func (c *console) listen(ctx context.Context, ready func()) {
	for ctx.Err() == nil {
		res, err := c.request(ctx, http.MethodGet, "/live", nil)
		if err == nil {
			in := bufio.NewScanner(res.Body)
			for in.Scan() {
				switch in.Text() {
				case "data: here", "data: changed": // at either the page asks anew
					ready()
					select {
					case c.heard <- time.Now():
					default: // nobody waits for it
					}
				}
			}
			_ = res.Body.Close() // it has ended
		}
		_ = simulate.Pause(ctx, 300*time.Millisecond) // the loop looks at ctx
	}
}

// quiet waits until nothing has been heard for a moment, so that what comes
// next is what was done next.
func (c *console) quiet(ctx context.Context) {
	for {
		select {
		case <-c.heard:
		case <-ctx.Done():
			return
		case <-time.After(30 * time.Millisecond):
			return
		}
	}
}

// errUntold is an event that is stored and that no console was told of.
var errUntold = errors.New("console: nobody was told of an event")

// event times one event of the first kiosk until the console hears of it.
func (c *console) event(ctx context.Context, crowd *crowd) (time.Duration, error) {
	c.quiet(ctx)
	start := time.Now()
	crowd.count(crowd.agents[0])
	end := time.After(c.s.b.patient / 8)
	for {
		select {
		case at := <-c.heard:
			if acknowledged(ctx, crowd.agents[0]) { // else it was something else
				return at.Sub(start), nil
			}
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-end:
			if time.Since(start) > c.s.b.patient {
				return 0, errors.New("console: an event is not acknowledged")
			} else if crowd.agents[0].Waiting() == 0 {
				return 0, errUntold
			}
			end = time.After(c.s.b.patient / 8)
		}
	}
}

// acknowledged says whether an agent has its answer, which comes at the same
// time as consoles are told.
func acknowledged(ctx context.Context, a *simulate.Agent) bool {
	for range 20 {
		if a.Waiting() == 0 {
			return true
		}
		if simulate.Pause(ctx, 10*time.Millisecond) != nil {
			break
		}
	}
	return false
}

// command times one command from the form's button until the kiosk obeys.
func (c *console) command(ctx context.Context, crowd *crowd) (time.Duration, error) {
	for len(crowd.obeyed) > 0 {
		<-crowd.obeyed
	}
	start := time.Now()
	path := "/kiosks/" + crowd.agents[0].Kiosk()
	if _, err := c.do(ctx, http.MethodPost, path+"/clear", url.Values{"csrf": {c.token}, "page": {path}}, http.StatusSeeOther); err != nil {
		return 0, err
	}
	select {
	case at := <-crowd.obeyed:
		return at.Sub(start), nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	case <-time.After(c.s.b.patient):
		return 0, errors.New("console: a command was not obeyed")
	}
}

// times are durations that were measured.
type times []time.Duration

func (t times) at(q float64) time.Duration {
	if len(t) == 0 {
		return 0
	}
	t = slices.Sorted(slices.Values(t))
	return t[min(len(t)-1, int(q*float64(len(t))))]
}

// String is one cell of the table.
func (t times) String() string {
	return fmt.Sprintf("p50 %s, p99 %s, max %s (%d)", ms(t.at(0.5)), ms(t.at(0.99)), ms(t.at(1)), len(t))
}

func ms(d time.Duration) string {
	if d >= 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}
