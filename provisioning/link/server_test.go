package link_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"pointnum/provisioning"
	"pointnum/provisioning/enrol"
)

// toy is a small server that speaks the words over the real protocols: an
// embedded nats-server behind a WebSocket bridge, /sync and /enrol. It keeps
// in memory what a real one has in its database.
type toy struct {
	t    *testing.T
	http *httptest.Server
	ca   *x509.CertPool
	nats *server.Server
	nc   *nats.Conn

	operator, account, signer nkeys.KeyPair
	sign                      ed25519.PrivateKey

	deaf      atomic.Bool  // answers no WebSocket
	mute      atomic.Bool  // bridges take no more bytes: half-open
	lose      atomic.Int32 // one answer of so many is lost; 0 none
	later     atomic.Bool  // cannot store
	renew     atomic.Bool  // asks for new keys
	noGrant   atomic.Bool  // gives credentials that it does not know later
	syncs     atomic.Int32
	tunnels   atomic.Int32
	hellos    atomic.Int32
	requests  atomic.Int32
	clockOff  atomic.Int64 // of the server, ns
	refuseAll atomic.Bool  // refuses everybody by /sync

	mu       sync.Mutex
	next     string
	revoked  map[string]time.Time
	events   map[[2]int64]provisioning.Event
	order    []provisioning.Event // in which they came first
	twice    int                  // duplicates that were refused
	beats    []provisioning.Beat
	pending  []provisioning.Signed
	answers  []provisioning.Result // direct ones
	conns    map[net.Conn]bool
	codeUsed map[string]string // one-time code: key
	syncAt   []time.Time
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

const structure, kioskID = "mairie", "kiosk-1"

func newToy(t *testing.T) *toy {
	t.Helper()
	f := &toy{
		t: t, operator: must(nkeys.CreateOperator()), account: must(nkeys.CreateAccount()), signer: must(nkeys.CreateAccount()),
		revoked: map[string]time.Time{}, events: map[[2]int64]provisioning.Event{}, conns: map[net.Conn]bool{}, codeUsed: map[string]string{},
	}
	_, f.sign = must2(ed25519.GenerateKey(rand.Reader))
	f.startNATS()
	f.startHTTP(certificate(t, time.Now()))
	return f
}

func must2[A, B any](a A, b B, err error) (A, B) {
	if err != nil {
		panic(err)
	}
	return a, b
}

func public(k nkeys.KeyPair) string { return must(k.PublicKey()) }

func (f *toy) accountToken() string {
	a := jwt.NewAccountClaims(public(f.account))
	scope := jwt.NewUserScope()
	scope.Key, scope.Role = public(f.signer), "kiosk"
	const me = "kiosk.{{tag(structure)}}.{{name()}}."
	scope.Template.Pub.Allow.Add(me + "up.>")
	scope.Template.Sub.Allow.Add(me+"down.>", "_INBOX_{{name()}}.>")
	scope.Template.Resp = &jwt.ResponsePermission{MaxMsgs: 1, Expires: time.Minute}
	scope.Template.Limits.Payload, scope.Template.Limits.Subs = 256<<10, 16
	a.SigningKeys.AddScopedSigner(scope)
	for key, at := range f.revoked {
		a.RevokeAt(key, at)
	}
	return must(a.Encode(f.operator))
}

func (f *toy) startNATS() {
	oc := jwt.NewOperatorClaims(public(f.operator))
	operator := must(jwt.DecodeOperatorClaims(must(oc.Encode(f.operator))))
	resolver := &server.MemAccResolver{}
	if err := resolver.Store(public(f.account), f.accountToken()); err != nil {
		f.t.Fatal(err)
	}
	f.nats = must(server.NewServer(&server.Options{
		ServerName: "test", TrustedOperators: []*jwt.OperatorClaims{operator}, AccountResolver: resolver, DontListen: true, NoSigs: true, NoLog: true,
		PingInterval: 60 * time.Second,
	}))
	f.nats.Start()
	if !f.nats.ReadyForConnections(40 * time.Second) {
		f.t.Fatal("nats-server does not start")
	}
	user := must(nkeys.CreateUser())
	u := jwt.NewUserClaims(public(user))
	token := must(u.Encode(f.account))
	f.nc = must(nats.Connect("", nats.InProcessServer(f.nats), nats.UserJWT(func() (string, error) { return token, nil }, user.Sign)))
	answer := func(word string, h func([]byte) any) {
		must(f.nc.Subscribe(provisioning.Up(structure, "*", word), func(m *nats.Msg) {
			v := h(m.Data)
			if v == nil || f.lost() || m.Reply == "" {
				return
			}
			_ = m.Respond(must(json.Marshal(v)))
		}))
	}
	answer(provisioning.UpEvents, func(b []byte) any { return f.ingest(b) })
	answer(provisioning.UpHello, func(b []byte) any { f.hellos.Add(1); return f.hello(must(provisioning.DecodeHello(b))) })
	answer(provisioning.UpBeat, func(b []byte) any { f.beat(must(provisioning.DecodeBeat(b))); return nil })
	answer(provisioning.UpRenew, func(b []byte) any {
		var a provisioning.RenewAsk
		must(0, json.Unmarshal(b, &a))
		return f.grant(a)
	})
	f.t.Cleanup(func() {
		f.nc.Close()
		f.nats.Shutdown()
		f.nats.WaitForShutdown()
	})
}

// certificate is one for 127.0.0.1 that is good for 30 days before and after.
func certificate(t *testing.T, around time.Time) tls.Certificate {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: around.Add(-30 * 24 * time.Hour), NotAfter: around.Add(30 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	return tls.Certificate{Certificate: [][]byte{must(x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key))}, PrivateKey: key}
}

func (f *toy) startHTTP(cert tls.Certificate) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /fleet", f.bridge)
	mux.HandleFunc("POST /sync", f.sync)
	mux.HandleFunc("POST /enrol", f.enrol)
	f.http = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.requests.Add(1)
		w.Header().Set("Date", f.now().UTC().Format(http.TimeFormat))
		mux.ServeHTTP(w, r)
	}))
	f.http.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	f.http.Config.ErrorLog = log.New(io.Discard, "", 0)
	f.http.StartTLS()
	f.ca = x509.NewCertPool()
	f.ca.AddCert(must(x509.ParseCertificate(cert.Certificate[0])))
	mine := f.http // a test may start another one
	f.t.Cleanup(func() { f.cut(); mine.Close(); f.cut() })
}

