package session_test

import (
	"testing"

	"pointnum/kiosk"
	"pointnum/kiosk/session"
)

func TestAPausedKioskFinishesTheVisitInHandAndBeginsNone(t *testing.T) {
	r := start(t)
	r.do(session.Start{})
	if err := r.SetHost(t.Context(), session.Host{Paused: "Le technicien passe cet après-midi.", Message: "Fermé lundi."}); err != nil {
		t.Fatal(err)
	}
	if s := r.now(); s.Visit == "" || s.Paused == "" || s.Message == "" {
		t.Errorf("got %+v", s)
	}
	r.do(session.Leave{})
	r.wait("wiped", func(s session.State) bool { return s.Wiped })
	if err := r.Do(t.Context(), session.Start{}); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
		t.Errorf("a visit began: %v", err)
	}
	if err := r.SetHost(t.Context(), session.Host{}); err != nil {
		t.Fatal(err)
	}
	r.do(session.Start{})
}

func TestWhoeverCalledIsToldThatSomebodyComes(t *testing.T) {
	r := start(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(r.Come(t.Context()))
	if r.now().Coming {
		t.Error("somebody comes to nobody")
	}
	r.do(session.CallHelp{})
	must(r.Come(t.Context()))
	if s := r.now(); !s.Coming || !s.Help {
		t.Errorf("got %+v", s)
	}
	r.do(session.Start{})
	if s := r.now(); !s.Coming || !s.Help {
		t.Errorf("a visit begins: got %+v", s)
	}
	must(r.HelpDone(t.Context()))
	if s := r.now(); s.Coming || s.Help {
		t.Errorf("got %+v", s)
	}
	r.do(session.CallHelp{})
	if s := r.now(); s.Coming {
		t.Error("a new call is taken before anybody took it")
	}
	must(r.Come(t.Context()))
	r.do(session.Leave{})
	r.wait("wiped", func(s session.State) bool { return s.Wiped })
	if s := r.now(); s.Coming || s.Help {
		t.Errorf("the next visitor: got %+v", s)
	}
}

func TestAVisitPrintsNoMoreThanItsQuota(t *testing.T) {
	r := start(t)
	r.result("caf", "a", "b")
	if err := r.SetHost(t.Context(), session.Host{Sides: 3}); err != nil {
		t.Fatal(err)
	}
	r.do(session.Print{})
	r.idle()
	r.do(session.Print{})
	s := r.idle()
	if s.Fault == nil || s.Fault.Code != kiosk.CodeQuota || s.Fault.Retry || len(r.desk.prints) != 1 {
		t.Errorf("got fault %+v, %d jobs", s.Fault, len(r.desk.prints))
	}
	if !s.Doc().Result.Printed {
		t.Error("what was printed is forgotten")
	}
}

func TestTheEndOfAVisitSaysWhatWasDelivered(t *testing.T) {
	r := start(t)
	r.result("caf", "a")
	r.do(session.Print{})
	r.idle()
	r.do(session.SetLanguage{Lang: "ar"})
	r.do(session.Leave{})
	r.wait("wiped", func(s session.State) bool { return s.Wiped })
	r.mu.Lock()
	defer r.mu.Unlock()
	var ended, converted session.Event
	for _, e := range r.events {
		switch e.Kind {
		case session.EventEnded:
			ended = e
		case session.EventConverted:
			converted = e
		}
	}
	if !ended.Delivered || ended.Lang != "ar" || ended.Reason != session.ReasonLeft || converted.Paper == "" {
		t.Errorf("got %+v, %+v", ended, converted)
	}
}
