package browser

import (
	"context"
	"crypto/rand"
	"io"
	"slices"

	"pointnum/kiosk"
	"pointnum/kiosk/browser/devtools"
)

// download is a file that a portal gives.
type download struct {
	kiosk.Download
	guid string
	proc *process
}

func (p *process) downloadBegins(ev devtools.Event) {
	var e struct {
		GUID    string `json:"guid"`
		FrameID string `json:"frameId"`
		Name    string `json:"suggestedFilename"`
	}
	if ev.Decode(&e) != nil {
		return
	}
	p.mu.Lock()
	v := p.visit
	popup := p.pageLocked(func(q *page) bool {
		return q.target == e.FrameID && q.opener != nil && (q.url == "" || q.url == "about:blank")
	})
	p.mu.Unlock()
	if v == nil || !v.addDownload(p, e.GUID, e.Name) {
		p.tell("", "Browser.cancelDownload", params{"guid": e.GUID})
	}
	if popup != nil {
		// It was opened for the file only.
		p.tell("", "Target.closeTarget", params{"targetId": popup.target})
	}
}

func (v *visit) addDownload(p *process, guid, name string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.downloads) >= maxDownloads || v.closed {
		return false
	}
	d := &download{guid: guid, proc: p}
	d.ID, d.Name = rand.Text(), name
	v.downloads = append(v.downloads, d)
	v.changed()
	return true
}

func (p *process) downloadGoesOn(ev devtools.Event) {
	var e struct {
		GUID     string  `json:"guid"`
		Received float64 `json:"receivedBytes"`
		State    string  `json:"state"`
	}
	v := p.used()
	if ev.Decode(&e) != nil || v == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	i := slices.IndexFunc(v.downloads, func(d *download) bool { return d.guid == e.GUID && d.proc == p })
	if i < 0 {
		return
	}
	d := v.downloads[i]
	d.Size = int64(e.Received)
	total := int64(0)
	for _, d := range v.downloads {
		total += d.Size
	}
	switch {
	case e.State == "completed":
		d.Done = true
	case e.State == "canceled":
		v.downloads = slices.Delete(v.downloads, i, i+1)
	case d.Size > maxDownloadBytes || total > maxDownloadTotal:
		p.tell("", "Browser.cancelDownload", params{"guid": e.GUID})
	}
	v.changed()
}

// Take gives what was downloaded, once; see kiosk.Browsing.
func (v *visit) Take(_ context.Context, id string) (io.ReadCloser, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	i := slices.IndexFunc(v.downloads, func(d *download) bool { return d.ID == id && d.Done })
	if i < 0 || v.closed {
		return nil, badRequest("take", "there is no such download")
	}
	d := v.downloads[i]
	r, err := d.proc.cell.Take(d.guid)
	if err != nil {
		return nil, &kiosk.Error{Code: kiosk.CodeInternal, Op: "browser: take", Err: err}
	}
	v.downloads = slices.Delete(v.downloads, i, i+1)
	v.takenOut = append(v.takenOut, r)
	v.changed()
	return r, nil
}
