package ui_test

import (
	"pointnum/kiosk"
	"pointnum/kiosk/session"
)

// relayAddress is as long as a real one.
const relayAddress = "https://telephone.pointnum.example/d#Zm9vYmFyYmF6cXV4MTIzNA.BDXoLkTVn0y4dZcW1xkTXnYzq2b0T7kz8sQ5yQvMZl2rJbKZ3l0pQ9e1m6w4T8nC5uF7hX2aVgS3dR0jY1iB4E8.fr"

// phoneScreens are those of the visitor's phone.
func phoneScreens() []canned {
	phone := func(p session.Phone, change func(*session.State)) session.State {
		return visit(session.ScreenScan, func(st *session.State) {
			st.Phones, st.Phone = true, &p
			st.Documents[0].Pages = nil
			if change != nil {
				change(st)
			}
		})
	}
	linked := kiosk.PhoneState{Code: "0427", Accepted: true, Signs: 4}
	return []canned{
		{name: "scan-phone", state: visit(session.ScreenScan, func(st *session.State) { st.Phones, st.Browser = true, true })},
		{name: "phone", state: phone(session.Phone{PhoneState: kiosk.PhoneState{Address: relayAddress}}, nil)},
		{name: "phone-give", state: phone(session.Phone{Giving: true, PhoneState: kiosk.PhoneState{
			Address: relayAddress, Trouble: kiosk.CodePhoneLost}}, nil), like: true},
		{name: "phone-away", state: phone(session.Phone{PhoneState: kiosk.PhoneState{Trouble: kiosk.CodeNoNetwork}}, nil)},
		{name: "phone-code", state: phone(session.Phone{PhoneState: kiosk.PhoneState{Code: "0427"}}, nil)},
		{name: "phone-ready", state: phone(session.Phone{PhoneState: linked}, nil)},
		{name: "phone-added", state: phone(session.Phone{PhoneState: linked, Added: 2}, func(st *session.State) {
			st.Documents[0].Pages = pages(3)
		})},
		{name: "phone-receive", state: phone(session.Phone{PhoneState: linked}, func(st *session.State) {
			st.Documents[0].Pages = pages(2)
			st.Task = &session.Task{Kind: session.TaskReceive, CanCancel: true}
		}), like: true},
		{name: "phone-send", state: visit(session.ScreenResult, func(st *session.State) {
			st.Task = &session.Task{Kind: session.TaskSend, Total: 1, CanCancel: true}
		}), like: true},
		{name: "phone-lost", state: visit(session.ScreenResult, func(st *session.State) {
			st.Fault = &session.Fault{Code: kiosk.CodePhoneLost, Task: session.TaskSend, Retry: true}
		})},
		{name: "result-phone", state: visit(session.ScreenResult, func(st *session.State) {
			st.Phones, st.Documents = true, []session.Document{finished(true)}
			st.Documents[0].Result.OnPhone, st.Documents[0].Result.Delivered = true, true
		})},
		{name: "taken-phone", state: visit(session.ScreenBrowse, func(st *session.State) {
			st.Phones, st.Documents = true, []session.Document{finished(true)}
			st.Documents[0].From = "caf"
			st.Browse = &session.Browse{Portal: "caf", Asking: session.AskTaken}
		})},
		{name: "file-phone", state: visit(session.ScreenBrowse, func(st *session.State) {
			st.Phones, st.Documents = true, []session.Document{finished(true)}
			st.Browse = &session.Browse{Portal: "caf", Asking: session.AskFile, Known: true,
				Target:       kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: 5e6, MaxFiles: 1},
				BrowserState: kiosk.BrowserState{Choice: &kiosk.FileChoice{ID: "c"}}}
		})},
	}
}