func (f *toy) now() time.Time { return time.Now().Add(time.Duration(f.clockOff.Load())) }

func (f *toy) lost() bool { n := f.lose.Load(); return n > 0 && mathrand.Int32N(n) == 0 }

// cut closes all WebSockets, as a server that dies.
func (f *toy) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.conns {
		_ = c.Close()
	}
}

func (f *toy) bridge(w http.ResponseWriter, r *http.Request) {
	if f.deaf.Load() {
		http.Error(w, "no", http.StatusBadGateway)
		return
	}
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	inner := must(f.nats.InProcessConn())
	f.mu.Lock()
	f.conns[ws.NetConn()] = true
	f.mu.Unlock()
	f.tunnels.Add(1)
	over := func() { _ = ws.Close(); _ = inner.Close() }
	go func() {
		defer over()
		b := make([]byte, 4096)
		for {
			n, err := inner.Read(b)
			if err != nil {
				return
			}
			if !f.mute.Load() && ws.WriteMessage(websocket.BinaryMessage, b[:n]) != nil {
				return
			}
		}
	}()
	defer over()
	for {
		_, rd, err := ws.NextReader()
		if err != nil {
			return
		}
		b, err := io.ReadAll(rd)
		if err != nil {
			return
		}
		if f.mute.Load() {
			continue
		}
		if _, err := inner.Write(b); err != nil {
			return
		}
	}
}

func (f *toy) ingest(b []byte) any {
	if f.later.Load() {
		return provisioning.Ack{Why: "later"}
	}
	evs, err := provisioning.DecodeEvents(b)
	if err != nil {
		return provisioning.Ack{Why: "invalid"}
	}
	f.keep(evs)
	return provisioning.Ack{OK: true}
}

func (f *toy) keep(evs []provisioning.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range evs {
		key := [2]int64{e.Epoch, e.Seq}
		if _, there := f.events[key]; there {
			f.twice++
			continue
		}
		f.events[key] = e
		f.order = append(f.order, e)
	}
}

func (f *toy) hello(provisioning.Hello) any {
	f.mu.Lock()
	defer f.mu.Unlock()
	return provisioning.Welcome{Clock: f.now().UnixMicro(), Commands: f.pending, Renew: f.renew.Load()}
}

func (f *toy) beat(b provisioning.Beat) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.beats = append(f.beats, b)
}

// credential is one for a key.
func (f *toy) credential(key string) provisioning.Credential {
	u := jwt.NewUserClaims(key)
	u.Name, u.IssuerAccount = kioskID, public(f.account)
	u.Tags.Add("structure:" + structure)
	expires := f.now().Add(90 * 24 * time.Hour)
	u.Expires = expires.Unix()
	u.SetScoped(true)
	return provisioning.Credential{
		Structure: structure, Kiosk: kioskID, Label: "Hall", Token: must(u.Encode(f.signer)), Expires: expires.Unix(),
		Keys: []string{base64.RawURLEncoding.EncodeToString(f.sign.Public().(ed25519.PublicKey))}, Clock: f.now().UnixMicro(),
	}
}

