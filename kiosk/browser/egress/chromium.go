package egress

// chromiumsOwn are hosts that Chromium asks for by itself, as seen with
// Chromium 156 without the kiosk's policies, and for what its documentation
// names. With the policies, in 75 s, with a window or without, two are left:
// gaia and update.googleapis.com. They are refused like all others, and not
// told to anybody: no portal needs them.
var chromiumsOwn = []string{
	gaia,
	"android.clients.google.com",
	"clients2.google.com",
	"clientservices.googleapis.com",
	"content-autofill.googleapis.com",
	"edgedl.me.gvt1.com",
	"mtalk.google.com",
	"optimizationguide-pa.googleapis.com",
	"redirector.gvt1.com",
	"safebrowsing.googleapis.com",
	"start.duckduckgo.com", // the start page of Debian's build
	"update.googleapis.com",
}

// gaia is where Flags send Chromium's own calls about Google accounts, some
// seconds after each start and then again. Their real host is on the list of a
// visit, because people sign in to Gmail there, so the list would not stop
// them. The top-level domain leads nowhere (RFC 2606).
const gaia = "gaia.invalid"
