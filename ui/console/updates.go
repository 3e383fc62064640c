package console

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"pointnum/kiosk"
	"pointnum/ui/i18n"
)

// updatesView is the page of the whole server's updates.
type updatesView struct {
	Open     *rolloutView
	Versions []versionView
	Others   string
	Releases []releaseView // that somebody wants, for a new rollout
	None     string        // why there is none to start
	Paces    []paceView
	Past     []pastView
}

type versionView struct {
	Version, Kiosks string
	Percent         int
}

type releaseView struct {
	Version, Kiosks, Notes, Added string
	First                         bool
}

type paceView struct {
	ID, Name, Text string
	First          bool
}

type pastView struct{ Version, What, When, Mood, Picture string }

// rolloutView is the open rollout.
type rolloutView struct {
	ID, Version, Sentence, Mood, Picture string
	Details                              []string
	Stages                               []stageView
	Failed                               []failedView
	Running, Paused, Held                bool
}

// stageView is one stage as it is drawn.
type stageView struct {
	Name, Kiosks, Text, Wait, State string // State: "done", "now", "later"
	Number                          int
	Done, Bad                       int // percent of its kiosks
}

type failedView struct{ ID, Label, Structure, What, Why, When string }

// planView is a rollout that is looked at before it begins.
type planView struct {
	Version, Notes, Stop, Begins string
	Stages                       []stageView
	Fields                       []Named
}

// pace is a choice of stages: most people want one of these.
type pace struct {
	id     string
	stages []Stage
}

const dayLong = 24 * time.Hour

func paces() []pace {
	return []pace{
		{"careful", []Stage{{Kiosks: 1, Wait: dayLong}, {Percent: 10, Wait: dayLong}, {Percent: 50, Wait: dayLong}, {Percent: 100}}},
		{"slow", []Stage{{Kiosks: 1, Wait: 3 * dayLong}, {Percent: 5, Wait: 7 * dayLong}, {Percent: 25, Wait: 7 * dayLong}, {Percent: 50, Wait: 7 * dayLong}, {Percent: 100}}},
		{"quick", []Stage{{Kiosks: 1, Wait: 2 * time.Hour}, {Percent: 20, Wait: 12 * time.Hour}, {Percent: 100}}},
	}
}

// stops are the choices of what stops a rollout: so many percent of kiosks, or
// one.
var stops = []string{"one", "3", "5", "10", "20"}

func (s *Server) updateRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /updates", s.private(s.updates))
	mux.HandleFunc("GET /updates/new", s.private(s.lookAtPlan))
	mux.HandleFunc("POST /updates", s.private(s.startRollout))
	mux.HandleFunc("GET /updates/{rollout}/ask/{what}", s.private(s.askRollout))
	mux.HandleFunc("POST /updates/{rollout}/{what}", s.private(s.steerRollout))
}

func (s *Server) updates(w http.ResponseWriter, r *request) error {
	b, err := s.fleet.Updates(r.Context(), r.who)
	if err != nil {
		return err
	}
	l := r.l
	v := updatesView{}
	all := 0
	for _, c := range b.Versions {
		all += c.Kiosks
	}
	for _, c := range b.Versions {
		v.Versions = append(v.Versions, versionView{Version: cmp.Or(c.Version, l.T("updates", "unknown")), Kiosks: l.N("updates", "kiosks", c.Kiosks), Percent: c.Kiosks * 100 / max(all, 1)})
	}
	if b.Others > 0 {
		v.Others = l.N("updates", "others", b.Others)
	}
	for _, rel := range b.Releases {
		if rel.Kiosks > 0 {
			v.Releases = append(v.Releases, releaseView{Version: rel.Version, Kiosks: l.N("updates", "kiosks", rel.Kiosks), Notes: rel.Notes, Added: s.day(l, rel.Added), First: len(v.Releases) == 0})
		}
	}
	if b.Open != nil {
		v.Open = s.rollout(l, *b.Open)
		v.Releases = nil
	} else if len(v.Releases) == 0 {
		v.None = l.T("updates", "none")
		if len(b.Releases) == 0 {
			v.None = l.T("updates", "no_release")
		}
	}
	for i, p := range paces() {
		v.Paces = append(v.Paces, paceView{ID: p.id, Name: l.T("pace", p.id), Text: l.T("pace", p.id+"_text"), First: i == 0})
	}
	for _, p := range b.Past {
		v.Past = append(v.Past, s.past(l, p))
	}
	return s.render(w, r, http.StatusOK, "updates", layout{Title: l.T("updates", "title"), Body: v, Live: true, Nav: s.fleetNav(r, "updates")})
}

