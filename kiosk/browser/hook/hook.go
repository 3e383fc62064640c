// Package hook holds the scripts which the locked browser puts into pages.
//
// Page runs in the page's own world before any script of the page: it takes
// away what would leave the kiosk or lie over its bar (file system pickers, the
// full screen, picture in picture, the print dialog) and tells by a binding what
// the kiosk has to know: that the page wants to be printed, which kind of field
// has the cursor once no finger is down, that a zone to drop files on was
// touched, and that anything was. It never tells what is typed.
//
// The others are functions for Runtime.callFunctionOn on a file field, in a
// world of the kiosk's own which the page's scripts cannot reach.
package hook

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

// Binding is the name by which Page finds the way to the kiosk. Page takes it
// out of the page's sight before the page's own scripts run.
const Binding = "__pointnum"

// World is the name of the kiosk's own world in each frame.
const World = "pointnum"

// Page is the script for every document.
//
//go:embed page.js
var Page string

// Own is the script for every document, in World: it remembers what was
// touched last, near which a hint for a hidden field stands, and sees drops.
// Keys and clicks by which Chromium itself would do something are nothing
// there; those that print are told.
//
//go:embed own.js
var Own string

// Field is a function on a file field that returns a FieldInfo.
//
//go:embed field.js
var Field string

// Text is a function that returns what a frame shows, to be read aloud.
//
//go:embed text.js
var Text string

// Watch is a function on a file field: its promise holds the sizes of the
// files which the field has when it is first told of new ones.
const Watch = `function(){return new Promise(done=>this.addEventListener('input',` +
	`()=>done(Array.from(this.files,f=>f.size)),{capture:true,once:true}))}`

// Sizes is a function on a file field that returns the sizes of its files;
// it reads a byte of each, which fails for a file that can't be read.
const Sizes = `async function(){for(const f of this.files)await f.slice(0,1).arrayBuffer();` +
	`return Array.from(this.files,f=>f.size)}`

// Cancel is a function on a file field: the visitor chose nothing.
const Cancel = `function(){this.dispatchEvent(new Event('cancel',{bubbles:true}))}`

// Touched is an expression in World: the element that was touched last.
const Touched = `globalThis.last`

// Dropped is a function on an element of World: its promise holds the number
// of files of the next drop in the element's frame that the page takes.
const Dropped = `function(){return new Promise(done=>{globalThis.dropped=done})}`

// Message is what Page tells.
type Message struct {
	Kind  string `json:"t"` // "print", "focus", "drop", "scheme", "touch"
	Field string `json:"f"` // focus: a kiosk.FieldKind, "" for none
	// Of a drop: the texts of the zone.
	Near []string `json:"near"`
}

// Decode reads what Page told. The page cannot forge it, but it is outside
// bytes all the same.
func Decode(payload string) (Message, error) {
	var m Message
	if err := json.Unmarshal([]byte(payload), &m); err != nil {
		return Message{}, fmt.Errorf("hook: decode: %w", err)
	}
	return m, nil
}

// FieldInfo is what a file field says of itself.
type FieldInfo struct {
	Accept   string   `json:"accept"`
	Multiple bool     `json:"multiple"`
	Folder   bool     `json:"folder"`
	Near     []string `json:"near"` // texts that are the field's own, the nearest first
	Wide     []string `json:"wide"` // texts of the form around it, for several fields perhaps
}
