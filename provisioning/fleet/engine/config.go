package engine

import (
	"fmt"
	"strings"
	"time"

	"pointnum/provisioning/fleet/keys"
)

// Node is one stock nats-server process of an external cluster.
type Node struct {
	Name    string   // unlike the others'
	Listen  string   // host:port for fleetd, in a network of servers only
	Cluster string   // host:port for the other nodes
	Routes  []string // host:port of the nodes, this one may be among them
	Dir     string   // where it keeps accounts, on its own disk
	// Cert, Key and CA are files with which nodes prove who they are to each
	// other; all "" where nobody else reads their network.
	Cert, Key, CA string
	// Monitor is host:port for /varz and /healthz; "" for none.
	Monitor string
}

// NodeConfig is the configuration file of a node, for "nats-server -c". It
// holds the password of the routes: only nats-server's user may read it.
func NodeConfig(ring *keys.Ring, n Node, revoked map[string]time.Time) (string, error) {
	for _, s := range append([]string{n.Name, n.Listen, n.Cluster, n.Dir, n.Cert, n.Key, n.CA, n.Monitor}, n.Routes...) {
		if strings.ContainsAny(s, "\"\n\r$\\") {
			return "", fmt.Errorf("engine: %q cannot stand in a configuration", s)
		}
	}
	if n.Name == "" || !hostPort(n.Listen) || n.Dir == "" || n.Cluster != "" && !hostPort(n.Cluster) {
		return "", fmt.Errorf("engine: node %q needs a name, addresses and a folder", n.Name)
	}
	account, err := ring.Account(revoked)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	w := func(format string, v ...any) { fmt.Fprintf(&b, format+"\n", v...) }
	w("# Made by fleetd. Holds a password: chmod 600.")
	w("server_name: %q", n.Name)
	w("listen: %q", n.Listen)
	if n.Monitor != "" {
		w("http: %q", n.Monitor)
	}
	w("max_payload: %d", maxPayload)
	w("ping_interval: \"1m\"")
	w("authorization: { timeout: %d }", loginSeconds)
	w("operator: %q", ring.Operator())
	w("system_account: %q", ring.SystemID())
	w("resolver: { type: full, dir: %q }", n.Dir)
	w("resolver_preload: {\n  %s: %q\n  %s: %q\n}", ring.AccountID(), account, ring.SystemID(), ring.System())
	if n.Cluster != "" {
		w("cluster: {\n  name: %q\n  listen: %q", clusterName, n.Cluster)
		w("  authorization: { user: %q, password: %q, timeout: 5 }", routeUser, ring.RoutePassword())
		if n.Cert != "" {
			w("  tls: { cert_file: %q, key_file: %q, ca_file: %q, verify: true, timeout: 10 }", n.Cert, n.Key, n.CA)
		}
		w("  routes: [")
		for _, r := range n.Routes {
			w("    %q", route(ring, r))
		}
		w("  ]\n}")
	}
	return b.String(), nil
}
