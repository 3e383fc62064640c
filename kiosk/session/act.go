package session

import (
	"fmt"
	"slices"
	"strings"

	"pointnum/kiosk"
)

// handle does an action or refuses it.
func (e *Engine) handle(a Action) error {
	ok := false
	switch a := a.(type) {
	case StillHere:
		ok = e.ending == ""
	case CallHelp:
		ok = e.callHelp(true)
	case EndHelp:
		ok = e.callHelp(false)
	case ReadAloud:
		ok = e.readAloud(a)
	case SetLanguage:
		ok = e.setLanguage(a.Lang)
	case Start:
		ok = e.start(a)
	case Leave:
		if ok = e.visit != nil && e.ending == ""; ok {
			e.end(ReasonLeft)
			return nil
		}
	case Cancel:
		if ok = e.task != nil && e.ending == "" && e.task.public().CanCancel; ok {
			e.task.halted = true
			e.task.halt(errCanceled)
		}
	case PlaceBrowser:
		// The screen moves it, not a visitor.
		if ok = e.browse != nil && e.ending == ""; ok {
			e.browse.place.Set(a.Rect)
			return nil
		}
	default:
		ok = e.visit != nil && e.task == nil && e.ending == "" && e.act(a)
	}
	if !ok {
		return &kiosk.Error{Code: kiosk.CodeBadRequest, Op: fmt.Sprintf("session: %T", a)}
	}
	e.hushFor(a)
	e.touch()
	if _, here := a.(StillHere); !here {
		e.restore = false
	}
	e.takeDownload()
	e.takeOffer()
	switch a.(type) {
	case TypeText, PressKey, BrowserDo, ReadAloud: // nothing of it is journaled
		e.publish()
	default:
		e.changed()
	}
	return nil
}

func (e *Engine) start(a Start) bool {
	if e.visit != nil || e.task != nil || e.shut() || e.screen != ScreenWelcome && e.screen != ScreenGoodbye {
		return false
	}
	lang := a.Lang
	if lang == "" {
		lang = e.lang
	}
	if !validLang(lang) {
		return false
	}
	help := e.help
	e.visit = newVisit(lang, e.cfg.Now())
	e.visit.Help = help
	e.screen, e.wiped = ScreenWelcome, false
	e.count(Event{Kind: EventStarted})
	e.cfg.Log.Info("visit starts")
	return true
}

func (e *Engine) setLanguage(lang string) bool {
	if !validLang(lang) || e.ending != "" {
		return false
	}
	if e.visit != nil {
		e.visit.Lang = lang
	} else {
		e.lang = lang
	}
	return true
}

