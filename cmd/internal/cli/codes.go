package cli

import "pointnum/kiosk"

// codeLine is what a code means on a terminal.
type codeLine struct {
	fr, en string
	exit   int // 0 is ExitFailed
}

func (l codeLine) exitOr(other int) int {
	if l.exit == 0 {
		return other
	}
	return l.exit
}

// CodeText says a fault in one line, with what to do. lang is "fr" or "en".
func CodeText(c kiosk.Code, lang string) string {
	line, ok := codeTable[c]
	switch {
	case !ok:
		return string(c)
	case lang == "en":
		return line.en
	default:
		return line.fr
	}
}

// codeTable is about terminals and technicians; what visitors read is in
// ui/i18n.
var codeTable = map[kiosk.Code]codeLine{
	kiosk.CodePaperJam:      {"Du papier est coincé : ouvrez l’appareil et retirez la feuille.", "Paper jam: open the device and take the sheet out.", ExitHand},
	kiosk.CodeCoverOpen:     {"Un capot est ouvert : fermez-le.", "A cover is open: close it.", ExitHand},
	kiosk.CodeFeederEmpty:   {"Il n’y a pas de papier à numériser : posez une feuille.", "Nothing to scan: put a sheet in.", ExitHand},
	kiosk.CodeDoubleFeed:    {"Deux feuilles sont passées ensemble : séparez-les et recommencez.", "Two sheets went in at once: separate them and scan again.", ExitHand},
	kiosk.CodeBadPage:       {"L’appareil a envoyé une page incomplète : recommencez cette page.", "The device sent an incomplete page: scan it again.", 0},
	kiosk.CodePaperEmpty:    {"Il n’y a plus de papier : remplissez le bac ou changez le rouleau.", "Out of paper: fill the tray or change the roll.", ExitHand},
	kiosk.CodePaperLow:      {"Il n’y a bientôt plus de papier : préparez un bac ou un rouleau.", "Paper is low: have a tray or a roll ready.", 0},
	kiosk.CodeMarkerEmpty:   {"Il n’y a plus d’encre ou de toner : changez la cartouche.", "Out of ink or toner: change the cartridge.", ExitHand},
	kiosk.CodeMarkerLow:     {"Il n’y a bientôt plus d’encre ou de toner : préparez une cartouche.", "Ink or toner is low: have a cartridge ready.", 0},
	kiosk.CodeCutterError:   {"Le couteau de l’imprimante à tickets est bloqué : ouvrez-la et libérez-le.", "The receipt printer’s cutter is stuck: open it and free it.", ExitHand},
	kiosk.CodeOverheated:    {"L’appareil est trop chaud : attendez quelques minutes.", "The device is too hot: wait a few minutes.", 0},
	kiosk.CodeDeviceBusy:    {"L’appareil est occupé : réessayez dans un instant.", "The device is busy: try again in a moment.", 0},
	kiosk.CodeDevicePaused:  {"L’appareil est en pause : regardez son écran et remettez-le en marche.", "The device is paused: look at its panel and resume it.", ExitHand},
	kiosk.CodeUnplugged:     {"L’appareil n’est pas là : vérifiez le câble, le courant et le réseau.", "The device is not there: check cable, power and network.", ExitNoDevice},
	kiosk.CodeNotResponding: {"L’appareil ne répond pas à temps : vérifiez-le, puis réessayez.", "The device does not answer in time: check it, then try again.", ExitNoDevice},
	kiosk.CodePowerCycle:    {"L’appareil s’est bloqué deux fois : éteignez-le et rallumez-le.", "The device was stuck twice: switch it off and on.", ExitHand},
	kiosk.CodeNoDevice:      {"La borne n’a pas d’appareil de cette sorte : ajoutez-le à sa configuration.", "The kiosk has no device of that kind: add it to its configuration.", ExitNoDevice},
	kiosk.CodeJobRejected:   {"L’imprimante refuse ce document : essayez un PDF simple.", "The printer does not take this document: try a plain PDF.", ExitFile},
	kiosk.CodeJobAborted:    {"L’imprimante a abandonné : des pages sont peut-être sorties, comptez-les.", "The printer gave up: pages may have come out, count them.", 0},
	kiosk.CodeJobUnknown:    {"On ne sait pas si c’est imprimé : regardez l’imprimante avant de recommencer.", "Nobody knows whether it was printed: look at the printer before trying again.", 0},

	kiosk.CodeKeyAbsent:   {"Il n’y a pas de clé USB : branchez-en une.", "No USB key: plug one in.", ExitHand},
	kiosk.CodeKeyFull:     {"La clé USB est pleine : prenez-en une autre.", "The USB key is full: take another one.", ExitHand},
	kiosk.CodeKeyReadOnly: {"On ne peut pas écrire sur cette clé USB : poussez son verrou ou prenez-en une autre.", "The USB key is write-protected: unlock it or take another one.", ExitHand},
	kiosk.CodeKeyRemoved:  {"La clé USB a été retirée trop tôt : remettez-la et recommencez.", "The USB key was pulled too early: plug it in and try again.", ExitHand},
	kiosk.CodeKeyError:    {"La clé USB a une erreur : prenez-en une autre.", "The USB key has an error: take another one.", ExitHand},

	kiosk.CodeFileEmpty:       {"Le fichier est vide.", "The file is empty.", ExitFile},
	kiosk.CodeFileUnknown:     {"Le fichier n’est pas d’un format connu : donnez un PDF ou une image.", "Not a known format: give a PDF or a picture.", ExitFile},
	kiosk.CodeFileBroken:      {"Le fichier est abîmé : rien n’a pu en être lu.", "The file is damaged: nothing could be read of it.", ExitFile},
	kiosk.CodeFilePassword:    {"Le fichier demande un mot de passe : donnez-en une copie sans mot de passe.", "The file needs a password: give a copy without one.", ExitFile},
	kiosk.CodeFileTooBig:      {"Le fichier est trop grand pour la borne.", "The file is too large for the kiosk.", ExitFile},
	kiosk.CodeFileTooLong:     {"Le fichier a trop de pages : partagez-le en plusieurs.", "The file has too many pages: split it.", ExitFile},
	kiosk.CodeFileTooSlow:     {"Le fichier était trop long à lire et a été arrêté.", "The file took too long to read and was stopped.", ExitFile},
	kiosk.CodeFileBlank:       {"Il n’y a rien à voir dans ce fichier.", "There is nothing to see in this file.", ExitFile},
	kiosk.CodeFileUnsupported: {"Ce format ne peut pas être ouvert fidèlement : enregistrez le document en PDF.", "This format can’t be opened faithfully: save the document as a PDF.", ExitFile},
	kiosk.CodeCannotFit:       {"Impossible d’être si petit et encore lisible : partagez le document en plusieurs.", "Can’t be that small and still be read: split the document.", ExitFile},

	kiosk.CodeNoNetwork:     {"Le site ne répond pas : regardez le câble ou le Wi-Fi.", "The site does not answer: look at the cable or the Wi-Fi.", ExitNoDevice},
	kiosk.CodeBrowserBroken: {"Le navigateur ne démarre pas ou ne répond plus : voyez « kioskctl status ».", "The browser does not start or does not answer: see “kioskctl status”.", 0},
	kiosk.CodePhoneLost:     {"Le téléphone ne répond plus, ou ce qui est arrivé n’est pas entier : recommencez.", "The phone does not answer, or what came is not whole: try again.", 0},

	// Of the tie to the supervision: packages enrol, link and route below
	// provisioning, which this one does not pull in.
	"enrol_code":         {"Le code est faux, déjà utilisé ou trop vieux : demandez-en un autre à la console.", "The code is wrong, used or too old: ask for another one in the console.", 0},
	"enrol_wait":         {"Trop d’essais : attendez quelques minutes.", "Too many tries: wait some minutes.", 0},
	"enrol_refused":      {"La supervision a refusé l’inscription.", "The supervision has refused the enrolment.", 0},
	"proxy_error":        {"Le proxy ne répond pas, ou ne laisse pas passer : voyez « fleet: proxy: ».", "The proxy does not answer or does not let through: see “fleet: proxy:”.", ExitNoDevice},
	"proxy_password":     {"Le proxy veut un autre compte ou un autre mot de passe.", "The proxy wants another account or password.", 0},
	"server_certificate": {"Ce n’est pas le certificat de la supervision, ou son autorité n’est pas connue : voyez « fleet: ca: ».", "Not the supervision’s certificate, or its authority is not known: see “fleet: ca:”.", 0},
	"clock_wrong":        {"L’heure de la borne est fausse : réglez-la.", "The kiosk’s clock is wrong: set it.", 0},
	"server_error":       {"Ce qui répond n’est pas une supervision qui marche : regardez l’adresse.", "What answers is no working supervision: look at the address.", ExitNoDevice},
	"identity_refused":   {"La supervision ne connaît plus cette borne : elle y a été remplacée ou révoquée. Pour la remettre en service, demandez un nouveau code à la console ; pour s’en séparer, « kioskctl dispose ».", "The supervision does not know this kiosk any more: it was replaced or revoked there. To use it again, ask for a new code in the console; to dispose of it, “kioskctl dispose”.", 0},
	"identity_expired":   {"La borne a été absente trop longtemps : inscrivez-la de nouveau.", "The kiosk was away for too long: enrol it again.", 0},
	"identity_sealed":    {"La puce TPM n’ouvre plus la clé de la borne (vidée, changée, ou démarrage changé) : inscrivez la borne de nouveau.", "The TPM does not open the kiosk’s key any more (cleared, changed, or another way of starting): enrol the kiosk again.", 0},
	"websocket_blocked":  {"Quelque chose sur le réseau coupe WebSocket : la borne passe par un autre chemin.", "Something on the network breaks WebSocket: the kiosk takes another way.", 0},
	"server_busy":        {"La supervision ne peut rien garder pour le moment : la borne réessaie.", "The supervision can’t store anything now: the kiosk tries again.", ExitNoDevice},

	// Of the network: package network below provisioning/setup.
	"wifi_password": {"Le Wi-Fi refuse ce mot de passe : tapez-le de nouveau. Le réseau d’avant est remis.", "The Wi-Fi refuses this password: type it again. The network from before is back.", 0},
	"wifi_absent":   {"Ce Wi-Fi n’est pas à portée : rapprochez la borne ou vérifiez son nom. Le réseau d’avant est remis.", "This Wi-Fi is not in reach: move the kiosk or check its name. The network from before is back.", ExitNoDevice},
	"wifi_open":     {"Ce Wi-Fi est sans mot de passe : n’importe qui lirait les papiers. Prenez un câble ou un autre Wi-Fi.", "This Wi-Fi has no password: anybody could read the papers. Take a cable or another Wi-Fi.", 0},
	"wifi_no_radio": {"La borne n’a pas de Wi-Fi : branchez un câble.", "The kiosk has no Wi-Fi: plug a cable in.", ExitNoDevice},

	// Of updates: package provisioning, which this one does not pull in.
	"update_signature": {"La mise à jour n’est pas signée par une clé connue de la borne : elle est refusée.", "The update is not signed by a key that the kiosk knows: it is refused.", ExitFile},
	"update_altered":   {"Un fichier de la mise à jour n’est pas celui qui a été signé : il est refusé.", "A file of the update is not the one that was signed: it is refused.", ExitFile},
	"update_missing":   {"La mise à jour n’est pas là, ou pas entière.", "The update is not there, or not whole.", ExitFile},
	"update_older":     {"Cette version n’est pas plus récente que celle de la borne : elle est refusée.", "This version is not newer than the kiosk’s: it is refused.", 0},
	"update_minimum":   {"La borne est trop ancienne pour cette version : installez d’abord une version intermédiaire.", "The kiosk is too old for this version: install one between first.", 0},
	"update_foreign":   {"Cette machine n’a pas l’image de la borne : mettez à jour ses paquets (apt).", "This machine does not run the kiosk’s image: update its packages (apt).", 0},
	"update_no_room":   {"Il n’y a pas assez de place sur le disque pour la mise à jour.", "There is not enough room on the disk for the update.", 0},
	"update_busy":      {"Une mise à jour est déjà en cours d’écriture.", "An update is being written already.", 0},
	"update_install":   {"La mise à jour n’a pas pu être écrite ; la version présente reste.", "The update could not be written; the present version stays.", 0},
	"update_left":      {"La borne est déjà revenue de cette version : demandez-la de nouveau exprès (--again).", "The kiosk came back from this version before: ask for it again on purpose (--again).", 0},
	"update_unhealthy": {"La nouvelle version n’a pas réussi son contrôle : la borne est revenue à l’ancienne.", "The new version did not pass its check: the kiosk came back to the old one.", 0},

	kiosk.CodeInternal:   {"Erreur interne.", "Internal error.", 0},
	kiosk.CodeCanceled:   {"Arrêté.", "Stopped.", ExitCanceled},
	kiosk.CodeQuota:      {"La visite a imprimé autant de pages que le lieu le permet.", "The visit has printed as many pages as the place allows.", 0},
	kiosk.CodeSpoolFull:  {"La visite a trop de pages : finissez-la, puis commencez-en une autre.", "The visit holds too many pages: finish it, then start another one.", 0},
	kiosk.CodeBadRequest: {"Ce n’est pas possible maintenant.", "This is not possible now.", 0},
	kiosk.CodeOutOfOrder: {"La borne est hors service : lancez « kioskctl selftest ».", "The kiosk is out of order: run “kioskctl selftest”.", 0},
}
