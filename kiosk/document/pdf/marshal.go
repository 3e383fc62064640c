package pdf

import "errors"

// MarshalBinary packs a page to be kept, or to be handed to another process.
// The page must be one that Write takes.
func (p Page) MarshalBinary() ([]byte, error) {
	return nil, errors.New("pdf: marshal page: not yet")
}

// UnmarshalBinary reads what MarshalBinary made, and trusts it no more than a
// file: a page that Write would refuse, or that is larger than any paper, is
// an error. It keeps no part of data. Pages of another version of the program
// are refused.
func (p *Page) UnmarshalBinary(data []byte) error {
	return errors.New("pdf: unmarshal page: not yet")
}
