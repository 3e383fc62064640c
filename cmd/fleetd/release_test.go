package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/store"
	"pointnum/provisioning/update"
)

// signedRelease makes a release and the file of the key that signed it.
func signedRelease(t *testing.T, dir, version string) (folder, keys string) {
	t.Helper()
	folder, keys = filepath.Join(dir, "pointnum-"+version), filepath.Join(dir, "release.pub")
	must(t, os.Mkdir(folder, 0o700))
	for _, name := range []string{"_0123456789abcdef0123456789abcdef.root", "_0123456789abcdef0123456789abcdef.verity", ".efi"} {
		must(t, os.WriteFile(filepath.Join(folder, "pointnum_"+version+name), bytes.Repeat([]byte("x"), 1<<20), 0o600))
	}
	_, err := update.WriteManifest(t.Context(), folder, update.Manifest{Arch: "amd64", Version: version, Created: 1_790_000_000})
	must(t, err)
	public, err := update.NewKey(filepath.Join(dir, "key"))
	must(t, err)
	private, err := update.LoadPrivateKey(filepath.Join(dir, "key"))
	must(t, err)
	must(t, update.SignFolder(folder, private))
	must(t, os.WriteFile(keys, []byte(update.PublicLine(public)+"\n"), 0o600))
	return folder, keys
}

func TestReleasesComeInSignedAndGoWhenNobodyNeedsThem(t *testing.T) {
	dir := t.TempDir()
	config := configure(t, dir)
	folder, keys := signedRelease(t, dir, "2.0.0")
	text, err := os.ReadFile(config)
	must(t, err)
	must(t, os.WriteFile(config, fmt.Appendf(text, "releases:\n  keys: %s\n", keys), 0o600))
	if out := done(t, "release", "add", "-config", config, folder); out != "version 2.0.0, 3 Mo : vérifiée et copiée\n" {
		t.Errorf("says %q", out)
	}
	if _, told, code := fleetd(t, "release", "add", "-config", config, folder); code == 0 {
		t.Errorf("twice: %s", told)
	}
	var list []struct {
		Version string
		Here    bool
		Size    int64
	}
	must(t, json.Unmarshal([]byte(done(t, "release", "list", "-json", "-config", config)), &list))
	if len(list) != 1 || list[0].Version != "2.0.0" || !list[0].Here || list[0].Size != 3<<20 {
		t.Errorf("listed: %+v", list)
	}
	if out := done(t, "release", "list", "-config", config); !strings.Contains(out, "2.0.0  amd64  3 Mo") {
		t.Errorf("says %q", out)
	}
	rolling(t, filepath.Join(dir, "data", "fleet.db"), true)
	if _, told, code := fleetd(t, "release", "remove", "-config", config, "2.0.0"); code != 2 || !strings.Contains(told, "en déploiement") {
		t.Errorf("code %d: %s", code, told)
	}
	rolling(t, filepath.Join(dir, "data", "fleet.db"), false)
	done(t, "release", "remove", "-config", config, "2.0.0")
	if out := done(t, "release", "list", "-config", config); out != "" {
		t.Errorf("still listed: %q", out)
	}
	if _, _, code := fleetd(t, "release", "remove", "-config", config, "2.0.0"); code == 0 {
		t.Error("removed twice")
	}
	for _, args := range [][]string{{}, {"add"}, {"list", "x"}, {"put", "x"}} {
		if _, told, code := fleetd(t, append([]string{"release", "-config", config}, args...)...); code != 2 {
			t.Errorf("%s: code %d, %s", args, code, told)
		}
	}
}

// rolling starts a rollout in a database, or ends the one that is open.
func rolling(t *testing.T, database string, on bool) {
	t.Helper()
	s, err := store.Open(t.Context(), database, store.Options{})
	must(t, err)
	defer func() { must(t, s.Close()) }()
	if !on {
		r, err := s.OpenRollout(t.Context())
		must(t, err)
		_, err = s.SteerRollout(t.Context(), r.ID, fleet.SteerStop)
		must(t, err)
		return
	}
	must(t, s.AddStructure(t.Context(), fleet.Structure{ID: "mairie", Name: "Mairie"}))
	must(t, s.AddCode(t.Context(), fleet.Code{ID: "c", Structure: "mairie", Expires: time.Now().Add(time.Hour)}, "h"))
	_, err = s.Enrol(t.Context(), "h", "k", "KEY", time.Now().Add(time.Hour))
	must(t, err)
	_, err = s.Ingest(t.Context(), "mairie", "k", []provisioning.Event{{Epoch: 1, Seq: 1, At: time.Now().UnixMicro(), Kind: provisioning.EventState,
		State: &provisioning.State{Version: "1.0.0", Update: &provisioning.UpdateState{Version: "1.0.0", Phase: provisioning.UpdateIdle}}}})
	must(t, err)
	_, err = s.StartRollout(t.Context(), fleet.Rollout{Version: "2.0.0", Stages: fleet.DefaultStages(), Enough: 80, StopNumber: 2})
	must(t, err)
}
