// Command child is the document engine's child for tests that run under the
// race detector: built without it, it has the product's speed and memory.
package main

import "pointnum/kiosk/document"

func main() {
	if document.IsChild() {
		document.RunChild()
	}
}