func (f *toy) grant(a provisioning.RenewAsk) any {
	k, err := nkeys.FromPublicKey(a.Key)
	sig, _ := base64.RawURLEncoding.DecodeString(a.Signature)
	if err != nil || k.Verify([]byte(kioskID+a.Key), sig) != nil {
		return provisioning.Ack{Why: "invalid"}
	}
	f.mu.Lock()
	f.next = a.Key
	f.mu.Unlock()
	c := f.credential(a.Key)
	if f.noGrant.Load() {
		f.revoke(a.Key)
	}
	return c
}

// revoke closes what a key opened, and refuses it from now on.
func (f *toy) revoke(key string) {
	f.mu.Lock()
	f.revoked[key] = time.Now()
	token := f.accountToken()
	f.mu.Unlock()
	claims := must(jwt.DecodeAccountClaims(token))
	acc := must(f.nats.LookupAccount(public(f.account)))
	f.nats.UpdateAccountClaims(acc, claims)
}

func (f *toy) sync(w http.ResponseWriter, r *http.Request) {
	f.syncs.Add(1)
	f.mu.Lock()
	f.syncAt = append(f.syncAt, time.Now())
	f.mu.Unlock()
	body, err := io.ReadAll(io.LimitReader(r.Body, provisioning.MaxMessage+1))
	if err != nil || f.authorise(r.Header.Get("Authorization"), body) != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s, err := provisioning.DecodeSync(body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	a := provisioning.SyncAnswer{Welcome: f.hello(s.Hello).(provisioning.Welcome)}
	if len(s.Events) > 0 {
		a.Ack = f.ingest(must(json.Marshal(s.Events))).(provisioning.Ack)
	}
	f.mu.Lock()
	f.answers = append(f.answers, s.Results...)
	f.mu.Unlock()
	f.beat(s.Hello.Beat)
	if s.Renew != nil {
		if c, ok := f.grant(*s.Renew).(provisioning.Credential); ok {
			a.Credential = &c
		}
	}
	if f.lost() {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(a)
}

func (f *toy) authorise(header string, body []byte) error {
	p := strings.Split(header, " ")
	if len(p) != 4 || p[0] != "Kiosk" || f.refuseAll.Load() {
		return errors.New("no credential")
	}
	u, err := jwt.DecodeUserClaims(p[1])
	if err != nil {
		return err
	}
	seconds, err := strconv.ParseInt(p[2], 10, 64)
	if err != nil || f.now().Sub(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return errors.New("clock")
	}
	f.mu.Lock()
	_, gone := f.revoked[u.Subject]
	f.mu.Unlock()
	sig, err := base64.RawURLEncoding.DecodeString(p[3])
	if err != nil || gone || u.Issuer != public(f.signer) {
		return errors.New("refused")
	}
	return must(nkeys.FromPublicKey(u.Subject)).Verify(append([]byte(p[2]+"\n"), body...), sig)
}

func (f *toy) enrol(w http.ResponseWriter, r *http.Request) {
	body := must(io.ReadAll(r.Body))
	a, err := provisioning.DecodeEnrolAsk(body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	sig, _ := base64.RawURLEncoding.DecodeString(a.Signature)
	if must(nkeys.FromPublicKey(a.Key)).Verify([]byte(provisioning.NormalCode(a.Code)+a.Key), sig) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	_ = json.NewEncoder(w).Encode(f.credential(a.Key))
}

// identity is a kiosk that this server knows.
func (f *toy) identity() *enrol.Identity {
	id, err := enrol.Ask(f.t.Context(), enrol.Options{Server: f.http.URL, Code: "x", CA: f.ca, Version: "1"})
	if err != nil {
		f.t.Fatal(err)
	}
	return id
}

// results are those of a command that came as events.
func (f *toy) results(id string) (r []provisioning.Status) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.order {
		if e.Result != nil && e.Result.ID == id {
			r = append(r, e.Result.Status)
		}
	}
	return r
}

// state is the newest one.
func (f *toy) state() *provisioning.State {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := len(f.order) - 1; i >= 0; i-- {
		if f.order[i].State != nil {
			return f.order[i].State
		}
	}
	return nil
}

func (f *toy) command(c provisioning.Command) provisioning.Signed {
	if c.Structure == "" {
		c.Structure, c.Kiosk = structure, kioskID
	}
	if c.Issued == 0 {
		c.Issued, c.Expires = f.now().Unix(), f.now().Add(time.Hour).Unix()
	}
	return must(provisioning.Sign(f.sign, c))
}

// tell sends a command over the live connection and gives the direct answer.
func (f *toy) tell(s provisioning.Signed) (provisioning.Result, error) {
	m, err := f.nc.Request(provisioning.Down(structure, kioskID, provisioning.DownCmd), must(json.Marshal(s)), 10*time.Second)
	if err != nil {
		return provisioning.Result{}, err
	}
	return provisioning.DecodeResult(m.Data)
}
