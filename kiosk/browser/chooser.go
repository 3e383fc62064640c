package browser

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"

	"pointnum/kiosk"
	"pointnum/kiosk/browser/devtools"
	"pointnum/kiosk/browser/hints"
	"pointnum/kiosk/browser/hook"
)

// choice is a file that a page asks for.
type choice struct {
	kiosk.FileChoice
	proc    *process
	page    *page
	session string
	node    int    // the field's backend node
	object  string // the field in our own world
}

// objectGroup names what is held for a chooser.
const objectGroup = "pointnum-choice"

// chooser: a field asks for a file. It is held at once: a field that is in no
// document is collected before the visitor has chosen, otherwise.
func (p *process) chooser(ev devtools.Event) {
	var e struct {
		FrameID string `json:"frameId"`
		Mode    string `json:"mode"`
		Node    int    `json:"backendNodeId"`
	}
	if ev.Decode(&e) != nil || e.Node == 0 {
		return // a file system picker: it can't be answered, and the hook took it away
	}
	held, err := p.b.Send(ev.Session, "DOM.resolveNode", params{"backendNodeId": e.Node, "objectGroup": objectGroup})
	pg, _ := p.pageOf(ev.Session, e.FrameID)
	p.mu.Lock()
	s, v := p.sessions[ev.Session], p.visit
	p.mu.Unlock()
	if err != nil || s == nil || v == nil || s.page == nil {
		return
	}
	if pg == nil {
		pg = s.page
	}
	c := &choice{proc: p, page: pg, session: ev.Session, node: e.Node}
	p.spawn(func(ctx context.Context) {
		if held.Wait(ctx, nil) != nil {
			return
		}
		info, err := p.readField(ctx, c, e.FrameID)
		if err != nil {
			v.b.o.Log.Warn("file field can't be read", "err", fault("chooser", err))
		}
		c.Multiple = e.Mode == "selectMultiple" || info.Multiple
		c.Folder = info.Folder
		c.hint(info)
		v.ask(c)
	})
}

// hint reads what the field and the text near it say.
func (c *choice) hint(info hook.FieldInfo) {
	c.Formats, c.MaxBytes, c.MaxTotal, c.MaxFiles = hints.Read(info.Accept, info.Near)
	formats, most, total, files := hints.Read("", info.Wide)
	if len(c.Formats) == 0 {
		c.Formats = formats
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = most
	}
	if c.MaxTotal == 0 {
		c.MaxTotal = total
	}
	if c.MaxFiles == 0 {
		c.MaxFiles = files
	}
	if !c.Multiple {
		c.MaxFiles = 0
	}
}

// readField takes the field into our own world and asks it about itself.
func (p *process) readField(ctx context.Context, c *choice, frame string) (info hook.FieldInfo, err error) {
	var world struct {
		ID int `json:"executionContextId"`
	}
	err = p.b.Call(ctx, c.session, "Page.createIsolatedWorld", params{"frameId": frame, "worldName": hook.World}, &world)
	if err != nil {
		return info, err
	}
	var r struct {
		Object struct {
			ID string `json:"objectId"`
		} `json:"object"`
	}
	err = p.b.Call(ctx, c.session, "DOM.resolveNode", params{
		"backendNodeId": c.node, "executionContextId": world.ID, "objectGroup": objectGroup,
	}, &r)
	if err != nil {
		return info, err
	}
	c.object = r.Object.ID
	err = p.callOn(ctx, c, hook.Field, &info)
	return info, err
}

// callOn runs a function on the field in our own world.
func (p *process) callOn(ctx context.Context, c *choice, function string, result any) error {
	a, err := p.sendOn(c, function)
	if err != nil {
		return err
	}
	return waitOn(ctx, a, result)
}

func (p *process) sendOn(c *choice, function string) (*devtools.Answer, error) {
	return p.b.Send(c.session, "Runtime.callFunctionOn", params{
		"objectId": c.object, "functionDeclaration": function, "returnByValue": true, "awaitPromise": true,
	})
}

func waitOn(ctx context.Context, a *devtools.Answer, result any) error {
	var r struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Exception json.RawMessage `json:"exceptionDetails"`
	}
	if err := a.Wait(ctx, &r); err != nil {
		return err
	}
	if len(r.Exception) > 0 {
		return errors.New("the script in the page failed") // its text is the page's
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(r.Result.Value, result)
}

