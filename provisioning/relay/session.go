package relay

import "time"

// session is one kiosk's and one phone's. Relay.mu guards it.
type session struct {
	kiosk, phone  *tokenHash // phone is nil until one claimed it
	key           []byte     // the phone's public key
	queues        map[string]*queue
	opened, asked time.Time     // asked is when the kiosk did, last
	changed       chan struct{} // closed when something came
}

// queue is the numbered messages of one direction.
type queue struct {
	first    uint64 // number of messages[0]
	messages []message
	held     int64 // bytes
	total    int64 // bytes that ever came
	last     int64 // bytes of the message that came last
}

type message struct {
	body []byte
	came time.Time
}

func newSession(token string, now time.Time) *session {
	return &session{kiosk: hash(token), queues: map[string]*queue{"up": {}, "down": {}},
		opened: now, asked: now, changed: make(chan struct{})}
}

// queue is a direction, for whoever may put into it or take out of it.
func (s *session) queue(name, token string, put bool) (*queue, bool) {
	who := s.kiosk
	if (name == "up") == put {
		who = s.phone
	}
	q := s.queues[name]
	return q, q != nil && s.phone != nil && who.is(token)
}

func (s *session) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// due says whether a session is over by time.
func (s *session) due(o *Options) bool {
	now := o.Now()
	for _, q := range s.queues {
		if len(q.messages) > 0 && now.Sub(q.messages[0].came) > o.Age {
			return true
		}
	}
	return now.Sub(s.asked) > o.Silence || now.Sub(s.opened) > o.Life ||
		s.phone == nil && now.Sub(s.opened) > o.Unclaimed
}

func (q *queue) next() uint64 { return q.first + uint64(len(q.messages)) }

func (q *queue) add(body []byte, now time.Time) {
	q.messages = append(q.messages, message{body, now})
	q.last = int64(len(body))
	q.held += q.last
	q.total += q.last
}

// drop overwrites and forgets the messages before n, and says how many bytes
// that were.
func (q *queue) drop(n uint64) (bytes int64) {
	for q.first < n && len(q.messages) > 0 {
		m := q.messages[0]
		bytes += int64(len(m.body))
		clear(m.body)
		q.messages[0] = message{}
		q.messages = q.messages[1:]
		q.first++
	}
	q.held -= bytes
	return bytes
}
