package phone

import "crypto/cipher"

// Parse reads an opened frame's body as a phone's message, for fuzzing: what
// it says, and the bytes that say the same.
func Parse(plain []byte) (name string, size int64, again []byte, ok bool) {
	b, err := parseBody(plain)
	if err != nil {
		return "", 0, nil, false
	}
	m, err := parseMessage(b)
	if err != nil {
		return "", 0, b.bytes(), b.kind != kindMessage
	}
	return m.Name, m.Size, b.bytes(), true
}

// Message is the body of an offer.
func Message(file uint32, name string, size int64) []byte {
	return body{kind: kindMessage, file: file, content: message{Say: sayOffer, Name: name, Size: size}.bytes()}.bytes()
}

// Data is the body of a piece of a file.
func Data(file uint32, content []byte) []byte {
	return body{kind: kindData, file: file, content: content}.bytes()
}

// Seal makes a frame of a body.
func Seal(a cipher.AEAD, n uint64, last bool, plain []byte) []byte {
	b, err := parseBody(plain)
	if err != nil {
		panic(err)
	}
	return seal(a, n, last, b)
}

// Open opens a frame and gives its body again.
func Open(a cipher.AEAD, n uint64, frame []byte) (plain []byte, last bool, err error) {
	b, last, err := open(a, n, frame)
	if err != nil {
		return nil, false, err
	}
	return b.bytes(), last, nil
}
