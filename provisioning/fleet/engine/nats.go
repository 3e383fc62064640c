package engine

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"pointnum/provisioning/fleet/keys"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// Settings of NATS that are the same embedded and in a cluster of stock
// servers.
const (
	clusterName  = "fleet"
	routeUser    = "fleet"
	loginSeconds = 30      // a starved machine needs them after a restart
	maxPayload   = 8 << 20 // the account's JWT with the revoked keys of a large fleet; kiosks have less
)

// embed starts a NATS server that listens nowhere; in a cluster it does for the
// other servers.
func embed(ring *keys.Ring, c Cluster, revoked map[string]time.Time, log *slog.Logger) (*server.Server, error) {
	operator, err := jwt.DecodeOperatorClaims(ring.Operator())
	if err != nil {
		return nil, err
	}
	account, err := ring.Account(revoked)
	if err != nil {
		return nil, err
	}
	accounts := &server.MemAccResolver{}
	if err := errors.Join(accounts.Store(ring.AccountID(), account), accounts.Store(ring.SystemID(), ring.System())); err != nil {
		return nil, err
	}
	o := &server.Options{
		ServerName: c.Name, TrustedOperators: []*jwt.OperatorClaims{operator}, SystemAccount: ring.SystemID(),
		AccountResolver: accounts, DontListen: true, NoSigs: true, AuthTimeout: loginSeconds,
		PingInterval: time.Minute, MaxPayload: maxPayload,
	}
	if c.Listen != "" {
		if err := cluster(o, ring, c); err != nil {
			return nil, err
		}
	}
	s, err := server.NewServer(o)
	if err != nil {
		return nil, err
	}
	s.SetLoggerV2(natsLog{log}, false, false, false)
	s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		s.Shutdown()
		s.WaitForShutdown()
		return nil, errors.New("embedded nats does not start")
	}
	return s, nil
}

func cluster(o *server.Options, ring *keys.Ring, c Cluster) error {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("address for the other servers: %w", err)
	}
	n, err := strconv.Atoi(port)
	if err != nil || c.Name == "" {
		return errors.New("a server among others needs a name and a port")
	}
	o.Cluster = server.ClusterOpts{Name: clusterName, Host: host, Port: n, Username: routeUser, Password: ring.RoutePassword(), NoAdvertise: true}
	// nats-server begins to listen for others only after it listens for
	// clients: these find it on this machine alone, and have to log in.
	o.DontListen, o.Host, o.Port = false, "127.0.0.1", server.RANDOM_PORT
	if c.TLS != nil {
		o.Cluster.TLSConfig, o.Cluster.TLSTimeout = bothWays(c.TLS), 10
	}
	for _, r := range c.Routes {
		o.Routes = append(o.Routes, route(ring, r))
	}
	return nil
}

// bothWays asks the other server for its certificate, too: one configuration
// serves the side that listens and the side that connects.
func bothWays(t *tls.Config) *tls.Config {
	t = t.Clone()
	t.ClientAuth = tls.RequireAndVerifyClientCert
	if t.ClientCAs == nil {
		t.ClientCAs = t.RootCAs
	}
	return t
}

func route(ring *keys.Ring, host string) *url.URL {
	return &url.URL{Scheme: "nats-route", User: url.UserPassword(routeUser, ring.RoutePassword()), Host: host}
}

// dial connects this server itself, to the kiosks' account or to that in which
// NATS tells of itself.
func (e *Engine) dial(system bool) (*nats.Conn, error) {
	seed, token, err := e.ring.Service(system)
	if err != nil {
		return nil, err
	}
	pair, err := nkeys.FromSeed(seed)
	if err != nil {
		return nil, err
	}
	log, up := e.log.With("system", system), &e.up
	if system {
		up = &e.sysUp
	}
	opts := []nats.Option{
		nats.Name("fleetd"),
		nats.UserJWT(func() (string, error) { return token, nil }, pair.Sign),
		nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond), nats.RetryOnFailedConnect(true), nats.IgnoreAuthErrorAbort(),
		nats.PingInterval(10 * time.Second), nats.MaxPingsOutstanding(2), nats.Timeout(5 * time.Second),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			up.Store(false)
			if err != nil {
				log.Warn("nats is away", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) {
			up.Store(true)
			log.Info("nats is back")
			e.forgetPushed() // whichever nodes are there now may not have the revoked keys
		}),
		nats.ConnectHandler(func(*nats.Conn) {
			up.Store(true)
			e.askPush()
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.Warn("nats", "error", err) }),
	}
	if e.server != nil {
		opts = append(opts, nats.InProcessServer(e.server))
	}
	nc, err := nats.Connect(strings.Join(e.o.NATS, ","), opts...)
	if err == nil && nc.IsConnected() { // the handler may come later
		up.Store(true)
	}
	return nc, err
}

// natsLog passes on what an embedded server has to complain about. It speaks
// of connections, never of what they carry.
type natsLog struct{ log *slog.Logger }

func (l natsLog) say(level slog.Level, format string, v []any) {
	l.log.Log(context.Background(), level, "embedded nats", "says", fmt.Sprintf(format, v...))
}

func (l natsLog) Noticef(format string, v ...any) { l.say(slog.LevelDebug, format, v) }
func (l natsLog) Warnf(format string, v ...any)   { l.say(slog.LevelWarn, format, v) }
func (l natsLog) Fatalf(format string, v ...any)  { l.say(slog.LevelError, format, v) }

// Errorf is about one connection most of the time: a login that was refused.
func (l natsLog) Errorf(format string, v ...any) { l.say(slog.LevelInfo, format, v) }
func (l natsLog) Debugf(string, ...any)          {}
func (l natsLog) Tracef(string, ...any)          {}
