package control

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"pointnum/kiosk"
)

// Check is one part of a kiosk's health: what has to work for visitors to be
// served, whatever devices and network do.
type Check struct {
	Name   string     `json:"name"` // "page", "screen", "identity", "memory"
	OK     bool       `json:"ok"`
	Code   kiosk.Code `json:"code,omitempty"`   // of what is not
	Detail string     `json:"detail,omitempty"` // for the technician
}

// Update is how the kiosk's system stands, as provisioning.UpdateState has it.
type Update struct {
	Version   string     `json:"version"`
	Image     bool       `json:"image"` // false: another system than the project's, which is updated otherwise
	Wanted    string     `json:"wanted,omitempty"`
	Phase     string     `json:"phase"`
	Percent   int        `json:"percent,omitempty"`
	Code      kiosk.Code `json:"code,omitempty"`
	Detail    string     `json:"detail,omitempty"` // of Code
	Returned  string     `json:"returned,omitempty"`
	Confirmed string     `json:"confirmed,omitempty"` // the highest version that ran well
	NotBefore int64      `json:"not_before,omitempty"`
}

// UpdateDo is what a technician wants of an update.
type UpdateDo string

// What can be wanted.
const (
	UpdateNow    UpdateDo = "now"    // do not wait for the night
	UpdateCancel UpdateDo = "cancel" // take the order back
	UpdateFrom   UpdateDo = "from"   // take the release in the folder From, now
)

// UpdateAsk is what a technician asks for.
type UpdateAsk struct {
	Do    UpdateDo `json:"do"`
	From  string   `json:"from,omitempty"`  // an absolute path that the agent may read
	Again bool     `json:"again,omitempty"` // although the kiosk came back from it
}

// HealthHandler is a Handler that can say whether visitors can be served.
type HealthHandler interface {
	// Health tries each part, and takes some seconds.
	Health(ctx context.Context) ([]Check, error)
}

// UpdateHandler is a Handler that keeps the system up to date.
type UpdateHandler interface {
	// Update says how the update stands.
	Update(ctx context.Context) (Update, error)
	// ChangeUpdate does what a technician asks, and says how the update
	// stands then.
	ChangeUpdate(ctx context.Context, a UpdateAsk) (Update, error)
}

// Health has the agent try each part of itself. Errors as for Status; a part
// that is not well is none.
func (c Client) Health(ctx context.Context) ([]Check, error) {
	var list []Check
	err := c.do(ctx, http.MethodPost, "/health", nil, &list)
	return list, err
}

// Update asks how the update stands. Errors as for Status.
func (c Client) Update(ctx context.Context) (Update, error) {
	var u Update
	err := c.do(ctx, http.MethodGet, "/update", nil, &u)
	return u, err
}

// ChangeUpdate asks for something about updates. Errors as for Status.
func (c Client) ChangeUpdate(ctx context.Context, a UpdateAsk) (Update, error) {
	var u Update
	err := c.do(ctx, http.MethodPost, "/update", a, &u)
	return u, err
}

func upkeepRoutes(mux *http.ServeMux, h Handler) {
	if t, ok := h.(HealthHandler); ok {
		mux.HandleFunc("POST /health", func(w http.ResponseWriter, r *http.Request) {
			list, err := t.Health(r.Context())
			answer(w, list, err)
		})
	}
	u, ok := h.(UpdateHandler)
	if !ok {
		return
	}
	mux.HandleFunc("GET /update", func(w http.ResponseWriter, r *http.Request) {
		s, err := u.Update(r.Context())
		answer(w, s, err)
	})
	mux.HandleFunc("POST /update", func(w http.ResponseWriter, r *http.Request) {
		var a UpdateAsk
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAnswer)).Decode(&a)
		switch {
		case err != nil:
		case a.Do != UpdateNow && a.Do != UpdateCancel && a.Do != UpdateFrom, (a.Do == UpdateFrom) != (a.From != ""):
			err = errors.New("not one of the things that can be asked")
		}
		if err != nil {
			answer(w, nil, &kiosk.Error{Code: kiosk.CodeBadRequest, Op: "control: update", Err: err})
			return
		}
		s, err := u.ChangeUpdate(r.Context(), a)
		answer(w, s, err)
	})
}
