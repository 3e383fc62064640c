package testportal

import (
	"fmt"
	"html"
	"html/template"
	"net"
	"net/http"
	"net/url"
)

// Escape is one try to leave, on the page /evasions: touching
// [data-escape="ID"] tries it, and [data-result="ID"] then says in French
// what the page saw of it. What the page sees is not the whole truth: Foreign,
// the browser's address and its windows are.
type Escape struct {
	ID       string
	Kind     string // one of the Kind constants
	Sentence string // what is tried, in French

	href string // of a link; "" is a button that web/evasions.js knows
	to   string // the link's target
	save bool   // the link downloads
}

// The kinds of escapes.
const (
	KindHost    = "site"     // shows another host; Foreign counts it
	KindScheme  = "adresse"  // another kind of address
	KindNetwork = "réseau"   // asks another host in the background; Foreign counts it
	KindAgent   = "borne"    // reaches the address given as ?agent=
	KindDevice  = "appareil" // a device, the screen, or a right
	KindWindow  = "fenêtre"  // windows and dialogs that keep coming
	KindHang    = "blocage"  // makes the browser hang, crash or fill up
	KindHook    = "crochet"  // undoes or floods what the kiosk put into the page
)

// Escapes lists every try, in the page's order.
func Escapes() []Escape {
	var out []Escape
	for _, group := range [][]Escape{hostEscapes(), schemeEscapes(), networkEscapes(), agentEscapes(), deviceEscapes(), windowEscapes(), hangEscapes(), hookEscapes()} {
		out = append(out, group...)
	}
	return out
}

func hostEscapes() []Escape {
	const k, there = KindHost, "https://" + HostForeign + "/"
	return []Escape{
		{ID: "host-link", Kind: k, Sentence: "Lien vers un autre site", href: there},
		{ID: "host-link-blank", Kind: k, Sentence: "Lien vers un autre site, nouvelle fenêtre", href: there, to: "_blank"},
		{ID: "host-link-plain", Kind: k, Sentence: "Lien sans chiffrement vers un autre site", href: "http://" + HostForeign + "/"},
		{ID: "host-link-download", Kind: k, Sentence: "Lien qui télécharge depuis un autre site", href: there, save: true},
		{ID: "host-script", Kind: k, Sentence: "Le script change d’adresse"},
		{ID: "host-redirect", Kind: k, Sentence: "Le portail redirige ailleurs", href: "/evasions/redirection"},
		{ID: "host-refresh", Kind: k, Sentence: "La page se recharge ailleurs (meta refresh)", href: "/evasions/rafraichir"},
		{ID: "host-header", Kind: k, Sentence: "La page se recharge ailleurs (en-tête Refresh)", href: "/evasions/entete"},
		{ID: "host-get", Kind: k, Sentence: "Formulaire (GET) envoyé ailleurs"},
		{ID: "host-post", Kind: k, Sentence: "Formulaire (POST) envoyé ailleurs"},
		{ID: "host-popup", Kind: k, Sentence: "Fenêtre ouverte sur un autre site"},
		{ID: "host-popup-later", Kind: k, Sentence: "Fenêtre vide, puis menée ailleurs"},
		{ID: "host-frame", Kind: k, Sentence: "Cadre d’un autre site"},
		{ID: "host-frame-post", Kind: k, Sentence: "Formulaire envoyé ailleurs dans un cadre"},
		{ID: "host-object", Kind: k, Sentence: "Objet (object, embed) d’un autre site"},
		{ID: "host-frame-top", Kind: k, Sentence: "Un cadre change l’adresse de toute la page"},
	}
}

