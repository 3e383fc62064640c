package session

import "slices"

// paper is one document: its pages in order, and how they came to be so.
type paper struct {
	ID     string
	Kind   string
	Portal string
	Leaves []leaf
	Edits  []edit // what was done, the oldest first
	Undone []edit // what Undo took back, the latest last
	Result *result
	// Attached and From are Document's.
	Attached []Attached
	From     string
}

// leaf is a page's place in a paper.
type leaf struct {
	Page string
	Turn int
	AsIs bool // the page as it came is there
}

// edit is one change of a paper's pages. It says all that is needed to do it
// and to take it back, so that the journal grows with the changes and not
// with changes times pages.
type edit struct {
	Op     editOp
	At, To int
	Leaves []leaf // added or deleted at At
}

type editOp string

const (
	editAdd    editOp = "add"
	editDelete editOp = "delete"
	editMove   editOp = "move"
	editTurn   editOp = "turn"
	editAsIs   editOp = "as_is" // the other version of the page; it turns by To with it
)

func (p *paper) find(page string) int {
	return slices.IndexFunc(p.Leaves, func(l leaf) bool { return l.Page == page })
}

// do makes a change. What was undone before can't be done again after it.
func (p *paper) do(e edit) {
	p.apply(e)
	p.Edits = append(p.Edits, e)
	p.Undone = nil
}

// grow adds one more leaf to the last change, an addition at the end: the
// pages of one scan are one change.
func (p *paper) grow(l leaf) {
	p.Leaves = append(p.Leaves, l)
	last := &p.Edits[len(p.Edits)-1]
	last.Leaves = append(last.Leaves, l)
}

// shrink takes the last n leaves out of the last change, an addition at the
// end, as if they had never come.
func (p *paper) shrink(n int) {
	if n == 0 {
		return
	}
	last := &p.Edits[len(p.Edits)-1]
	last.Leaves = last.Leaves[:len(last.Leaves)-n]
	p.Leaves = p.Leaves[:len(p.Leaves)-n]
	if len(last.Leaves) == 0 {
		p.Edits = p.Edits[:len(p.Edits)-1]
	}
}

func (p *paper) undo() bool {
	if len(p.Edits) == 0 {
		return false
	}
	e := p.Edits[len(p.Edits)-1]
	p.Edits = p.Edits[:len(p.Edits)-1]
	p.Undone = append(p.Undone, e)
	p.apply(e.inverse())
	return true
}

func (p *paper) redo() bool {
	if len(p.Undone) == 0 {
		return false
	}
	e := p.Undone[len(p.Undone)-1]
	p.Undone = p.Undone[:len(p.Undone)-1]
	p.apply(e)
	p.Edits = append(p.Edits, e)
	return true
}

func (e edit) inverse() edit {
	switch e.Op {
	case editAdd:
		e.Op = editDelete
	case editDelete:
		e.Op = editAdd
	case editMove:
		e.At, e.To = e.To, e.At
	case editTurn, editAsIs:
		e.To = 360 - e.To
	}
	return e
}

// apply changes the leaves. It makes a new slice: old ones are in edits.
func (p *paper) apply(e edit) {
	ls := slices.Clone(p.Leaves)
	switch e.Op {
	case editAdd:
		ls = slices.Insert(ls, e.At, e.Leaves...)
	case editDelete:
		ls = slices.Delete(ls, e.At, e.At+len(e.Leaves))
	case editMove:
		l := ls[e.At]
		ls = slices.Insert(slices.Delete(ls, e.At, e.At+1), e.To, l)
	case editTurn:
		ls[e.At].Turn = (ls[e.At].Turn + e.To) % 360
	case editAsIs:
		ls[e.At].AsIs = !ls[e.At].AsIs
		ls[e.At].Turn = (ls[e.At].Turn + e.To) % 360
	}
	p.Leaves = ls
}
