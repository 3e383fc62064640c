package tool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"pointnum/kiosk"
	"pointnum/kiosk/document/sandbox"
)

// The room's files. "document" is all that LibreOffice ever hears of a name.
const (
	homeFolder = sandbox.WorkFolder + "/home"
	tempFolder = sandbox.WorkFolder + "/temp"
	outFolder  = sandbox.WorkFolder + "/out"
	userFolder = homeFolder + "/profile/user"
	inName     = "document"
	outFile    = outFolder + "/" + inName + ".pdf"
)

// office makes a PDF of the input; it runs in the room.
func (j job) office() error {
	in := filepath.Join(sandbox.WorkFolder, inName+"."+string(j.Office))
	if err := j.prepareWork(in); err != nil {
		return err
	}
	j.Args = append(j.Args, in)
	err := j.soffice()
	if whole(outFile) { // whatever it says of itself
		return copyOut(outFile)
	}
	switch {
	case workFull():
		return &kiosk.Error{Code: kiosk.CodeFileTooBig, Op: "tool: work folder is full", Err: err}
	case err != nil:
		return err
	}
	return &kiosk.Error{Code: kiosk.CodeFileBroken, Op: "tool: no PDF came out"}
}

// again is the exit status by which soffice.bin asks to be started again, as
// it does when its profile is new.
const again = 81

// soffice runs LibreOffice without its starters, which want a /proc.
func (j job) soffice() error {
	for range 3 {
		cmd := j.command("HOME="+homeFolder, "TMPDIR="+tempFolder, "LD_LIBRARY_PATH="+filepath.Dir(j.Args[0]),
			"SAL_USE_VCLPLUGIN=svp")
		cmd.Stdout = os.Stderr
		if err := cmd.Run(); err == nil || cmd.ProcessState.ExitCode() != again {
			return ran(err)
		}
	}
	return &kiosk.Error{Code: kiosk.CodeInternal, Op: "tool: LibreOffice starts again and again"}
}

// prepareWork fills the work folder: the input and settings.
func (j job) prepareWork(in string) error {
	for _, d := range []string{userFolder, tempFolder, outFolder} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return fmt.Errorf("tool: work folder: %w", err)
		}
	}
	if err := os.WriteFile(userFolder+"/registrymodifications.xcu", settings(), 0o600); err != nil {
		return fmt.Errorf("tool: settings: %w", err)
	}
	f, err := os.OpenFile(in, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("tool: keep input: %w", err)
	}
	n, err := io.Copy(f, os.Stdin)
	if err == nil {
		err = checkPackage(f, n, j.Office)
	}
	if err = errors.Join(err, f.Close()); errors.Is(err, unix.ENOSPC) {
		return &kiosk.Error{Code: kiosk.CodeFileTooBig, Op: "tool: keep input"}
	}
	return err
}

// setting is one of LibreOffice's settings.
type setting struct{ path, name, value string }

// officeSettings close what a document can reach out with, and make the PDF
// what a portal wants to see.
var officeSettings = []setting{
	{"Common/Security/Scripting", "DisableMacrosExecution", "true"},
	{"Common/Security/Scripting", "MacroSecurityLevel", "3"},
	{"Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"},
	{"Common/Security/Scripting", "DisableActiveContent", "true"},
	{"Java/VirtualMachine", "Enable", "false"},
	{"Writer/Content/Update", "Link", "0"}, // never
	{"Calc/Content/Update", "Link", "2"},   // never
	{"Common/Misc", "FirstRun", "false"},
	// What is filled in is a part of the page, not a form to fill in again.
	{"Common/Filter/PDF/Export", "ExportFormFields", "false"},
	{"Common/Filter/PDF/Export", "ExportNotes", "false"},
	{"Common/Filter/PDF/Export", "ExportBookmarks", "false"},
	{"Common/Filter/PDF/Export", "UseTaggedPDF", "false"},
}

// settings writes them as LibreOffice keeps them in its profile. Documents
// that do not say so are French: their paper is A4.
func settings() []byte {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
`)
	item := func(path, name, value string) {
		fmt.Fprintf(&b, `<item oor:path="/org.openoffice.%s"><prop oor:name="%s" oor:op="fuse"><value>%s</value></prop></item>`+"\n", path, name, value)
	}
	item("Setup/L10N", "ooSetupSystemLocale", "fr-FR")
	for _, s := range officeSettings {
		item("Office."+s.path, s.name, s.value)
	}
	b.WriteString("</oor:items>\n")
	return b.Bytes()
}

// whole says whether a file is a PDF from its beginning to its end.
func whole(name string) bool {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() < 64 {
		return false
	}
	var head, tail [16]byte
	if _, err := f.ReadAt(head[:], 0); err != nil || !bytes.HasPrefix(head[:], []byte("%PDF-")) {
		return false
	}
	_, err = f.ReadAt(tail[:], info.Size()-int64(len(tail)))
	return err == nil && bytes.Contains(tail[:], []byte("%%EOF"))
}

// workFull says whether the work folder has less than a thirtieth left.
func workFull() bool {
	var st unix.Statfs_t
	return unix.Statfs(sandbox.WorkFolder, &st) == nil && st.Bavail*30 < st.Blocks
}