func schemeEscapes() []Escape {
	const k, here = KindScheme, "https://" + HostPortal + "/"
	links := []struct{ id, sentence, href string }{
		{"file", "Fichier de la machine", "file:///etc/passwd"},
		{"folder", "Dossier de la machine", "file:///"},
		{"source", "Source de la page", "view-source:" + here},
		{"source-host", "Source d’un autre site", "view-source:https://" + HostForeign + "/"},
		{"data", "Page écrite dans l’adresse (data:)", "data:text/html,<h1>data</h1>"},
		{"filesystem", "Ancien système de fichiers", "filesystem:" + here + "temporary/x.html"},
		{"devtools", "Outils de développement", "devtools://devtools/bundled/inspector.html"},
		{"chrome", "Version du navigateur", "chrome://version"},
		{"settings", "Réglages du navigateur", "chrome://settings"},
		{"untrusted", "Pages internes (chrome-untrusted:)", "chrome-untrusted://print/"},
		{"extension", "Page d’une extension", "chrome-extension://mhjfbmdgcfjbbpaeojofohoefgiehjai/index.html"},
		{"search", "Recherche interne (chrome-search:)", "chrome-search://local-ntp/local-ntp.html"},
		{"mailto", "Écrire un e-mail", "mailto:essai@example.org"},
		{"tel", "Téléphoner", "tel:+33100000000"},
		{"sms", "Envoyer un SMS", "sms:+33100000000"},
		{"custom", "Autre programme", "steam://run/1"},
		{"intent", "Application Android (intent:)", "intent://scan/#Intent;scheme=zxing;end"},
		{"ftp", "Serveur FTP", "ftp://" + HostForeign + "/"},
		{"blank", "Page vide", "about:blank"},
	}
	var out []Escape
	for _, l := range links {
		out = append(out, Escape{ID: "scheme-" + l.id, Kind: k, Sentence: l.sentence, href: l.href})
	}
	return append(out,
		Escape{ID: "scheme-blob", Kind: k, Sentence: "Page fabriquée (blob:)"},
		Escape{ID: "scheme-javascript", Kind: k, Sentence: "Adresse javascript:"},
		Escape{ID: "scheme-open-file", Kind: k, Sentence: "Fichier de la machine, nouvelle fenêtre"},
		Escape{ID: "scheme-open-chrome", Kind: k, Sentence: "Réglages, nouvelle fenêtre"},
		Escape{ID: "scheme-open-data", Kind: k, Sentence: "data:, nouvelle fenêtre"},
		Escape{ID: "scheme-frame-file", Kind: k, Sentence: "Fichier de la machine dans un cadre"},
		Escape{ID: "scheme-handler", Kind: k, Sentence: "Le portail veut ouvrir les adresses mailto:"},
	)
}

func networkEscapes() []Escape {
	return named(KindNetwork, "net-", [][2]string{
		{"fetch", "fetch"}, {"xhr", "XMLHttpRequest"}, {"post", "fetch avec des données"}, {"keepalive", "fetch qui survit à la page"},
		{"image", "Image"}, {"css-image", "Image de fond"}, {"script", "Script"}, {"module", "Module (import)"}, {"style", "Feuille de style"},
		{"css-import", "@import dans un style"}, {"font", "Police"}, {"video", "Vidéo"}, {"icon", "Icône du site"}, {"manifest", "Manifeste d’application"},
		{"websocket", "WebSocket"}, {"plain-websocket", "WebSocket sans chiffrement"}, {"webrtc", "WebRTC (STUN)"}, {"turn", "WebRTC (TURN par TCP)"},
		{"transport", "WebTransport (QUIC)"}, {"beacon", "Balise (sendBeacon)"}, {"ping", "Lien avec ping"}, {"prefetch", "Chargé d’avance (prefetch)"},
		{"preload", "Chargé d’avance (preload)"}, {"preconnect", "Connexion d’avance"}, {"dns", "Nom demandé d’avance (dns-prefetch)"},
		{"speculation", "Page préparée d’avance (speculation rules)"}, {"eventsource", "EventSource"}, {"worker", "Script d’un autre site dans un worker"},
		{"service", "Service worker qui demande ailleurs"}, {"report", "Rapport de politique (CSP)"}, {"svg", "Dessin SVG d’un autre site"},
	})
}

func agentEscapes() []Escape {
	return named(KindAgent, "agent-", [][2]string{
		{"fetch", "fetch vers la borne"}, {"nocors", "fetch sans CORS vers la borne"}, {"post", "fetch POST sans CORS vers la borne"},
		{"localhost", "La borne par le nom localhost"}, {"zero", "La borne par 0.0.0.0"}, {"image", "Image de la borne"}, {"script", "Script de la borne"},
		{"websocket", "WebSocket vers la borne"}, {"eventsource", "EventSource vers la borne"}, {"frame", "La borne dans un cadre"},
		{"form", "Formulaire envoyé à la borne"}, {"popup", "La borne dans une fenêtre"}, {"navigate", "Aller à l’adresse de la borne"},
		{"redirect", "Le portail redirige vers la borne"}, {"scan", "Chercher les ports ouverts de la borne"},
	})
}

