package browser

import (
	"context"
	"encoding/base64"
	"fmt"

	"pointnum/kiosk"
	"pointnum/kiosk/browser/devtools"
	"pointnum/kiosk/browser/hook"
)

// key is a key of the kiosk's keyboard as DevTools wants it.
type key struct {
	code int    // Windows virtual key code
	text string // what it types
}

// keys are those that may be pressed: none leads out of a page.
var keys = map[string]key{
	"Backspace": {8, ""}, "Enter": {13, "\r"}, "Tab": {9, ""},
	"ArrowLeft": {37, ""}, "ArrowUp": {38, ""}, "ArrowRight": {39, ""}, "ArrowDown": {40, ""},
}

// Type puts text where the cursor is; see kiosk.Browsing.
func (v *visit) Type(ctx context.Context, text string) error {
	p, pg, err := v.current()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return fault("type", p.b.Call(ctx, pg.session, "Input.insertText", params{"text": text}, nil))
}

// Press presses a key; see kiosk.Browsing.
func (v *visit) Press(ctx context.Context, name string) error {
	k, ok := keys[name]
	if !ok {
		return badRequest("press", "not a key of the kiosk's")
	}
	p, pg, err := v.current()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	down := params{"type": "rawKeyDown", "key": name, "code": name, "windowsVirtualKeyCode": k.code}
	if k.text != "" {
		down["type"], down["text"] = "keyDown", k.text
	}
	if err := p.b.Call(ctx, pg.session, "Input.dispatchKeyEvent", down, nil); err != nil {
		return fault("press", err)
	}
	up := params{"type": "keyUp", "key": name, "code": name, "windowsVirtualKeyCode": k.code}
	return fault("press", p.b.Call(ctx, pg.session, "Input.dispatchKeyEvent", up, nil))
}

// Print gives the page in front as a PDF; see kiosk.Browsing.
func (v *visit) Print(ctx context.Context) ([]byte, error) {
	p, pg, err := v.current()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, printTimeout)
	defer cancel()
	var r struct {
		Data string `json:"data"`
	}
	err = p.b.Call(ctx, pg.session, "Page.printToPDF", params{
		"printBackground": true, "paperWidth": 8.27, "paperHeight": 11.69, "generateTaggedPDF": true,
	}, &r)
	if err != nil {
		return nil, fault("print", err)
	}
	pdf, err := base64.StdEncoding.DecodeString(r.Data)
	if err != nil {
		return nil, fault("print", err)
	}
	return pdf, nil
}

// told reads what the page's hook tells.
func (p *process) told(ev devtools.Event) {
	var e struct {
		Name    string `json:"name"`
		Payload string `json:"payload"`
		Context int    `json:"executionContextId"`
	}
	if ev.Decode(&e) != nil || e.Name != hook.Binding {
		return
	}
	m, err := hook.Decode(e.Payload)
	if err != nil {
		return
	}
	p.mu.Lock()
	s, v := p.sessions[ev.Session], p.visit
	if s == nil || s.page == nil || v == nil {
		p.mu.Unlock()
		return
	}
	pg, frame := s.page, s.frames[e.Context]
	if m.Kind == "focus" {
		if m.Field != "" {
			clear(pg.focus) // there is one cursor
		}
		pg.focus[focusKey(s.id, e.Context)] = m.Field
	}
	p.mu.Unlock()
	switch m.Kind {
	case "print":
		v.mu.Lock()
		v.prints++
		v.mu.Unlock()
	case "touch":
		v.touch()
	case "scheme":
		v.stop(p, pg, kiosk.StopScheme)
	case "drop":
		p.spawn(func(ctx context.Context) { v.dropZone(ctx, p, s, frame, m) })
	}
	v.changed()
}

func focusKey(session string, contextID int) string { return fmt.Sprintf("%s/%d", session, contextID) }

// contextMade notes which frame a context is of.
func (p *process) contextMade(ev devtools.Event) {
	var e struct {
		Context struct {
			ID  int `json:"id"`
			Aux struct {
				Frame string `json:"frameId"`
			} `json:"auxData"`
		} `json:"context"`
	}
	if ev.Decode(&e) != nil || e.Context.Aux.Frame == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.sessions[ev.Session]; s != nil {
		s.frames[e.Context.ID] = e.Context.Aux.Frame
	}
}

// contextGone forgets a context that is no more, and the cursor in it.
func (p *process) contextGone(ev devtools.Event) {
	var e struct {
		Context int `json:"executionContextId"`
	}
	if ev.Decode(&e) != nil {
		return
	}
	p.mu.Lock()
	if s := p.sessions[ev.Session]; s != nil && s.page != nil {
		if e.Context == 0 { // all of them
			clear(s.frames)
		}
		delete(s.frames, e.Context)
		delete(s.page.focus, focusKey(s.id, e.Context))
	}
	p.mu.Unlock()
	p.changed()
}