// ask puts a choice before the visitor. One that was open is refused.
func (v *visit) ask(c *choice) {
	c.ID = rand.Text()
	v.mu.Lock()
	old := v.choice
	if v.proc != c.proc || v.closed {
		v.mu.Unlock()
		return
	}
	v.choice = c
	v.mu.Unlock()
	if old != nil {
		c.proc.spawn(func(ctx context.Context) { _ = old.cancel(ctx) }) // its page may be gone
	}
	v.changed()
}

// cancel tells the page that nothing was chosen.
func (c *choice) cancel(ctx context.Context) error {
	if c.Drop || c.object == "" {
		return nil
	}
	return c.proc.callOn(ctx, c, hook.Cancel, nil)
}

// dropChoice forgets an open choice whose page is no more.
func (v *visit) dropChoice(match func(*choice) bool) {
	v.mu.Lock()
	if v.choice != nil && match(v.choice) {
		v.choice = nil
	}
	v.mu.Unlock()
}

// openChoice gives the open choice of that id.
func (v *visit) openChoice(id string) (*choice, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed || v.choice == nil || v.choice.ID != id {
		return nil, badRequest("choice", "it is not open any more")
	}
	return v.choice, nil
}

// settle closes a choice that was answered.
func (v *visit) settle(c *choice) {
	v.dropChoice(func(open *choice) bool { return open == c })
	c.proc.tell(c.session, "Runtime.releaseObjectGroup", params{"objectGroup": objectGroup})
	v.changed()
}

// Refuse answers a choice with nothing; see kiosk.Browsing.
func (v *visit) Refuse(ctx context.Context, id string) error {
	c, err := v.openChoice(id)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err = c.cancel(ctx)
	v.settle(c)
	return fault("refuse", err)
}

// Attach answers a choice with files; see kiosk.Browsing.
func (v *visit) Attach(ctx context.Context, id string, files []kiosk.Attachment) error {
	c, err := v.openChoice(id)
	if err != nil {
		return err
	}
	if len(files) == 0 || (len(files) > 1 && !c.Multiple && !c.Drop && !c.Folder) {
		return badRequest("attach", "not as many files as the page asks for")
	}
	paths, sizes, err := c.proc.put(files, c.Folder)
	if err != nil {
		return &kiosk.Error{Code: kiosk.CodeInternal, Op: "browser: attach", Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if c.Drop {
		err = c.drop(ctx, paths)
	} else {
		err = c.set(ctx, paths, sizes)
	}
	if err != nil {
		return fault("attach", err)
	}
	v.settle(c)
	return nil
}

// put copies files to where the browser reads them. In one folder, what is
// given to the page is the folder's path.
func (p *process) put(files []kiosk.Attachment, inOne bool) (paths []string, sizes []int64, err error) {
	dir := ""
	if inOne {
		if dir, err = p.cell.Folder(); err != nil {
			return nil, nil, err
		}
		paths = []string{dir}
	}
	for _, f := range files {
		r, err := f.Open()
		if err != nil {
			return nil, nil, err
		}
		path := ""
		if inOne {
			_, err = p.cell.PutIn(dir, f.Name, f.Size, r)
		} else if path, err = p.cell.Put(f.Name, f.Size, r); err == nil {
			paths = append(paths, path)
		}
		if err = errors.Join(err, r.Close()); err != nil {
			return nil, nil, err
		}
		sizes = append(sizes, f.Size)
	}
	return paths, sizes, nil
}

// set puts the files into the field and has the field say what it has: the
// browser itself says nothing when it can't read a file. A page that goes on
// at once, or that empties its field after reading it, has had them.
func (c *choice) set(ctx context.Context, paths []string, sizes []int64) error {
	watch, err := c.proc.sendOn(c, hook.Watch)
	if err != nil {
		return err
	}
	err = c.proc.b.Call(ctx, c.session, "DOM.setFileInputFiles", params{"files": paths, "backendNodeId": c.node}, nil)
	if err != nil {
		return err
	}
	soon, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	var got []int64
	err = waitOn(soon, watch, &got)
	if _, refused := errors.AsType[*devtools.Error](err); refused {
		return nil // the page has gone on to the next
	}
	if err != nil {
		if err := c.proc.callOn(ctx, c, hook.Sizes, &got); err != nil {
			return err
		}
	}
	slices.Sort(got) // a folder's come in any order
	slices.Sort(sizes)
	if !slices.Equal(got, sizes) {
		return errors.New("the page did not get the files")
	}
	return nil
}
