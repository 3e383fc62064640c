package visits

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// view is what of a screen's view a visit needs.
type view struct {
	Section string
	Wiped   bool
	Scan    struct{ OK bool }
	Fault   *struct{ Code string }
	Review  struct{ Pages []struct{ Ready bool } }
	Browse  *struct {
		Attached int
		Tray     *struct {
			Papers []struct{ ID string }
		}
	}
	lost error // there are no more
}

// Times are those of one visit.
type Times struct {
	Paint time.Duration // from "open the portal" to its first paint
	Wipe  time.Duration // from "I have finished" to the proof that all is erased
}

// follow reads the views until the socket ends. It reads all the time: the
// agent asks whether somebody does.
func (k *Kiosk) follow() {
	for {
		var v view
		if err := k.socket.ReadJSON(&v); err != nil {
			k.views.Set(view{lost: err})
			return
		}
		k.views.Set(v)
	}
}

// until waits for a view, and keeps it.
func (k *Kiosk) until(ctx context.Context, what string, is func(view) bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for seq := uint64(0); ; {
		v, next, err := k.views.Wait(ctx, seq)
		if err == nil {
			seq, k.seen, err = next, v, v.lost
		}
		switch {
		case err != nil:
			return fmt.Errorf("visits: wait for %s on screen %s: %w", what, k.seen.Section, err)
		case is(v):
			return nil
		case v.Fault != nil && v.Section == "fault":
			return fmt.Errorf("visits: wait for %s: fault %s", what, v.Fault.Code)
		}
	}
}

// Visit makes a visit: a paper of two pages is scanned, made fit for the
// portal and attached there.
func (k *Kiosk) Visit(ctx context.Context) (t Times, err error) {
	if err := k.scan(ctx); err != nil {
		return t, err
	}
	painted := len(k.Portal.Painted())
	touched := time.Now()
	if err := k.act(ctx, "open-portal", `{"portal":"`+portalID+`"}`); err != nil {
		return t, err
	}
	if err := k.until(ctx, "the portal", func(v view) bool { return v.Section == "browse" }); err != nil {
		return t, err
	}
	if err := wait(ctx, "the first paint", func() bool { return len(k.Portal.Painted()) > painted }); err != nil {
		return t, err
	}
	t.Paint = k.Portal.Painted()[painted].Sub(touched)
	if err := k.attach(ctx); err != nil {
		return t, err
	}
	left := time.Now()
	if err := k.act(ctx, "leave", `{}`); err != nil {
		return t, err
	}
	if err := k.until(ctx, "the proof", func(v view) bool { return v.Section == "goodbye" && v.Wiped || v.Section == "broken" }); err != nil {
		return t, err
	}
	t.Wipe = time.Since(left)
	if !k.seen.Wiped {
		return t, fmt.Errorf("visits: the wipe failed: %s", k.stderr.String())
	}
	k.Portal.Forget()
	return t, nil
}

func (k *Kiosk) scan(ctx context.Context) error {
	if err := k.lay(ctx, 2); err != nil {
		return err
	}
	for _, step := range []struct {
		act, body, what string
		is              func(view) bool
	}{
		{"start", `{"lang":"fr"}`, "the scan screen", func(v view) bool { return v.Section == "scan" }},
		{"scan", `{}`, "two pages", func(v view) bool {
			return v.Section == "review" && len(v.Review.Pages) == 2 && !slices.ContainsFunc(v.Review.Pages, func(p struct{ Ready bool }) bool { return !p.Ready })
		}},
		{"go", `{"screen":"portal"}`, "the portals", func(v view) bool { return v.Section == "portal" }},
		{"choose", `{"portal":"` + portalID + `","kind":"rent_certificate"}`, "the result", func(v view) bool { return v.Section == "result" }},
	} {
		if err := k.act(ctx, step.act, step.body); err != nil {
			return err
		}
		if err := k.until(ctx, step.what, step.is); err != nil {
			return err
		}
	}
	return nil
}

// lay puts sheets into the scanner, by its panel.
func (k *Kiosk) lay(ctx context.Context, n int) error {
	form := url.Values{"sheets": {strconv.Itoa(n)}, "from": {"1"}, "total": {strconv.Itoa(n)}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, k.bench.PanelURL()+"load", strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("visits: sheets: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := k.client.Do(r)
	if err != nil {
		return fmt.Errorf("visits: sheets: %w", err)
	}
	return answer.Body.Close()
}

// attach touches the field, which has the cursor, by a key, and gives the
// paper; the portal has to get it.
func (k *Kiosk) attach(ctx context.Context) error {
	before := len(k.Portal.Received())
	if err := k.act(ctx, "press", `{"key":"Enter"}`); err != nil {
		return err
	}
	if err := k.until(ctx, "the question for a paper", func(v view) bool {
		return v.Section == "ask-file" && v.Browse != nil && v.Browse.Tray != nil && len(v.Browse.Tray.Papers) > 0
	}); err != nil {
		return err
	}
	if err := k.act(ctx, "attach", `{"document":"`+k.seen.Browse.Tray.Papers[0].ID+`"}`); err != nil {
		return err
	}
	if err := k.until(ctx, "the file given", func(v view) bool { return v.Browse != nil && v.Browse.Attached == 1 }); err != nil {
		return err
	}
	return wait(ctx, "the upload", func() bool {
		all := k.Portal.Received()
		return len(all) > before && all[len(all)-1].Refusal == ""
	})
}

// wait waits for a state outside of the agent.
func wait(ctx context.Context, what string, is func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("visits: wait for %s: %w", what, context.Cause(ctx))
		}
	}
	return nil
}
