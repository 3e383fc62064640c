// Package console is the web page of host structures: how their kiosks are in
// one sentence, help calls, messages, settings of the place, people, and the
// usage sheet. Receptionists use it on a computer or a telephone.
//
// The console knows nobody: what it shows and does is behind Fleet, who asks
// behind Logins. It never shows a page, a name, a screen or a shell of a
// visit: no method of Fleet could give one.
//
// Every page works without JavaScript, forms answer with a redirect; scripts
// add what is live. No GET changes anything, every form has a token that is
// bound to the session.
package console