// fleetNav is the navigation of those who see the whole fleet.
func (s *Server) fleetNav(r *request, here string) []link {
	if !r.who.May(MayUpdate) {
		return nil
	}
	return []link{
		{Name: r.l.T("nav", "structures"), Picture: "house", To: "/", Here: here == "structures"},
		{Name: r.l.T("nav", "updates"), Picture: "arrows-clockwise", To: "/updates", Here: here == "updates"},
	}
}

func (s *Server) past(l *i18n.Language, p Rollout) pastView {
	done := 0
	for _, st := range p.Stages {
		done += st.Done
	}
	v := pastView{Version: p.Version, When: s.when(l, p.Ended), Mood: moodGood, Picture: "check", What: l.N("updates", "past", done)}
	if p.State != RolloutDone {
		v.Mood, v.Picture, v.What = moodBad, "x", l.N("updates", "past_stopped", done)
	}
	return v
}

// rollout puts the open one into words.
func (s *Server) rollout(l *i18n.Language, o Rollout) *rolloutView {
	v := &rolloutView{ID: o.ID, Version: o.Version, Running: o.State == RolloutRunning, Paused: o.State == RolloutPaused, Held: o.State == RolloutHeld}
	all, done := 0, 0
	for _, st := range o.Stages {
		all, done = all+st.Of, done+st.Done
	}
	version, total := o.Version, number(l, int64(all))
	switch {
	case v.Held:
		v.Mood, v.Picture = moodBad, "warning"
		v.Sentence = l.N("updates", "held", o.Bad, "version", version)
	case v.Paused:
		v.Mood, v.Picture = moodLow, "pause"
		v.Sentence = l.N("updates", "paused", done, "version", version, "all", total)
	case !o.NotBefore.IsZero() && o.NotBefore.After(s.now()):
		v.Mood, v.Picture = moodOff, "hourglass"
		v.Sentence = l.T("updates", "later", "version", version, "when", s.when(l, o.NotBefore))
	default:
		v.Mood, v.Picture = moodGood, "arrows-clockwise"
		v.Sentence = l.N("updates", "running", done, "version", version, "all", total)
	}
	if v.Running && !o.Next.IsZero() {
		v.Details = append(v.Details, l.T("updates", "next", "when", s.when(l, o.Next)))
	}
	if !v.Held {
		v.Details = append(v.Details, l.N("updates", "stops", o.StopAt, "bad", number(l, int64(o.Bad))))
	}
	v.Details = append(v.Details, l.T("updates", "by", "name", cmp.Or(o.By, "–"), "when", s.when(l, o.Created)))
	so := 0
	for i, st := range o.Stages {
		so += st.Of
		v.Stages = append(v.Stages, s.stage(l, o, i, st, so == all && st.Percent == 100))
	}
	for _, f := range o.Failed {
		what := l.T("updates", "failed")
		if f.Returned {
			what = l.T("updates", "returned")
		}
		v.Failed = append(v.Failed, failedView{ID: f.ID, Label: cmp.Or(f.Label, f.ID), Structure: f.Structure, What: what, Why: updateWhy(l, f.Code), When: s.when(l, f.At)})
	}
	return v
}

