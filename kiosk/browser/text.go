package browser

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"pointnum/kiosk/browser/hook"
)

// Limits of what is read of a page.
const (
	maxReadFrames = 30
	maxReadBytes  = 16_000
	maxLangBytes  = 35
)

// frameText is what a frame shows.
type frameText struct {
	Text     string `json:"text"`
	Lang     string `json:"lang"`
	Selected bool   `json:"selected"`
}

// Text gives what the page in front shows now, frame after frame, or what is
// selected in it; see kiosk.Browsing.
func (v *visit) Text(ctx context.Context) (text, lang string, err error) {
	p, pg, err := v.current()
	if err != nil {
		return "", "", err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var parts []string
	size := 0
	for _, f := range p.readable(ctx, pg) {
		t, err := p.frameText(ctx, f)
		if err != nil {
			if f.top && ctx.Err() == nil {
				return "", "", fault("text", err)
			}
			continue // a frame that has gone on
		}
		if f.top {
			lang = t.Lang[:min(len(t.Lang), maxLangBytes)]
		}
		if t.Selected {
			parts = []string{t.Text}
			break
		}
		if t.Text != "" && size < maxReadBytes {
			parts = append(parts, t.Text)
			size += len(t.Text)
		}
	}
	if ctx.Err() != nil {
		return "", "", fault("text", context.Cause(ctx))
	}
	text = strings.Join(parts, "\n")
	return strings.ToValidUTF8(text[:min(len(text), maxReadBytes)], ""), lang, nil
}

// readFrame is a frame and the session it is in.
type readFrame struct {
	session, frame string
	top            bool
}

// frameTree is what Chromium says of frames.
type frameTree struct {
	Frame struct {
		ID string `json:"id"`
	} `json:"frame"`
	Children []frameTree `json:"childFrames"`
}

// readable lists a page's frames, the page's own first; those in processes of
// their own come last.
func (p *process) readable(ctx context.Context, pg *page) []readFrame {
	p.mu.Lock()
	sessions := []string{pg.session}
	for id, s := range p.sessions {
		if s.page == pg && !s.top {
			sessions = append(sessions, id)
		}
	}
	p.mu.Unlock()
	var out []readFrame
	var walk func(session string, t frameTree, top bool)
	walk = func(session string, t frameTree, top bool) {
		if len(out) == maxReadFrames {
			return
		}
		out = append(out, readFrame{session, t.Frame.ID, top})
		for _, c := range t.Children {
			walk(session, c, false)
		}
	}
	for i, session := range sessions {
		var r struct {
			Tree frameTree `json:"frameTree"`
		}
		if p.b.Call(ctx, session, "Page.getFrameTree", nil, &r) == nil {
			walk(session, r.Tree, i == 0)
		}
	}
	return out
}

// frameText asks a frame in our own world, where its scripts change nothing.
func (p *process) frameText(ctx context.Context, f readFrame) (t frameText, err error) {
	var world struct {
		ID int `json:"executionContextId"`
	}
	err = p.b.Call(ctx, f.session, "Page.createIsolatedWorld", params{"frameId": f.frame, "worldName": hook.World}, &world)
	if err != nil {
		return t, err
	}
	var r struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Exception json.RawMessage `json:"exceptionDetails"`
	}
	err = p.b.Call(ctx, f.session, "Runtime.evaluate", params{
		"expression": "(" + hook.Text + ")()", "contextId": world.ID, "returnByValue": true, "silent": true,
	}, &r)
	if err != nil {
		return t, err
	}
	if len(r.Exception) > 0 {
		return t, errors.New("the script in the page failed") // its text is the page's
	}
	return t, json.Unmarshal(r.Result.Value, &t)
}
