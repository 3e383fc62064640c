package ui_test

import (
	"net/http"
	"testing"
)

// Browsers take another process for a page that is not in the group of the one
// before: the memory of that one ends.
func TestAFreshPageIsInAnotherGroup(t *testing.T) {
	address := serve(t, &engine{})
	page, _ := get(t, "http://"+address+"/")
	fresh, body := get(t, "http://"+address+"/fresh")
	if fresh.StatusCode != http.StatusOK || body != "" || fresh.Header.Get("Refresh") != "0; url=/" {
		t.Errorf("status %d, %q, refresh %q", fresh.StatusCode, body, fresh.Header.Get("Refresh"))
	}
	// It names no icon; browsers ask for one.
	if icon, _ := get(t, "http://"+address+"/favicon.ico"); icon.StatusCode != http.StatusNoContent {
		t.Errorf("the icon of a page without: %d", icon.StatusCode)
	}
	const group = "Cross-Origin-Opener-Policy"
	if page.Header.Get(group) != "same-origin" || fresh.Header.Get(group) == page.Header.Get(group) {
		t.Errorf("the page's group is %q, the fresh one's %q", page.Header.Get(group), fresh.Header.Get(group))
	}
}
