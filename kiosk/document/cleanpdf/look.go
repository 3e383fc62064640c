package cleanpdf

// Signed says whether the file holds an electronic signature. Any change
// breaks it.
func (o *Original) Signed() bool { o.look(); return o.signed }

// Active says whether the file holds more than pages: scripts, actions that
// run by themselves or reach outside, attachments, films. Links that open
// after a touch are not counted.
func (o *Original) Active() bool { o.look(); return o.active }

func (o *Original) look() { o.looked = true }
