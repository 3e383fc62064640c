package phone

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// A frame is one sealed message:
//
//	mark    1 byte: 1 on the last piece of a file, else 0
//	sealed  the body under AES-256-GCM
//
// Its nonce is three zeros, its number in its direction (8 bytes, big endian)
// and the mark: a frame that was changed, left out, repeated or put in another
// place does not open. The body hides how long its content is:
//
//	kind    1 byte
//	file    4 bytes, big endian: which file it is about; 0 none
//	length  4 bytes, big endian, of the content
//	content
//	zeros   up to a multiple of 16 KiB
const (
	headSize = 9
	padTo    = 16 << 10
	// MaxBody is the longest body, MaxContent what it holds.
	MaxBody    = 256 << 10
	MaxContent = MaxBody - headSize
)

var (
	errFrame = errors.New("phone: frame does not open")
	errBody  = errors.New("phone: body not understood")
)

// keys are what both sides derive of a pairing.
type keys struct {
	up, down cipher.AEAD
	secret   []byte
	salt     []byte // the phone's public key, then the kiosk's
	session  string
}

// derive makes the keys of a pairing.
func derive(private *ecdh.PrivateKey, phone []byte, session string) (*keys, error) {
	peer, err := ecdh.P256().NewPublicKey(phone)
	if err != nil {
		return nil, fmt.Errorf("phone: key: %w", err)
	}
	secret, err := private.ECDH(peer)
	if err != nil {
		return nil, fmt.Errorf("phone: key: %w", err)
	}
	k := &keys{secret: secret, session: session, salt: slices.Concat(phone, private.PublicKey().Bytes())}
	if k.up, err = k.aead("up"); err != nil {
		return nil, err
	}
	k.down, err = k.aead("down")
	return k, err
}

func (k *keys) expand(what string, salt []byte, n int) ([]byte, error) {
	return hkdf.Key(sha256.New, k.secret, salt, "pointnum phone 1 "+what+" "+k.session, n)
}

func (k *keys) aead(direction string) (cipher.AEAD, error) {
	key, err := k.expand(direction, k.salt, 32)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// code is the four digits that both sides show.
func (k *keys) code(random []byte) (string, error) {
	b, err := k.expand("code", slices.Concat(k.salt, random), 4)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%04d", binary.BigEndian.Uint32(b)%10000), nil
}

// forget overwrites what can be overwritten.
func (k *keys) forget() {
	clear(k.secret)
	k.up, k.down = nil, nil
}

func nonce(n uint64, mark byte) []byte {
	b := make([]byte, 12)
	binary.BigEndian.PutUint64(b[3:], n)
	b[11] = mark
	return b
}

// seal makes frame n of a body.
func seal(a cipher.AEAD, n uint64, last bool, b body) []byte {
	mark := byte(0)
	if last {
		mark = 1
	}
	return a.Seal([]byte{mark}, nonce(n, mark), b.bytes(), nil)
}

// open opens frame n.
func open(a cipher.AEAD, n uint64, frame []byte) (b body, last bool, err error) {
	if len(frame) == 0 || frame[0] > 1 || len(frame) > 1+MaxBody+a.Overhead() {
		return body{}, false, errFrame
	}
	plain, err := a.Open(nil, nonce(n, frame[0]), frame[1:], nil)
	if err != nil {
		return body{}, false, errFrame
	}
	b, err = parseBody(plain)
	return b, frame[0] == 1, err
}

// body is what a frame holds.
type body struct {
	kind    kind
	file    uint32
	content []byte
}

type kind byte

const (
	kindHello   kind = 1 // kiosk: 16 random bytes
	kindMessage kind = 2 // either: a message in JSON
	kindData    kind = 3 // either: a piece of a file
)

func (b body) bytes() []byte {
	size := (headSize + len(b.content) + padTo - 1) / padTo * padTo
	out := make([]byte, headSize, size)
	out[0] = byte(b.kind)
	binary.BigEndian.PutUint32(out[1:], b.file)
	binary.BigEndian.PutUint32(out[5:], uint32(min(len(b.content), math.MaxUint32)))
	return append(out, b.content...)[:size]
}

// parseBody reads a body. Nothing may stand where zeros belong.
func parseBody(p []byte) (body, error) {
	if len(p) < headSize || len(p) > MaxBody || len(p)%padTo != 0 {
		return body{}, errBody
	}
	n := int64(binary.BigEndian.Uint32(p[5:]))
	if n > int64(len(p)-headSize) || int64(len(p))-headSize-n >= padTo {
		return body{}, errBody
	}
	end := headSize + int(n)
	for _, c := range p[end:] {
		if c != 0 {
			return body{}, errBody
		}
	}
	b := body{kind: kind(p[0]), file: binary.BigEndian.Uint32(p[1:]), content: p[headSize:end:end]}
	if b.kind < kindHello || b.kind > kindData {
		return body{}, errBody
	}
	return b, nil
}
