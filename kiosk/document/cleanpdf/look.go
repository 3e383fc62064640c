package cleanpdf

// look walks all objects of the file, those nothing refers to as well.
func (o *Original) look() {
	if o.looked {
		return
	}
	o.looked = true
	n, err := o.file.file.Objects()
	if err != nil {
		o.active = true
		return
	}
	for i := 1; i < n; i++ {
		v, _, err := o.file.object(ref(i))
		if err != nil {
			o.active = true
			continue
		}
		o.walk(v)
	}
}

func (o *Original) walk(v value) {
	switch v := v.(type) {
	case array:
		for _, e := range v {
			o.walk(e)
		}
	case dict:
		if v["FT"] == name("Sig") && v["V"] != nil {
			o.signed = true
		}
		for key, e := range v {
			o.key(key, e)
			o.walk(e)
		}
	}
}

func (o *Original) key(key name, v value) {
	n, _ := v.(name)
	switch key {
	case "JS", "JavaScript", "AA", "OpenAction", "EmbeddedFiles", "EF", "AF", "XFA", "RichMediaContent", "Collection":
		o.active = true
	case "S":
		// Going to a page and opening a link after a touch is all that an
		// action may do in a file that is passed on as it is.
		switch n {
		case "JavaScript", "Launch", "SubmitForm", "ImportData", "GoToR", "GoToE", "Rendition", "Movie", "Sound",
			"RichMediaExecute", "Thread", "Hide", "SetOCGState", "Trans", "GoTo3DView", "ResetForm":
			o.active = true
		}
	case "Subtype":
		switch n {
		case "RichMedia", "Movie", "Screen", "Sound", "FileAttachment", "3D":
			o.active = true
		}
	}
}

// Signed says whether the file holds an electronic signature. Any change
// breaks it.
func (o *Original) Signed() bool { o.look(); return o.signed }

// Active says whether the file holds more than pages: scripts, actions that
// run by themselves or reach outside, attachments, films. Links that open
// after a touch are not counted.
func (o *Original) Active() bool { o.look(); return o.active }