// validLang accepts what looks like a BCP 47 tag; which ones have texts the
// screens know.
func validLang(s string) bool {
	return s != "" && len(s) <= 35 && strings.Trim(s,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == ""
}

func (e *Engine) callHelp(on bool) bool {
	if e.ending != "" {
		return false
	}
	help := &e.help
	if e.visit != nil {
		help = &e.visit.Help
	}
	if on && !*help {
		e.count(Event{Kind: EventHelp})
	}
	if on != *help {
		e.coming = false
	}
	*help = on
	e.lamp.Set(on)
	return true
}

// act does what needs a visit and no task in hand.
func (e *Engine) act(a Action) bool {
	switch a := a.(type) {
	case Go:
		return e.goTo(a.Screen)
	case Scan:
		return e.scan()
	case ListKey:
		return e.listKey()
	case CloseKey:
		had := e.keys != nil
		e.keys = nil
		return had
	case Import:
		return e.bring(a.File)
	case Retry:
		f := e.visit.Fault
		return f != nil && f.Retry && e.again != nil && e.act(e.again)
	case Dismiss:
		had := e.visit.Fault != nil
		e.visit.Fault = nil
		return had
	case AsIs:
		return e.asIs(a)
	case Choose:
		return e.choose(a)
	case AddDocument:
		return e.addDocument()
	case SaveToKey:
		return e.saveToKey()
	case Print:
		return e.print()
	case retryPrint:
		return e.printUnder()
	case PrintReceipt:
		return e.printReceipt()
	case OpenPortal:
		return e.openPortal(a.Portal, false)
	case reopenPortal:
		return e.openPortal(a.portal, true)
	case Turn, Move, Delete, Undo, Redo:
		return e.edit(a)
	case OpenPhone, SendToPhone, AcceptPhone, OtherPhone, ClosePhone:
		return e.actOnPhone(a)
	}
	return e.actInPortal(a)
}

// collecting is true where pages are laid, looked at and put in order.
func (e *Engine) collecting() bool {
	return e.visit.Screen == ScreenScan || e.visit.Screen == ScreenReview
}

// edit changes the pages of the current document.
func (e *Engine) edit(a Action) bool {
	if !e.collecting() {
		return false
	}
	p, ok := e.visit.paper(), false
	switch a := a.(type) {
	case Turn:
		if i := p.find(a.Page); i >= 0 {
			p.do(edit{Op: editTurn, At: i, To: 90})
			ok = true
		}
	case Move:
		if i := p.find(a.Page); i >= 0 && a.To >= 0 && a.To < len(p.Leaves) {
			if a.To == i {
				return true
			}
			p.do(edit{Op: editMove, At: i, To: a.To})
			ok = true
		}
	case Delete:
		if i := p.find(a.Page); i >= 0 {
			p.do(edit{Op: editDelete, At: i, Leaves: slices.Clone(p.Leaves[i : i+1])})
			ok = true
		}
	case Undo:
		ok = p.undo()
	case Redo:
		ok = e.roomFor(p) && p.redo()
	}
	if ok {
		e.clearResult(p)
		e.visit.Fault = nil
	}
	return ok
}

// roomFor says whether what Redo would add still fits into the visit.
func (e *Engine) roomFor(p *paper) bool {
	if len(p.Undone) == 0 {
		return false
	}
	next := p.Undone[len(p.Undone)-1]
	return next.Op != editAdd || e.visit.pageCount()+len(next.Leaves) <= e.cfg.MaxPages
}

// clearResult drops what was made of pages that have changed.
func (e *Engine) clearResult(p *paper) {
	if p.Result == nil {
		return
	}
	for _, b := range p.Result.blobs() {
		if err := e.cfg.Spool.Remove(b.ID); err != nil {
			e.cfg.Log.Error("result not removed", "err", err) // the wipe will
		}
	}
	p.Result = nil
	e.views.addFiles(p)
}

func (e *Engine) goTo(s Screen) bool {
	v := e.visit
	p := v.paper()
	ok := false
	switch s {
	case ScreenScan:
		ok = true
		if p.From != "" && !e.full() {
			v.addPaper() // what a portal gave stays as it came
		}
	case ScreenReview, ScreenPortal:
		ok = len(p.Leaves) > 0
	case ScreenResult:
		// Back from an empty paper that was begun by mistake.
		if i := v.Current; len(p.Leaves) == 0 && i > 0 && v.Papers[i-1].Result != nil {
			v.drop(p)
			p = v.paper()
		}
		ok = p.Result != nil
	case ScreenBrowse:
		if ok = e.browse != nil; ok {
			e.dropEmpty()
		}
	}
	if ok {
		v.Screen, v.Fault, e.keys = s, nil, nil
		e.hidePhone()
		if b := e.browse; b != nil && b.asking != AskFile { // only a page waits for its answer
			b.asking = AskNothing
			b.ask()
		}
	}
	return ok
}

func (e *Engine) addDocument() bool {
	v := e.visit
	if len(v.paper().Leaves) == 0 {
		return false
	}
	if e.full() {
		v.Fault = &Fault{Code: kiosk.CodeSpoolFull}
		return true
	}
	v.addPaper()
	v.Screen, v.Fault, e.keys = ScreenScan, nil, nil
	return true
}
