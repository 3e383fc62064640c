package tool

import (
	"context"
	"io"
)

// job is what the first process of a room is to do.
type job struct {
	Program string     // path
	Kind    OfficeKind // of the input; "" for words
	Filter  string     // LibreOffice's name of the kind
}

func (t *Tools) run(ctx context.Context, j job, in io.Reader) ([]byte, error) {
	return nil, missing("everything")
}
