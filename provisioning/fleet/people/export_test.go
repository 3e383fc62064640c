package people

// ReadHash says whether a kept password hash is understood, and what it is
// written as.
func ReadHash(s string) (string, bool) {
	h, err := parsePHC(s)
	return h.String(), err == nil
}

// OpenAny opens a token of a login.
func (p *People) OpenAny(token string) bool {
	_, err := openCeremony[any](p.seal, forLogin, token)
	return err == nil
}
