// Package wire carries messages between the document engine and its child
// process over two pipes.
//
// Neither side trusts the other: the child reads files that strangers brought
// and may be in a stranger's hands, so every frame has a kind, a length that
// is checked before anything is allocated, and a reader that says which kinds
// and lengths it takes now.
package wire

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Kind says what a frame holds.
type Kind byte

// The kinds of frames. A Page is followed by four Data frames (master,
// preview, thumb, packed), a File by one.
const (
	// From the child.
	Ready    Kind = 'r' // ReadyMessage: set up and locked in, waiting for a job
	Opened   Kind = 'o' // OpenedMessage: the input can be read
	Page     Kind = 'p' // PageMessage
	Need     Kind = 'n' // NeedMessage: send me a page's master or the origin
	Progress Kind = 'g' // ProgressMessage
	File     Kind = 'f' // FileMessage
	Done     Kind = 'd' // DoneMessage: the last one
	Data     Kind = 'b' // bytes that belong to the message before

	// To the child.
	Job   Kind = 'j' // JobMessage
	Chunk Kind = 'c' // a part of an input
	End   Kind = 'e' // an input is complete
	Lost  Kind = 'l' // an input can't be read after all
)

// MaxMessage bounds a frame that holds a message in JSON.
const MaxMessage = 256 << 10

// ChunkSize is how much of an input goes into one frame.
const ChunkSize = 256 << 10

// ErrProtocol is the error of a frame that nobody asked for: the other side is
// broken or hostile.
var ErrProtocol = errors.New("wire: unexpected frame")

const headerSize = 5

// Write sends one frame.
func Write(w io.Writer, k Kind, payload []byte) error {
	var h [headerSize]byte
	h[0] = byte(k)
	if int64(len(payload)) > 1<<32-1 {
		return fmt.Errorf("wire: frame of %d bytes", len(payload))
	}
	binary.LittleEndian.PutUint32(h[1:], uint32(len(payload)))
	if _, err := w.Write(h[:]); err != nil {
		return fmt.Errorf("wire: write: %w", err)
	}
	if len(payload) == 0 {
		return nil
	}
	if _, err := w.Write(payload); err != nil {
		return fmt.Errorf("wire: write: %w", err)
	}
	return nil
}

// Send sends a message in JSON.
func Send(w io.Writer, k Kind, message any) error {
	b, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("wire: encode: %w", err)
	}
	if len(b) > MaxMessage {
		return fmt.Errorf("wire: message of %d bytes", len(b))
	}
	return Write(w, k, b)
}

// Read reads one frame of at most limit bytes and one of the kinds wanted. It
// fails with ErrProtocol when something else comes, and with io.EOF when the
// other side is gone between two frames.
func Read(r io.Reader, limit int, wanted ...Kind) (Kind, []byte, error) {
	var h [headerSize]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		if err == io.EOF {
			return 0, nil, io.EOF
		}
		return 0, nil, fmt.Errorf("wire: read: %w", err)
	}
	k, n := Kind(h[0]), binary.LittleEndian.Uint32(h[1:])
	if !slices.Contains(wanted, k) || int64(n) > int64(limit) {
		return 0, nil, ErrProtocol
	}
	b, err := readN(r, int(n))
	if err != nil {
		return 0, nil, fmt.Errorf("wire: read: %w", err)
	}
	return k, b, nil
}

// readN allocates as bytes arrive, not as they are announced.
func readN(r io.Reader, n int) ([]byte, error) {
	const step = 4 << 20
	b := make([]byte, min(n, step))
	for got := 0; ; {
		if _, err := io.ReadFull(r, b[got:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		got = len(b)
		if got == n {
			return b, nil
		}
		b = append(b, make([]byte, min(n-got, max(step, got)))...)
	}
}

// Decode reads a message from a frame's payload. Its error is ErrProtocol and
// no more: those of package json quote numbers and letters of what was sent,
// which may be of a visitor's paper.
func Decode(payload []byte, message any) error {
	if len(payload) > MaxMessage {
		return ErrProtocol
	}
	if err := json.Unmarshal(payload, message); err != nil {
		return ErrProtocol
	}
	return nil
}

// SendInput sends what r holds as chunks and an End; max bounds it.
func SendInput(w io.Writer, r io.Reader, max int64) error {
	buf := make([]byte, ChunkSize)
	var sent int64
	for {
		n, err := io.ReadFull(r, buf)
		if sent += int64(n); sent > max {
			return fmt.Errorf("wire: input grew beyond %d bytes", max)
		}
		if n > 0 {
			if err := Write(w, Chunk, buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return Write(w, End, nil)
		}
		if err != nil {
			return fmt.Errorf("wire: read input: %w", err)
		}
	}
}

// ErrLost is the error of an input that its sender could not read.
var ErrLost = errors.New("wire: input lost")

// ReceiveInput reads chunks to the End. It fails with ErrLost when the sender
// gives up.
func ReceiveInput(r io.Reader, size, max int64) ([]byte, error) {
	b := make([]byte, 0, min(size, max, 512<<20))
	for {
		k, chunk, err := Read(r, ChunkSize, Chunk, End, Lost)
		switch {
		case err != nil:
			return nil, err
		case k == End:
			return b, nil
		case k == Lost:
			return nil, ErrLost
		case int64(len(b)+len(chunk)) > max:
			return nil, ErrProtocol
		}
		b = append(b, chunk...)
	}
}
