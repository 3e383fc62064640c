package provisioning

import "fmt"

// Resign is what a kiosk says at POST /resign before it is disposed of: its
// identity ends. The request is signed as POST /sync is; the kiosk's ID says
// that it is meant.
type Resign struct {
	Words int    `json:"words"`
	Kiosk string `json:"resign"`
}

// DecodeResign reads and checks a Resign. The error is ErrInvalid.
func DecodeResign(b []byte) (Resign, error) {
	var r Resign
	if err := decode(b, &r); err != nil {
		return Resign{}, err
	}
	if r.Words < 1 || !ValidID(r.Kiosk) {
		return Resign{}, fmt.Errorf("%w: resign", ErrInvalid)
	}
	return r, nil
}