func deviceEscapes() []Escape {
	return named(KindDevice, "device-", [][2]string{
		{"fullscreen", "Plein écran"}, {"pip", "Fenêtre au-dessus (document picture-in-picture)"}, {"video-pip", "Vidéo au-dessus"},
		{"camera", "Caméra"}, {"microphone", "Microphone"}, {"screen", "Capture de l’écran"}, {"location", "Position"}, {"notification", "Notifications"},
		{"clipboard-read", "Lire le presse-papiers"}, {"clipboard-write", "Écrire dans le presse-papiers"}, {"usb", "USB"}, {"serial", "Port série"},
		{"hid", "HID"}, {"bluetooth", "Bluetooth"}, {"midi", "MIDI"}, {"nfc", "NFC"}, {"fonts", "Polices de la machine"}, {"screens", "Liste des écrans"},
		{"idle", "Savoir si quelqu’un est là"}, {"wake", "Garder l’écran allumé"}, {"pointer", "Bloquer le pointeur"}, {"keyboard", "Bloquer le clavier"},
		{"share", "Partager"}, {"payment", "Payer"}, {"passkey", "Créer une clé d’accès"}, {"password", "Mots de passe enregistrés"}, {"eyedropper", "Pipette"}, {"save", "Écrire un fichier (showSaveFilePicker)"},
		{"directory", "Ouvrir un dossier (showDirectoryPicker)"}, {"persist", "Stockage durable"}, {"service", "Service worker"}, {"push", "Messages poussés"},
		{"speech", "Reconnaître la voix"}, {"contacts", "Contacts"}, {"model", "Modèle de langue du navigateur"},
	})
}

func windowEscapes() []Escape {
	return named(KindWindow, "window-", [][2]string{
		{"storm", "Vingt fenêtres d’un coup"}, {"chain", "Une fenêtre qui en ouvre une autre, sans fin"}, {"alert", "Messages sans fin (alert)"},
		{"confirm", "Questions sans fin (confirm)"}, {"prompt", "Saisies sans fin (prompt)"}, {"beforeunload", "Refuser de quitter la page"},
		{"print", "Impressions sans fin"}, {"move", "Déplacer et agrandir la fenêtre"}, {"close", "Fermer la fenêtre"}, {"history", "Bloquer le retour"},
		{"reload", "Recharger sans fin"}, {"download", "Vingt téléchargements"}, {"cover", "Dessiner une fausse barre de borne"}, {"focus", "Reprendre le clavier sans fin"},
	})
}

func hangEscapes() []Escape {
	return named(KindHang, "hang-", [][2]string{
		{"loop", "Boucle sans fin"}, {"memory", "Prendre toute la mémoire"}, {"page", "Un million d’éléments"}, {"workers", "Cent calculs sans fin"},
		{"store", "Remplir le stockage"}, {"console", "Cent mille messages de console"}, {"pattern", "Motif de recherche sans fin"},
		{"request", "Page qui n’arrive jamais"}, {"requests", "Deux mille demandes à la fois"}, {"frames", "Deux cents cadres"},
	})
}

func hookEscapes() []Escape {
	return named(KindHook, "hook-", [][2]string{
		{"print", "Reprendre la vraie impression d’un cadre neuf"}, {"popup-print", "Reprendre la vraie impression d’une fenêtre neuve"},
		{"delete", "Effacer ce qui remplace l’impression"}, {"command", "Reprendre la vraie commande d’impression"},
		{"picker", "Reprendre showOpenFilePicker d’un cadre neuf"}, {"pip", "Reprendre documentPictureInPicture d’un cadre neuf"},
		{"fullscreen", "Reprendre le plein écran d’un cadre neuf"}, {"video-pip", "Reprendre la vidéo au-dessus d’un cadre neuf"},
		{"names", "Chercher ce que la borne a ajouté à la page"}, {"call", "Appeler ce que la borne a ajouté à la page"},
		{"overwrite", "Remplacer les fonctions que la borne emploie"}, {"choosers", "Cinquante demandes de fichier"}, {"frame-chooser", "Fichier demandé par un cadre vide"},
	})
}

