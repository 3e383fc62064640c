package network

// Written gives the files that a change stands for, by name.
func Written(c Change) (map[string]string, error) {
	f, err := c.files(Root{})
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for name, text := range f.networkd {
		all[name] = text
	}
	if f.profile != "" {
		all[f.profile] = f.secret
	}
	return all, nil
}
