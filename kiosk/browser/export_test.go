package browser

import (
	"context"
	"encoding/json"

	"pointnum/kiosk"
)

// Eval runs a script in the page in front, as a touch would: tests only.
func Eval(ctx context.Context, b kiosk.Browsing, script string, result any) error {
	p, pg, err := b.(*visit).current()
	if err != nil {
		return err
	}
	var r struct {
		Result struct{ Value json.RawMessage }
	}
	err = p.b.Call(ctx, pg.session, "Runtime.evaluate", params{
		"expression": script, "returnByValue": true, "awaitPromise": true, "userGesture": true,
	}, &r)
	if err != nil || result == nil || len(r.Result.Value) == 0 {
		return err
	}
	return json.Unmarshal(r.Result.Value, result)
}

// Click touches a place of the page in front.
func Click(ctx context.Context, b kiosk.Browsing, x, y float64) error {
	p, pg, err := b.(*visit).current()
	if err != nil {
		return err
	}
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		err := p.b.Call(ctx, pg.session, "Input.dispatchMouseEvent", params{
			"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1,
		}, nil)
		if err != nil {
			return err
		}
	}
	return nil
}

// PID is the browser process of a visit; 0 while it is being replaced.
func PID(b kiosk.Browsing) int {
	p, _, err := b.(*visit).current()
	if err != nil {
		return 0
	}
	return p.b.PID()
}

// Crash breaks the page in front.
func Crash(b kiosk.Browsing) {
	if p, pg, err := b.(*visit).current(); err == nil {
		p.tell(pg.session, "Page.crash", nil)
	}
}
