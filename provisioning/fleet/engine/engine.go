// Package engine is the server's side of the kiosks' connections. NATS carries
// and routes what they say, SQL (Store) is the truth: an event is acknowledged
// after its commit, a command is queued before it is sent.
//
// NATS is embedded (alone, or as one node of several servers), or a cluster of
// stock nats-server processes; see Options. Kiosks reach it on the HTTPS port
// of the server at GET /fleet, where WebSocket frames carry NATS bytes; where
// a proxy breaks that, at POST /sync. POST /enrol buys a credential for a
// one-time code.
//
// Who speaks is known from the subject, which NATS lets nobody but its kiosk
// publish on, never from what is said.
package engine

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/keys"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
)

// Store is the truth, in SQL. Methods with a Scope answer fleet.ErrNotFound
// for what is outside of it.
type Store interface {
	// Ingest stores events and returns after the commit; fresh is how many
	// were not known yet.
	Ingest(ctx context.Context, structure, kiosk string, evs []provisioning.Event) (fresh int, err error)
	// Structure returns one structure.
	Structure(ctx context.Context, sc fleet.Scope, id string) (fleet.Structure, error)
	// AddCode keeps a one-time code by its hash.
	AddCode(ctx context.Context, c fleet.Code, hash string) error
	// Enrol uses a code up and makes its kiosk, or fails with fleet.ErrCode.
	Enrol(ctx context.Context, hash, id, key string, expires time.Time) (fleet.Kiosk, error)
	// Kiosk returns one kiosk.
	Kiosk(ctx context.Context, sc fleet.Scope, id string) (fleet.Kiosk, error)
	// Kiosks returns all kiosks.
	Kiosks(ctx context.Context, sc fleet.Scope) ([]fleet.Kiosk, error)
	// Renew keeps the key that a kiosk will use next.
	Renew(ctx context.Context, id, nextKey string, expires time.Time) error
	// KeyUsed makes the next key the present one and revokes the old one.
	KeyUsed(ctx context.Context, id, key string) (old string, err error)
	// Revoke ends a kiosk's identity.
	Revoke(ctx context.Context, sc fleet.Scope, id string) (fleet.Kiosk, error)
	// RevokedKeys are the keys to refuse and since when.
	RevokedKeys(ctx context.Context) (map[string]time.Time, error)
	// Seen keeps when kiosks were last heard.
	Seen(ctx context.Context, at map[string]time.Time) error
	// Copied keeps that two kiosks spoke under one name.
	Copied(ctx context.Context, id string, at time.Time) error
	// Queue keeps a command.
	Queue(ctx context.Context, sc fleet.Scope, q fleet.Queued, s provisioning.Signed) error
	// Pending are a kiosk's commands that have not ended nor expired, the
	// oldest first.
	Pending(ctx context.Context, id string) ([]provisioning.Signed, error)
	// SetCommand keeps what became of a kiosk's command.
	SetCommand(ctx context.Context, id, command string, st fleet.QueueStatus, code kiosk.Code) error
}

// Options of New. Store and Ring are needed, the rest has defaults.
type Options struct {
	Store Store
	Ring  *keys.Ring
	// NATS are the URLs of an external cluster, nats://host:port, whose nodes
	// were configured with NodeConfig; embedded when empty.
	NATS []string
	// Cluster makes the embedded NATS one node of several servers.
	Cluster Cluster

	Log *slog.Logger     // silent when nil
	Now func() time.Time // time.Now

	Beat    time.Duration // between two beats of a kiosk; 30 s
	Backoff time.Duration // the longest wait before a kiosk connects again; 30 s
	// Lifetime is that of a credential, 90 days; RenewAt is the age at which
	// its kiosk is asked for a new key, 60 days.
	Lifetime time.Duration
	RenewAt  time.Duration

	// Metrics takes the engine's metrics; nil for none.
	Metrics prometheus.Registerer
	// From is the address of whoever asks, for the limit of enrolments; the
	// connection's when nil. Behind a reverse proxy it reads its header.
	From func(*http.Request) string
	// Copied is called when two kiosks speak under one name, after the store
	// has it and not more often than every 10 minutes for each. nil: nobody.
	Copied func(structure, kiosk string, at time.Time)
}

// Cluster is one embedded node of several servers, which must have the same
// keys.Ring and the same database.
type Cluster struct {
	Name   string   // of this server, unlike the others'
	Listen string   // host:port for the others; "" for a server alone
	Routes []string // host:port of the others (and of this one, if that is simpler)
	// TLS is used between the servers, both ways. Without it their network
	// must be one that nobody else reads.
	TLS *tls.Config
}

