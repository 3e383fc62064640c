package ui_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"pointnum/kiosk"
	"pointnum/kiosk/session"
)

func TestThePhonesCodeSaysTheAddressOfTheMoment(t *testing.T) {
	e := &engine{}
	st := visit(session.ScreenScan, func(st *session.State) {
		st.Phones, st.Phone = true, &session.Phone{PhoneState: kiosk.PhoneState{Address: relayAddress}}
	})
	e.state.Set(st)
	address := serve(t, e)
	_, message, err := own(t, address).ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(message), "telephone.pointnum.example") {
		t.Error("the address is in the view: it belongs in the picture only")
	}
	var v struct {
		Section string
		Phone   struct{ QR string }
	}
	if err := json.Unmarshal(message, &v); err != nil {
		t.Fatal(err)
	}
	if v.Section != "phone" || v.Phone.QR == "" {
		t.Fatalf("section %q, code %q", v.Section, v.Phone.QR)
	}
	svg, status := fetched(t, "http://"+address+v.Phone.QR)
	if got := read(t, svg); status != http.StatusOK || got != relayAddress {
		t.Errorf("%d: the code says %q", status, got)
	}
	st.Phone = &session.Phone{PhoneState: kiosk.PhoneState{Address: relayAddress + "x"}}
	e.state.Set(st)
	if _, status := fetched(t, "http://"+address+v.Phone.QR); status != http.StatusNotFound {
		t.Errorf("a code that is over: %d", status)
	}
}

func fetched(t *testing.T, url string) ([]byte, int) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body, r.StatusCode
}

// read reads a QR code's drawing as a phone does.
func read(t *testing.T, svg []byte) string {
	t.Helper()
	var doc struct {
		ViewBox string `xml:"viewBox,attr"`
		Path    []struct {
			D string `xml:"d,attr"`
		} `xml:"path"`
	}
	if err := xml.NewDecoder(bytes.NewReader(svg)).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	var size int
	if _, err := fmt.Sscanf(doc.ViewBox, "0 0 %d", &size); err != nil || len(doc.Path) != 2 {
		t.Fatalf("%q, %d paths: %v", doc.ViewBox, len(doc.Path), err)
	}
	const scale = 4
	img := image.NewGray(image.Rect(0, 0, size*scale, size*scale))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	for step := range strings.SplitSeq(strings.TrimPrefix(doc.Path[1].D, "M"), "M") {
		var x, y, run int
		if _, err := fmt.Sscanf(step, "%d %dh%dv1", &x, &y, &run); err != nil {
			t.Fatalf("%q: %v", step, err)
		}
		for py := y * scale; py < (y+1)*scale; py++ {
			for px := x * scale; px < (x+run)*scale; px++ {
				img.SetGray(px, py, color.Gray{})
			}
		}
	}
	bits, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	found, err := qrcode.NewQRCodeReader().Decode(bits, nil)
	if err != nil {
		t.Fatal(err)
	}
	return found.GetText()
}

func TestActionsOnThePhone(t *testing.T) {
	e := &engine{}
	e.state.Set(visit(session.ScreenScan, nil))
	address := serve(t, e)
	for _, c := range []struct {
		name, body string
		want       session.Action
	}{
		{"open-phone", `{}`, session.OpenPhone{}},
		{"send-to-phone", `{}`, session.SendToPhone{}},
		{"accept-phone", `{"code":"0427"}`, session.AcceptPhone{Code: "0427"}},
		{"other-phone", `{}`, session.OtherPhone{}},
		{"close-phone", `{}`, session.ClosePhone{}},
	} {
		r, err := http.Post("http://"+address+"/act/"+c.name, "application/json", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		all := e.actions()
		if r.StatusCode != http.StatusNoContent || len(all) == 0 || all[len(all)-1] != c.want {
			t.Errorf("%s: %d, %v", c.name, r.StatusCode, all)
		}
	}
}