func (s *Server) stage(l *i18n.Language, o Rollout, i int, st StageProgress, last bool) stageView {
	v := stageView{Number: i + 1, Name: stageName(l, st.Stage, last), Kiosks: sizeOf(l, i, st.Of), State: "later", Text: l.T("updates", "stage_later")}
	if st.Of > 0 {
		v.Done, v.Bad = st.Done*100/st.Of, (st.Bad*100+st.Of-1)/st.Of
	}
	switch {
	case i < o.Stage || o.State == RolloutDone:
		v.State = "done"
	case i == o.Stage:
		v.State = "now"
	}
	if v.State != "later" {
		v.Text = l.N("updates", "stage_done", st.Done, "of", number(l, int64(st.Of)))
		if st.Bad > 0 {
			v.Text += " " + l.N("updates", "stage_bad", st.Bad)
		}
		if st.Absent > 0 {
			v.Text += " " + l.N("updates", "stage_absent", st.Absent)
		}
	}
	return v
}

// sizeOf says how many kiosks a stage brings.
func sizeOf(l *i18n.Language, stage, n int) string {
	if stage == 0 {
		return l.N("updates", "kiosks", n)
	}
	return l.N("updates", "more", n)
}

// stageName says which kiosks a stage is of.
func stageName(l *i18n.Language, st Stage, last bool) string {
	switch {
	case last || st.Percent == 100:
		return l.T("updates", "stage_all")
	case st.Percent > 0:
		return l.T("updates", "stage_percent", "percent", strconv.Itoa(st.Percent))
	}
	return l.N("updates", "stage_first", st.Kiosks)
}

// updateWhy is the reason of a failure in words.
func updateWhy(l *i18n.Language, c kiosk.Code) string {
	if text := l.T("update_why", string(c)); c != "" && text != string(c) {
		return text
	}
	return l.T("update_why", "other")
}

// updateOf is a kiosk's version in one sentence; "" when nothing is to say.
func updateOf(l *i18n.Language, u *Update) string {
	if u == nil || u.Wanted == "" || u.Wanted == u.Version && u.Phase != UpdateFailed && u.Phase != UpdateReturned {
		return ""
	}
	switch u.Phase {
	case UpdateFetching:
		return l.T("update", "fetching", "version", u.Wanted, "percent", strconv.Itoa(u.Percent))
	case UpdateWaiting:
		return l.T("update", "waiting", "version", u.Wanted)
	case UpdateInstalling, UpdateTrying:
		return l.T("update", "trying", "version", u.Wanted)
	case UpdateFailed:
		return l.T("update", "failed", "version", u.Wanted, "why", lower(updateWhy(l, u.Code)))
	case UpdateReturned:
		return l.T("update", "returned", "version", u.Wanted, "why", lower(updateWhy(l, u.Code)))
	}
	return ""
}

// planOf reads the form of a new rollout.
func (s *Server) planOf(v url.Values) (Plan, error) {
	p := Plan{Version: v.Get("version")}
	for _, c := range paces() {
		if c.id == v.Get("pace") {
			p.Stages = c.stages
		}
	}
	stop := v.Get("stop")
	if len(p.Stages) == 0 || !slices.Contains(stops, stop) {
		return p, ErrInvalid
	}
	p.StopNumber = 1
	if n, err := strconv.Atoi(stop); err == nil {
		p.StopNumber, p.StopPercent = 0, n
	}
	if day := v.Get("day"); day != "" {
		t, err := time.ParseInLocation(time.DateOnly, day, s.zone)
		if err != nil || t.After(s.now().AddDate(1, 0, 0)) {
			return p, ErrInvalid
		}
		if t.After(s.now()) {
			p.NotBefore = t
		}
	}
	return p, nil
}

