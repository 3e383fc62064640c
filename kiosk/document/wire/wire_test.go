package wire_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"pointnum/kiosk/document/wire"
)

func TestFramesArriveAsTheyWereSent(t *testing.T) {
	var b bytes.Buffer
	big := bytes.Repeat([]byte("page"), 3<<20)
	if err := wire.Send(&b, wire.Opened, wire.OpenedMessage{Total: 7}); err != nil {
		t.Fatal(err)
	}
	if err := wire.Write(&b, wire.Data, big); err != nil {
		t.Fatal(err)
	}
	_, payload, err := wire.Read(&b, wire.MaxMessage, wire.Done, wire.Opened)
	if err != nil {
		t.Fatal(err)
	}
	var m wire.OpenedMessage
	if err := wire.Decode(payload, &m); err != nil || m.Total != 7 {
		t.Errorf("got %+v, %v; want 7 pages", m, err)
	}
	if _, got, err := wire.Read(&b, len(big), wire.Data); err != nil || !bytes.Equal(got, big) {
		t.Errorf("got %d bytes, %v; want the %d sent", len(got), err, len(big))
	}
	if _, _, err := wire.Read(&b, 10, wire.Data); err != io.EOF {
		t.Errorf("got %v, want io.EOF between frames", err)
	}
}

func TestUnexpectedFramesAreRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		frame []byte
		want  error
	}{
		{"a kind nobody asked for", []byte{'p', 0, 0, 0, 0}, wire.ErrProtocol},
		{"a frame longer than the limit", []byte{'b', 0xff, 0xff, 0xff, 0xff}, wire.ErrProtocol},
		{"a frame cut short", []byte{'b', 5, 0, 0, 0, 1}, io.ErrUnexpectedEOF},
		{"a header cut short", []byte{'b', 5}, io.ErrUnexpectedEOF},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, _, err := wire.Read(bytes.NewReader(c.frame), 1000, wire.Data); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// A child may be in the hands of a hostile file: nothing of what it sent may
// get into a log by way of the error.
func TestErrorsSayNothingOfWhatWasSent(t *testing.T) {
	for _, payload := range []string{
		`{"Total": 1850675123456789012345}`, `{"Total": 1.850675}`, `{"Total": "1850675"}`, `{"Sandbox1850675`, `#`, `{"Total": 1}#`,
	} {
		var m wire.OpenedMessage
		err := wire.Decode([]byte(payload), &m)
		if !errors.Is(err, wire.ErrProtocol) || err.Error() != wire.ErrProtocol.Error() {
			t.Errorf("%s: got %v", payload, err)
		}
	}
}

func TestInputsArriveWholeOrNotAtAll(t *testing.T) {
	in := bytes.Repeat([]byte{1, 2, 3}, wire.ChunkSize)
	var b bytes.Buffer
	if err := wire.SendInput(&b, bytes.NewReader(in), int64(len(in))); err != nil {
		t.Fatal(err)
	}
	sent := bytes.Clone(b.Bytes())
	if got, err := wire.ReceiveInput(&b, int64(len(in)), int64(len(in))); err != nil || !bytes.Equal(got, in) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if _, err := wire.ReceiveInput(bytes.NewReader(sent), 0, int64(len(in))-1); !errors.Is(err, wire.ErrProtocol) {
		t.Errorf("got %v for an input over its limit", err)
	}
	if err := wire.SendInput(io.Discard, bytes.NewReader(in), 10); err == nil {
		t.Error("an input that grew was sent")
	}
	b.Reset()
	wire.Write(&b, wire.Lost, nil)
	if _, err := wire.ReceiveInput(&b, 5, 5); !errors.Is(err, wire.ErrLost) {
		t.Errorf("got %v, want ErrLost", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte{'p', 2, 0, 0, 0, '{', '}'})
	f.Add([]byte("d\x10\x00\x00\x00{\"Code\":\"x\"}    "))
	f.Add([]byte{'b', 0xff, 0xff, 0xff, 0x7f, 1})
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		for {
			k, b, err := wire.Read(r, 1<<20, wire.Page, wire.Done, wire.Data, wire.Opened)
			if err != nil {
				return
			}
			if len(b) > len(in) {
				t.Fatalf("frame of %d bytes out of %d", len(b), len(in))
			}
			switch k {
			case wire.Page:
				wire.Decode(b, &wire.PageMessage{})
			case wire.Done:
				wire.Decode(b, &wire.DoneMessage{})
			}
		}
	})
}