func (o *Options) fill() error {
	if o.Store == nil || o.Ring == nil {
		return errors.New("engine: no store or no keys")
	}
	for _, u := range o.NATS {
		if host, ok := strings.CutPrefix(u, "nats://"); !ok || !hostPort(host) {
			return fmt.Errorf("engine: %q is not nats://host:port", u)
		}
	}
	if len(o.NATS) > 0 && o.Cluster.Listen != "" {
		return errors.New("engine: an external cluster and an embedded one")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	for _, d := range []struct {
		of *time.Duration
		by time.Duration
	}{{&o.Beat, 30 * time.Second}, {&o.Backoff, 30 * time.Second}, {&o.Lifetime, 90 * 24 * time.Hour}, {&o.RenewAt, 60 * 24 * time.Hour}} {
		if *d.of <= 0 {
			*d.of = d.by
		}
	}
	if o.From == nil {
		o.From = func(r *http.Request) string { return r.RemoteAddr }
	}
	return nil
}

func hostPort(s string) bool {
	host, port, err := net.SplitHostPort(s)
	return err == nil && host != "" && port != ""
}

// Engine is the kiosks' connections of one server.
type Engine struct {
	o        Options
	log      *slog.Logger
	store    Store
	ring     *keys.Ring
	server   *server.Server // nil with an external cluster
	nc       *nats.Conn     // in the kiosks' account
	sys      *nats.Conn     // in the system account
	up       atomic.Bool    // nc is connected; its own method waits while it dials
	sysUp    atomic.Bool
	subs     []*nats.Subscription
	bridge   *bridge
	crew     *crew
	presence *presence
	hub      *hub
	metrics  *metrics
	tries    *tries
	replays  *replays

	pushing sync.Mutex
	pushed  map[string]int64 // revoked keys as NATS has them; nil before the first
	push    chan struct{}    // asks Run to look at them again
	seen    chan time.Time   // another server wrote what was seen until then
}

// New starts the engine: it takes connections and answers kiosks. Run must be
// called, and stops it. ctx bounds the start only.
func New(ctx context.Context, o Options) (*Engine, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	e := &Engine{o: o, log: o.Log, store: o.Store, ring: o.Ring, crew: newCrew(), hub: newHub(),
		tries: newTries(o.Now), replays: newReplays(), push: make(chan struct{}, 1), seen: make(chan time.Time, 1)}
	e.presence = newPresence(o.Beat, o.Now, func(structure, kiosk string) {
		e.hub.send(fleet.Change{Structure: structure, Kiosk: kiosk, What: "presence"})
	})
	var err error
	if e.metrics, err = newMetrics(o.Metrics, e.presence); err != nil {
		return nil, err
	}
	if err := e.start(ctx); err != nil {
		e.stop()
		return nil, fmt.Errorf("engine: %w", err)
	}
	return e, nil
}

func (e *Engine) start(ctx context.Context) error {
	kiosks, err := e.store.Kiosks(ctx, fleet.Scope{All: true})
	if err != nil {
		return err
	}
	for _, k := range kiosks {
		if k.Revoked.IsZero() {
			e.presence.known(k.Structure, k.ID, k.Seen)
		}
	}
	revoked, err := e.store.RevokedKeys(ctx)
	if err != nil {
		return err
	}
	dial := dialNodes(e.o.NATS)
	if len(e.o.NATS) == 0 {
		if e.server, err = embed(e.ring, e.o.Cluster, revoked, e.log); err != nil {
			return err
		}
		dial = func(context.Context) (net.Conn, error) { return e.server.InProcessConn() }
	}
	e.bridge = newBridge(dial, e.metrics, e.log)
	if e.nc, err = e.dial(false); err != nil {
		return err
	}
	if e.sys, err = e.dial(true); err != nil {
		return err
	}
	if err := e.subscribe(); err != nil {
		return err
	}
	if _, err := e.pushKeys(ctx); err != nil {
		if e.server != nil {
			return err
		}
		// the cluster may come up after us; Run tries again
		e.log.Warn("revoked keys are not with the nats cluster yet", "error", err)
		e.askPush()
	}
	return nil
}

// Handler serves GET /fleet, POST /sync and POST /enrol. Requests that a
// browser's page makes (they have an Origin) are refused.
func (e *Engine) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+fleetPath, e.bridge)
	mux.HandleFunc("POST /sync", e.serveSync)
	mux.HandleFunc("POST /enrol", e.serveEnrol)
	mux.HandleFunc("POST /resign", e.serveResign)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") != "" {
			http.Error(w, "refused", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// Ready says why kiosks cannot be served now; nil when they can. Whether the
// store can is the store's to say.
func (e *Engine) Ready() error {
	if !e.up.Load() || !e.sysUp.Load() {
		return errors.New("engine: not connected to nats")
	}
	return nil
}

// Presence is what is known of a kiosk now; zero for one that is not known.
func (e *Engine) Presence(kiosk string) fleet.Presence { return e.presence.get(kiosk) }
