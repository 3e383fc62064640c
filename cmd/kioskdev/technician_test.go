package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// hold keeps a finger on what a selector names.
func (s *screen) hold(selector string, long time.Duration) {
	s.t.Helper()
	var p *struct{ X, Y float64 }
	eventually(s.t, "something to hold: "+selector, func() bool {
		p = eval[*struct{ X, Y float64 }](s, fmt.Sprintf(point, selector, 0))
		return p != nil
	})
	call := func(kind string, points ...map[string]any) {
		s.t.Helper()
		if err := s.page.Call(s.t.Context(), "Input.dispatchTouchEvent", map[string]any{"type": kind, "touchPoints": append([]map[string]any{}, points...)}, nil); err != nil {
			s.t.Fatal(err)
		}
	}
	call("touchStart", map[string]any{"x": p.X, "y": p.Y})
	time.Sleep(long) // how long a finger stays is what is tried
	call("touchEnd")
}

// asks waits for a page of the technician's menu.
func (s *screen) asks(step, ask string) {
	s.t.Helper()
	eventually(s.t, "the technician's "+step+" "+ask, func() bool {
		return eval[bool](s, fmt.Sprintf(`document.readyState === 'complete' && document.body.classList.contains('technique') && document.querySelector('main').dataset.step === %q && document.querySelector('main').dataset.ask === %q`, step, ask))
	})
	s.keep(step + ask)
}

// types touches the pad's digits.
func (s *screen) types(code string) {
	s.t.Helper()
	for _, d := range code {
		s.touch(fmt.Sprintf(`[data-digit="%c"]`, d))
	}
	s.touch(`button[form="form"]`)
}

// A technician holds the kiosk's name, types the code of the last screen of
// the setup, and has the kiosk set up again: all with fingers, and the code is
// in no log.
func TestTechniciansMenuByTouch(t *testing.T) {
	dir, memory := t.TempDir(), memoryFolder(t)
	listen, socket, path := freePort(t), filepath.Join(memory, "c.sock"), filepath.Join(dir, "kiosk.yaml")
	text := fmt.Sprintf("place:\n  name: Mairie\nlisten: %s\nspool: %s\ncontrol: %s\nbrowser:\n  enabled: non\nfleet:\n  dir: %s\n", listen, filepath.Join(memory, "spool"), socket, dir)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	kiosk := start(t, "kioskd", "-config", path)
	ctl := filepath.Join(bin, "kioskctl")
	eventually(t, "the agent", func() bool {
		_, err := os.Stat(socket)
		return err == nil
	})
	_, code, _ := strings.Cut(run(t, ctl, "setup", "--code", "--control", socket), "Code technique : ")
	code = strings.ReplaceAll(code[:9], " ", "")
	s := openScreen(t, "http://"+listen+"/", 1080, 1920)
	s.shows("welcome")
	s.hold(`.brand`, 2*time.Second)
	if got := s.where(); got != "welcome" {
		t.Errorf("a short touch leads to %s", got)
	}
	s.hold(`.brand`, 6*time.Second)
	s.asks("code", "")
	wrong := "00000000"
	if code == wrong {
		wrong = "11111111"
	}
	s.types(wrong)
	eventually(t, "the refusal", func() bool {
		return strings.Contains(eval[string](s, `document.querySelector('[role="alert"]')?.innerText ?? ''`), "4 essais")
	})
	s.keep("wrong")
	s.types(code)
	s.asks("menu", "")
	if told := run(t, ctl, "status", "--control", socket); strings.Contains(told, code) {
		t.Errorf("the code in %s", told)
	}
	s.touch(`a[href="/technique/update"]`)
	s.asks("menu", "update")
	if told := eval[string](s, `document.querySelector('main').innerText`); !strings.Contains(told, "apt") {
		t.Errorf("a machine of packages is told: %s", told)
	}
	s.touch(`.actions a`)
	s.asks("menu", "")
	s.touch(`form[action="/technique/leave"] button`)
	s.shows("welcome")
	if eval[bool](s, `fetch('/technique').then((r) => r.text()).then((t) => t.includes('data-step="menu"'))`) {
		t.Error("the menu is open after it was left")
	}
	s.hold(`.brand`, 6*time.Second)
	s.asks("code", "")
	s.types(code)
	s.asks("menu", "")
	s.touch(`a[href="/technique/setup"]`)
	s.asks("menu", "setup")
	s.touch(`button[form="form"]`)
	s.step("language")
	s.touch(`form[action="/act/leave"] button`)
	s.shows("welcome")
	if log := kiosk.log(); strings.Contains(log, code) || strings.Contains(log, code[:4]+" "+code[4:]) {
		t.Errorf("the code in the log:\n%s", log)
	}
}