// lookAtPlan shows what a rollout would do before it begins.
func (s *Server) lookAtPlan(w http.ResponseWriter, r *request) error {
	b, err := s.fleet.Updates(r.Context(), r.who)
	if err != nil {
		return err
	}
	p, err := s.planOf(r.URL.Query())
	i := slices.IndexFunc(b.Releases, func(rel Release) bool { return rel.Version == p.Version && rel.Kiosks > 0 })
	if err != nil || i < 0 || b.Open != nil {
		return toNote(w, r, "/updates", "invalid")
	}
	l, all, before := r.l, b.Releases[i].Kiosks, 0
	v := planView{Version: p.Version, Notes: b.Releases[i].Notes, Begins: l.T("updates", "begins_now"), Stop: l.T("updates", "stop_one")}
	if p.StopPercent > 0 {
		v.Stop = l.T("updates", "stop_percent", "percent", strconv.Itoa(p.StopPercent))
	}
	v.Stop = l.T("updates", "stops_at", "when", lower(v.Stop))
	if !p.NotBefore.IsZero() {
		v.Begins = l.T("updates", "begins", "day", s.day(l, p.NotBefore))
	}
	for n, st := range p.Stages {
		size := st.Size(all)
		view := stageView{Number: n + 1, Name: stageName(l, st, false), Kiosks: sizeOf(l, n, size-before), State: "later"}
		if st.Wait > 0 {
			view.Wait = l.T("updates", "then_wait", "time", waitOf(l, st.Wait))
		}
		v.Stages = append(v.Stages, view)
		before = size
	}
	for _, name := range []string{"version", "pace", "stop", "day"} {
		v.Fields = append(v.Fields, Named{name, r.URL.Query().Get(name)})
	}
	return s.render(w, r, http.StatusOK, "plan", layout{Title: l.T("updates", "plan", "version", p.Version), Body: v, Nav: s.fleetNav(r, "updates")})
}

// waitOf says how long a stage waits.
func waitOf(l *i18n.Language, d time.Duration) string {
	if d < dayLong {
		return l.N("updates", "hours", int(d/time.Hour))
	}
	return l.N("updates", "days", int(d/dayLong))
}

func (s *Server) startRollout(w http.ResponseWriter, r *request) error {
	p, err := s.planOf(r.PostForm)
	if err == nil {
		err = s.fleet.StartRollout(r.Context(), r.who, p)
	}
	switch {
	case errors.Is(err, ErrConflict):
		return toNote(w, r, "/updates", "changed")
	case errors.Is(err, ErrInvalid):
		return toNote(w, r, "/updates", "invalid")
	case err != nil:
		return err
	}
	return toNote(w, r, "/updates", "started")
}

// askRollout asks before what is not taken back easily.
func (s *Server) askRollout(w http.ResponseWriter, r *request) error {
	what := r.PathValue("what")
	b, err := s.fleet.Updates(r.Context(), r.who)
	if err != nil {
		return err
	}
	if what != string(SteerStop) && what != string(SteerResume) || b.Open == nil || b.Open.ID != r.PathValue("rollout") {
		return ErrNotFound
	}
	text := "rollout_" + what
	v := confirmView{
		Title: r.l.T("ask", text, "version", b.Open.Version), Text: r.l.T("ask_text", text), Yes: r.l.T("ask_yes", text),
		Picture: "play", To: rolloutPath(b.Open.ID) + "/" + what, Back: "/updates",
	}
	if what == string(SteerStop) {
		v.Picture = "x"
	}
	return s.render(w, r, http.StatusOK, "confirm", layout{Title: v.Title, Body: v, Nav: s.fleetNav(r, "updates")})
}

func rolloutPath(id string) string { return "/updates/" + url.PathEscape(id) }

func (s *Server) steerRollout(w http.ResponseWriter, r *request) error {
	do := Steer(r.PathValue("what"))
	word, ok := map[Steer]string{SteerPause: "rollout_paused", SteerResume: "rollout_resumed", SteerStop: "rollout_stopped"}[do]
	if !ok {
		return ErrNotFound
	}
	err := s.fleet.SteerRollout(r.Context(), r.who, r.PathValue("rollout"), do)
	if errors.Is(err, ErrConflict) {
		return toNote(w, r, "/updates", "changed")
	}
	if err != nil {
		return err
	}
	return toNote(w, r, "/updates", word)
}
