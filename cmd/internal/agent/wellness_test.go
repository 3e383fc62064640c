package agent_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"pointnum/drivers/drivertest"
	"pointnum/kiosk"
	"pointnum/kiosk/control"
)

// seeHealth looks at a running agent without a screen, and with one.
func seeHealth(t *testing.T, ctl control.Client, url string) {
	t.Helper()
	wrong := func() (names []string) {
		list, err := ctl.Health(t.Context())
		if err != nil || len(list) != 4 {
			t.Errorf("health: %+v, %v", list, err)
		}
		for _, c := range list {
			if !c.OK {
				names = append(names, c.Name+" "+string(c.Code))
			}
		}
		return names
	}
	if got := wrong(); len(got) != 1 || got[0] != "screen "+string(kiosk.CodeNotResponding) {
		t.Errorf("without a screen: %v", got)
	}
	address := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/")
	page, answer, err := websocket.DefaultDialer.Dial("ws://"+address+"/socket", http.Header{"Origin": {"http://" + address}})
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil {
		t.Error(err)
	}
	if got := wrong(); len(got) != 0 {
		t.Errorf("with a screen: %v", got)
	}
	if s, err := ctl.Status(t.Context()); err != nil || s.Pages != 1 {
		t.Errorf("%d pages, %v", s.Pages, err)
	}
	if err := page.Close(); err != nil {
		t.Error(err)
	}
	drivertest.Eventually(t, "the screen gone", func() bool {
		s, err := ctl.Status(t.Context())
		return err == nil && s.Pages == 0
	})
}
