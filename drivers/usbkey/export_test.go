package usbkey

// What the fuzz tests reach: the reading of names and tables from outside.
var (
	FileName  = fileName
	ShownName = shownName
	FindMount = func(table, dir string) (string, bool) {
		m, ok := find(parseMounts(table), dir)
		return m.point, ok
	}
)
