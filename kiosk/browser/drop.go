package browser

import (
	"context"
	"errors"
	"time"

	"pointnum/kiosk/browser/hook"
)

// dropZone: a zone to drop files on was touched in a frame, and no chooser
// came. What was touched is held in our own world of that frame.
func (v *visit) dropZone(ctx context.Context, p *process, s *session, frame string, m hook.Message) {
	pg := s.page
	v.mu.Lock()
	open := v.choice != nil && v.choice.page == pg
	v.mu.Unlock()
	if open || frame == "" {
		return
	}
	c := &choice{proc: p, page: pg, session: s.id}
	var world struct {
		ID int `json:"executionContextId"`
	}
	err := p.b.Call(ctx, s.id, "Page.createIsolatedWorld", params{"frameId": frame, "worldName": hook.World}, &world)
	if err != nil {
		return // the frame has gone on
	}
	var r struct {
		Result struct {
			ID string `json:"objectId"`
		} `json:"result"`
	}
	err = p.b.Call(ctx, s.id, "Runtime.evaluate", params{
		"expression": hook.Touched, "contextId": world.ID, "objectGroup": objectGroup, "silent": true,
	}, &r)
	if err != nil || r.Result.ID == "" {
		return
	}
	c.object = r.Result.ID
	c.Drop, c.Multiple = true, true
	info := hook.FieldInfo{}
	if err := p.callOn(ctx, c, hook.Field, &info); err != nil {
		v.b.o.Log.Warn("zone can't be read", "err", fault("drop", err))
	}
	info.Near = append(m.Near, info.Near...)
	info.Accept = "" // a zone has none
	c.hint(info)
	v.ask(c)
}

// spot is a point of a page, in CSS pixels from the viewport's corner.
type spot struct{ x, y float64 }

// box gives an element's corner, and its width, in its session's viewport.
func (p *process) box(ctx context.Context, session string, element params) (corner, middle spot, width float64, err error) {
	var r struct {
		Quads [][]float64 `json:"quads"`
	}
	if err := p.b.Call(ctx, session, "DOM.getContentQuads", element, &r); err != nil {
		return spot{}, spot{}, 0, err
	}
	if len(r.Quads) == 0 || len(r.Quads[0]) != 8 {
		return spot{}, spot{}, 0, errors.New("what was touched is not seen any more")
	}
	q := r.Quads[0]
	return spot{q[0], q[1]}, spot{(q[0] + q[4]) / 2, (q[1] + q[5]) / 2}, q[2] - q[0], nil
}

// onPage gives where the zone is on its page now. What is in a frame of
// another process is placed by the frame's owner in the page around it. The
// screen is not asked: a page without a window has its own idea of it.
func (c *choice) onPage(ctx context.Context) (spot, error) {
	p := c.proc
	_, at, _, err := p.box(ctx, c.session, params{"objectId": c.object})
	if err != nil {
		return spot{}, err
	}
	for id := c.session; ; {
		p.mu.Lock()
		s := p.sessions[id]
		p.mu.Unlock()
		switch {
		case s == nil:
			return spot{}, errors.New("the frame is gone")
		case s.top:
			return at, nil
		}
		var owner struct {
			Node int `json:"backendNodeId"`
		}
		if err := p.b.Call(ctx, s.parent, "DOM.getFrameOwner", params{"frameId": s.target}, &owner); err != nil {
			return spot{}, err
		}
		corner, _, width, err := p.box(ctx, s.parent, params{"backendNodeId": owner.Node})
		if err != nil {
			return spot{}, err
		}
		scale, err := p.scale(ctx, id, width)
		if err != nil {
			return spot{}, err
		}
		at = spot{corner.x + at.x*scale, corner.y + at.y*scale}
		id = s.parent
	}
}

// scale says how large a frame shows its own pixels: a page that is made
// larger makes its frames larger, too.
func (p *process) scale(ctx context.Context, session string, width float64) (float64, error) {
	var r struct {
		Result struct {
			Value float64 `json:"value"`
		} `json:"result"`
	}
	err := p.b.Call(ctx, session, "Runtime.evaluate", params{"expression": "innerWidth", "returnByValue": true, "silent": true}, &r)
	if err != nil {
		return 0, err
	}
	if r.Result.Value < 1 {
		return 0, errors.New("the frame is not seen")
	}
	return width / r.Result.Value, nil
}

// rest gives where the zone is once it stands still in view.
func (c *choice) rest(ctx context.Context) (spot, error) {
	err := c.proc.b.Call(ctx, c.session, "DOM.scrollIntoViewIfNeeded", params{"objectId": c.object}, nil)
	if err != nil {
		return spot{}, err
	}
	last, err := c.onPage(ctx)
	for err == nil {
		if err := pause(ctx); err != nil {
			return spot{}, err
		}
		var now spot
		if now, err = c.onPage(ctx); err == nil && now == last {
			return now, nil
		}
		last = now
	}
	return spot{}, err
}

// pause is the pace of a hand: pages show their zone between two moves.
func pause(ctx context.Context) error {
	select {
	case <-time.After(50 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// drop drops the files on the zone, as a hand with a mouse would, and has the
// zone's frame say that they came: only a page that takes them sees a drop.
func (c *choice) drop(ctx context.Context, paths []string) error {
	at, err := c.rest(ctx)
	if err != nil {
		return err
	}
	seen, err := c.proc.sendOn(c, hook.Dropped)
	if err != nil {
		return err
	}
	for _, kind := range []string{"dragEnter", "dragOver", "drop"} {
		err := c.proc.b.Call(ctx, c.page.session, "Input.dispatchDragEvent", params{
			"type": kind, "x": at.x, "y": at.y,
			"data": params{"items": []any{}, "files": paths, "dragOperationsMask": 1},
		}, nil)
		if err != nil {
			return err
		}
		if kind == "drop" {
			break
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
	soon, cancel := context.WithTimeout(ctx, dropTimeout)
	defer cancel()
	var files int
	if err := waitOn(soon, seen, &files); err != nil {
		return errors.Join(errors.New("the zone did not take the files"), err)
	}
	if files != len(paths) {
		return errors.New("the zone did not get all files")
	}
	return nil
}