// named makes the escapes of one kind that are buttons.
func named(kind, prefix string, list [][2]string) []Escape {
	var out []Escape
	for _, e := range list {
		out = append(out, Escape{ID: prefix + e[0], Kind: kind, Sentence: e[1]})
	}
	return out
}

// escapePages are /evasions and what its tries need from the server.
func (p *Portal) escapePages(m *http.ServeMux) {
	there := "https://" + HostForeign + "/"
	m.HandleFunc("GET /evasions", p.showEscapes)
	m.HandleFunc("GET /evasions/redirection", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, there, http.StatusFound)
	})
	m.HandleFunc("GET /evasions/rafraichir", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!doctype html><html lang="fr"><meta http-equiv="refresh" content="0;url=`+there+`"><title>Un instant</title><p>Un instant…</p>`)
	})
	m.HandleFunc("GET /evasions/entete", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Refresh", "0;url="+there)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!doctype html><html lang="fr"><title>Un instant</title><p>Un instant…</p>`)
	})
	m.HandleFunc("GET /evasions/borne", func(w http.ResponseWriter, r *http.Request) {
		agent, ok := agentAddress(r)
		if !ok {
			http.Error(w, "Il manque ?agent=http://127.0.0.1:PORT", http.StatusBadRequest)
			return
		}
		http.Redirect(w, r, agent, http.StatusFound)
	})
	// A page whose policy forbids what it does, so that the browser reports it.
	m.HandleFunc("GET /evasions/rapport", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "img-src 'none'; report-uri "+there+"rapport")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!doctype html><html lang="fr"><title>Rapport</title><img src="/style.css" alt="">`)
	})
	// A frame without a hook of its own before its first script.
	m.HandleFunc("GET /evasions/sortir", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!doctype html><html lang="fr"><title>Sortir</title><script>top.location = "`+there+`";</script>`)
	})
	// A window that opens the next one.
	m.HandleFunc("GET /evasions/chaine", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!doctype html><html lang="fr"><title>Chaîne</title><p>Une fenêtre de plus.</p><script>open(location.href, "_blank", "width=300,height=200");</script>`)
	})
}

func (p *Portal) showEscapes(w http.ResponseWriter, r *http.Request) {
	type group struct {
		Kind    string
		Escapes []Escape
	}
	var groups []group
	for _, e := range Escapes() {
		if len(groups) == 0 || groups[len(groups)-1].Kind != e.Kind {
			groups = append(groups, group{Kind: e.Kind})
		}
		last := &groups[len(groups)-1]
		last.Escapes = append(last.Escapes, e)
	}
	_, port, _ := net.SplitHostPort(p.Addr())
	agent, _ := agentAddress(r)
	p.show(w, r, http.StatusOK, "evasions", "Évasions", struct {
		Groups               []group
		Foreign, Agent, Port string
	}{groups, HostForeign, agent, port})
}

// agentAddress is the address of ?agent=, which must be on loopback: the page
// is no tool against others.
func agentAddress(r *http.Request) (string, bool) {
	u, err := url.Parse(r.URL.Query().Get("agent"))
	if err != nil || u.Scheme != "http" {
		return "", false
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", false
	}
	return "http://" + u.Host + "/", true
}

// Control is the escape's button or link. It is for the page: html/template
// would rightly refuse the addresses of these links.
func (e Escape) Control() template.HTML {
	id, sentence := html.EscapeString(e.ID), html.EscapeString(e.Sentence)
	if e.href == "" {
		return template.HTML(fmt.Sprintf(`<button type="button" data-escape="%s">%s</button>`, id, sentence))
	}
	more := ""
	if e.to != "" {
		more = fmt.Sprintf(` target="%s"`, html.EscapeString(e.to))
	}
	if e.save {
		more += " download"
	}
	return template.HTML(fmt.Sprintf(`<a class="bouton" data-escape="%s" href="%s"%s>%s</a>`, id, html.EscapeString(e.href), more, sentence))
}
