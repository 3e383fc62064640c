package devtools

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// Page is a tab with a session of its own.
type Page struct {
	b       *Browser
	Target  string
	Session string
}

// OpenPage opens a blank tab and attaches to it. Page and runtime events are
// switched on.
func (b *Browser) OpenPage(ctx context.Context) (*Page, error) {
	var created struct {
		TargetID string `json:"targetId"`
	}
	if err := b.Call(ctx, "", "Target.createTarget", map[string]any{"url": "about:blank"}, &created); err != nil {
		return nil, err
	}
	var attached struct {
		SessionID string `json:"sessionId"`
	}
	err := b.Call(ctx, "", "Target.attachToTarget",
		map[string]any{"targetId": created.TargetID, "flatten": true}, &attached)
	if err != nil {
		return nil, err
	}
	p := &Page{b: b, Target: created.TargetID, Session: attached.SessionID}
	for _, method := range []string{"Page.enable", "Runtime.enable"} {
		if err := p.Call(ctx, method, nil, nil); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Call is Browser.Call in the page's session.
func (p *Page) Call(ctx context.Context, method string, params, result any) error {
	return p.b.Call(ctx, p.Session, method, params, result)
}

// Subscribe is Browser.Subscribe for the page's session only.
func (p *Page) Subscribe(methods ...string) *Events {
	return p.b.subscribe(&p.Session, methods)
}

// Close closes the tab.
func (p *Page) Close(ctx context.Context) error {
	return p.b.Call(ctx, "", "Target.closeTarget", map[string]any{"targetId": p.Target}, nil)
}

// Navigate opens an address and returns when the page has loaded.
func (p *Page) Navigate(ctx context.Context, url string) error {
	loaded := p.Subscribe("Page.loadEventFired")
	defer loaded.Close()
	var r struct {
		ErrorText string `json:"errorText"`
	}
	if err := p.Call(ctx, "Page.navigate", map[string]any{"url": url}, &r); err != nil {
		return err
	}
	if r.ErrorText != "" {
		return fmt.Errorf("devtools: open the page: %s", r.ErrorText)
	}
	_, err := loaded.Next(ctx)
	return err
}

// Eval runs a script's expression in the page, waits for its promise if it is
// one, and decodes its value into result, which may be nil. A thrown exception
// is an error.
func (p *Page) Eval(ctx context.Context, script string, result any) error {
	var r struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Exception *struct {
			Text      string `json:"text"`
			Exception struct {
				Description string `json:"description"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
	}
	err := p.Call(ctx, "Runtime.evaluate", map[string]any{
		"expression": script, "returnByValue": true, "awaitPromise": true, "userGesture": true,
	}, &r)
	if err != nil {
		return err
	}
	if r.Exception != nil {
		return fmt.Errorf("devtools: script: %s %s", r.Exception.Text, r.Exception.Exception.Description)
	}
	if result == nil || len(r.Result.Value) == 0 {
		return nil
	}
	if err := json.Unmarshal(r.Result.Value, result); err != nil {
		return fmt.Errorf("devtools: script: decode: %w", err)
	}
	return nil
}

// Screen sets the size of the page's screen in CSS pixels.
func (p *Page) Screen(ctx context.Context, width, height int) error {
	return p.Call(ctx, "Emulation.setDeviceMetricsOverride", map[string]any{
		"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false,
	}, nil)
}

// Phone makes the page's screen a phone's, 390 × 844 CSS pixels with touch.
func (p *Page) Phone(ctx context.Context) error {
	err := p.Call(ctx, "Emulation.setDeviceMetricsOverride", map[string]any{
		"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": true,
	}, nil)
	if err != nil {
		return err
	}
	return p.Call(ctx, "Emulation.setTouchEmulationEnabled", map[string]any{"enabled": true}, nil)
}

// Choose puts the files of paths into the file field that a CSS selector
// names, as its picker does. The paths are absolute.
func (p *Page) Choose(ctx context.Context, selector string, paths ...string) error {
	var doc struct{ Root struct{ NodeID int } }
	if err := p.Call(ctx, "DOM.getDocument", nil, &doc); err != nil {
		return err
	}
	var field struct{ NodeID int }
	err := p.Call(ctx, "DOM.querySelector", map[string]any{"nodeId": doc.Root.NodeID, "selector": selector}, &field)
	if err != nil {
		return err
	}
	return p.Call(ctx, "DOM.setFileInputFiles", map[string]any{"nodeId": field.NodeID, "files": paths}, nil)
}

// Screenshot takes what the screen shows as a PNG.
func (p *Page) Screenshot(ctx context.Context) ([]byte, error) {
	var r struct {
		Data string `json:"data"`
	}
	if err := p.Call(ctx, "Page.captureScreenshot", map[string]any{"format": "png"}, &r); err != nil {
		return nil, err
	}
	img, err := base64.StdEncoding.DecodeString(r.Data)
	if err != nil {
		return nil, fmt.Errorf("devtools: screenshot: %w", err)
	}
	return img, nil
}
