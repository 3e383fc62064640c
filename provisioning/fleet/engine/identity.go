package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/keys"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
)

// credential is what a kiosk gets for one of its keys.
func (e *Engine) credential(k fleet.Kiosk, key string, expires time.Time) (provisioning.Credential, error) {
	token, err := e.ring.Token(k, key, expires)
	if err != nil {
		return provisioning.Credential{}, err
	}
	return provisioning.Credential{Structure: k.Structure, Kiosk: k.ID, Label: k.Label, Token: token, Expires: expires.Unix(),
		Keys: e.ring.CommandKeys(), Clock: e.o.Now().UnixMicro()}, nil
}

// renew gives a kiosk a credential for its next key; why says that it does not.
func (e *Engine) renew(ctx context.Context, k fleet.Kiosk, ask provisioning.RenewAsk) (c provisioning.Credential, why string) {
	if !keys.Possesses(ask.Key, ask.Signature, []byte(k.ID+ask.Key)) {
		return c, whyInvalid
	}
	expires := e.o.Now().Add(e.o.Lifetime)
	err := e.store.Renew(ctx, k.ID, ask.Key, expires)
	if err == nil {
		c, err = e.credential(k, ask.Key, expires)
	}
	switch {
	case errors.Is(err, fleet.ErrExists):
		return c, whyInvalid
	case err != nil:
		e.log.Warn("a credential is not renewed", "kiosk", k.ID, "error", err)
		return c, whyLater
	}
	e.presence.awaits(k.Structure, k.ID, ask.Key)
	if k.NextKey != "" && k.NextKey != ask.Key {
		e.askPush() // that one was never used and is refused now
	}
	return c, ""
}

// keyUsed ends a kiosk's old key once it has come with its next one.
func (e *Engine) keyUsed(ctx context.Context, id, key string) {
	old, err := e.store.KeyUsed(ctx, id, key)
	if err != nil {
		e.log.Warn("the first use of a key is not stored", "kiosk", id, "error", err)
		return
	}
	if old != "" {
		e.log.Info("a kiosk uses its next key", "kiosk", id)
		e.askPush()
		e.tell(subjectKeys, nil)
	}
}

// Revoke ends the identity of a kiosk of the scope, for ever: its connection
// is closed within a second on all servers, and nothing lets it in again.
// When it fails after the store has it, Run goes on trying.
func (e *Engine) Revoke(ctx context.Context, sc fleet.Scope, kiosk string) error {
	k, err := e.store.Revoke(ctx, sc, kiosk)
	if err != nil {
		return fmt.Errorf("engine: revoke: %w", err)
	}
	e.tell(subjectKeys, []byte(k.ID))
	_, err = e.pushKeys(ctx)
	e.presence.out(k.ID)
	e.change(k.Structure, k.ID, "state")
	if err != nil {
		e.askPush()
		return fmt.Errorf("engine: revoke: the kiosk may still be connected: %w", err)
	}
	return nil
}

func (e *Engine) onKeys(m *nats.Msg) {
	if id := string(m.Data); provisioning.ValidID(id) {
		e.presence.out(id)
		e.crew.do(func(ctx context.Context) {
			if _, err := e.pushKeys(ctx); err != nil {
				e.askPush()
			}
		})
		return
	}
	e.askPush()
}

// askPush has Run look at the revoked keys.
func (e *Engine) askPush() {
	select {
	case e.push <- struct{}{}:
	default:
	}
}

// runKeys brings revoked keys to NATS when somebody asked, at least each
// minute, and again soon when it failed. Keys that were only replaced have
// time: a large fleet replaces one each minute.
func (e *Engine) runKeys(ctx context.Context) {
	every := time.NewTicker(keysEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.push:
		case <-every.C:
		}
		changed, err := e.pushKeys(ctx)
		pause := pushPause
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			e.log.Warn("revoked keys are not with nats", "error", err)
			e.askPush()
			pause = retryEvery
		case !changed:
			continue
		}
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
}

// forgetPushed has the next look bring the keys to NATS in any case.
func (e *Engine) forgetPushed() {
	e.pushing.Lock()
	e.pushed = nil
	e.pushing.Unlock()
	e.askPush()
}

// pushKeys puts the account with the revoked keys in force, if they are not
// those that NATS has: it closes the connections of those keys. When two
// servers do it at one time, each hears of the other's and looks again.
func (e *Engine) pushKeys(ctx context.Context) (changed bool, err error) {
	e.pushing.Lock()
	defer e.pushing.Unlock()
	ctx, cancel := context.WithTimeout(ctx, sqlTime)
	defer cancel()
	revoked, err := e.store.RevokedKeys(ctx)
	if err != nil {
		return false, err
	}
	now := make(map[string]int64, len(revoked))
	for key, at := range revoked {
		now[key] = at.Unix()
	}
	if e.pushed != nil && maps.Equal(now, e.pushed) {
		return false, nil
	}
	token, err := e.ring.Account(revoked)
	if err != nil {
		return false, err
	}
	if e.server != nil {
		err = e.pushEmbedded(token)
	} else {
		err = e.pushCluster(ctx, token)
	}
	if err != nil {
		return false, err
	}
	e.pushed = now
	return true, nil
}

func (e *Engine) pushEmbedded(token string) error {
	claims, err := jwt.DecodeAccountClaims(token)
	if err != nil {
		return err
	}
	if err := e.server.AccountResolver().Store(e.ring.AccountID(), token); err != nil {
		return err
	}
	account, err := e.server.LookupAccount(e.ring.AccountID())
	if err != nil {
		return err
	}
	e.server.UpdateAccountClaims(account, claims)
	return nil
}

// pushCluster tells all nodes; the first that has it answers.
func (e *Engine) pushCluster(ctx context.Context, token string) error {
	if !e.sysUp.Load() {
		return errors.New("not connected to nats")
	}
	m, err := e.sys.RequestMsgWithContext(ctx, &nats.Msg{Subject: "$SYS.REQ.CLAIMS.UPDATE", Data: []byte(token)})
	if err != nil {
		return err
	}
	var v struct {
		Data struct {
			Code int `json:"code"`
		} `json:"data"`
		Error struct {
			Description string `json:"description"`
		} `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &v); err != nil || v.Data.Code != 200 {
		return errors.New("nats refuses the account: " + strings.TrimSpace(v.Error.Description))
	}
	return nil
}
