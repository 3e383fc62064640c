package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"pointnum/cmd/internal/agent"
	"pointnum/cmd/internal/cli"
	"pointnum/kiosk"
	"pointnum/kiosk/config"
	"pointnum/kiosk/disks"
	"pointnum/kiosk/steward"
)

func installCommand() cli.Command {
	return cli.Command{
		Name: "install", Short: "mettre la borne, démarrée depuis une clé, sur le disque de la machine",
		Long: `La machine a démarré depuis une clé USB : son propre disque reçoit le même système, et le KIOSK-CONF de la clé.
Tout ce que ce disque contient est effacé : rien ne se fait sans le mot ` + confirmWord + `.

  sudo kioskctl install --list
  sudo kioskctl install
  sudo kioskctl install --disk /dev/nvme0n1`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			path := fs.String("disk", "", "`disque` à effacer, quand la machine en a plusieurs")
			list := fs.Bool("list", false, "dire les disques, et rien d’autre")
			asJSON := fs.Bool("json", false, "avec --list : répondre en JSON")
			yes := fs.Bool("yes", false, "ne rien demander")
			asked := fs.Bool("steward", false, "répondre à une demande de l’agent, pendant la mise en service")
			return func(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
				if len(args) > 0 {
					return cli.Usagef("« %s » est en trop", args[0])
				}
				if *asked {
					return steward.Answer(ctx, stdin, stdout, func(ctx context.Context, request []byte) (any, error) {
						return answerInstall(ctx, config.DefaultPath, request, stderr)
					})
				}
				data, hashes, foreign := disks.Verity("/sys", "root")
				all, err := disks.List("/sys", systemPartition(), data, hashes)
				if err != nil {
					return err
				}
				if *list {
					return tellDisks(stdout, all, *asJSON)
				}
				if foreign != nil {
					return fmt.Errorf("install: this is not the kiosk's image: %w", foreign)
				}
				d, err := chooseDisk(all, *path)
				if err != nil {
					return errors.Join(err, tellDisks(stderr, all, false))
				}
				if !*yes {
					if err := confirmInstall(d, stdin, stderr); err != nil {
						return err
					}
				}
				return installOn(ctx, d, data, hashes, stdout, stderr)
			}
		},
	}
}

// answerInstall does what the agent asks, once a person has typed the word on
// its screen. A kiosk that was set up stays where it is: whoever takes its
// agent over erases no disk.
func answerInstall(ctx context.Context, configured string, request []byte, stderr io.Writer) (any, error) {
	refuse := func(err error) (any, error) {
		return nil, &kiosk.Error{Code: kiosk.CodeBadRequest, Op: "install", Err: err}
	}
	var r agent.InstallRequest
	dec := json.NewDecoder(bytes.NewReader(request))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil || r.Confirm != confirmWord || r.Disk == "" {
		return refuse(errors.Join(errors.New("not confirmed"), err))
	}
	if _, err := os.Stat(configured); !errors.Is(err, fs.ErrNotExist) {
		return refuse(errors.Join(errors.New("this kiosk has been set up"), err))
	}
	data, hashes, err := disks.Verity("/sys", "root")
	if err != nil {
		return refuse(fmt.Errorf("this is not the kiosk's image: %w", err))
	}
	all, err := disks.List("/sys", systemPartition(), data, hashes)
	if err != nil {
		return nil, err
	}
	to, err := chooseDisk(all, r.Disk)
	if err != nil {
		return nil, err
	}
	// What was begun is ended, though the asker is gone.
	return "ok", installOn(context.WithoutCancel(ctx), to, data, hashes, stderr, stderr)
}

// systemPartition is the partition from which the loader was started, as the
// image mounts it; "" on another system.
func systemPartition() string {
	out, err := exec.Command("findmnt", "--noheadings", "--output", "SOURCE", "/efi").Output()
	if err != nil {
		return ""
	}
	return filepath.Base(strings.TrimSpace(string(out)))
}

func tellDisks(w io.Writer, all []disks.Disk, asJSON bool) error {
	if asJSON {
		return writeJSON(w, all)
	}
	for _, d := range all {
		why := ""
		switch {
		case d.System:
			why = "la machine a démarré de là"
		case d.USB || d.Removable:
			why = "clé ou carte"
		case d.ReadOnly:
			why = "protégé"
		case !d.Takes():
			why = "trop petit"
		default:
			why = "peut recevoir la borne"
		}
		if _, err := fmt.Fprintf(w, "%-16s %7d Go  %s : %s\n", d.Path, d.Size/1e9, d.Model, why); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	return nil
}

// chooseDisk takes the disk that is named, or the only one that can be.
func chooseDisk(all []disks.Disk, path string) (disks.Disk, error) {
	var can []disks.Disk
	for _, d := range all {
		if d.Takes() && (path == "" || d.Path == path) {
			can = append(can, d)
		}
	}
	if len(can) == 1 {
		return can[0], nil
	}
	if len(can) > 1 {
		return disks.Disk{}, cli.Usagef("plusieurs disques peuvent recevoir la borne : dites lequel, avec --disk")
	}
	return disks.Disk{}, &kiosk.Error{Code: kiosk.CodeNoDevice, Op: "install", Err: errors.New("no disk of this machine can take the system")}
}

func confirmInstall(d disks.Disk, stdin io.Reader, stderr io.Writer) error {
	fmt.Fprintf(stderr, "Tout ce qui est sur %s (%s, %d Go) va être effacé, pour toujours.\nPour continuer, tapez %s : ", d.Path, d.Model, d.Size/1e9, confirmWord)
	answer, err := bufio.NewReader(io.LimitReader(stdin, 1000)).ReadString('\n')
	if strings.TrimSpace(answer) != confirmWord {
		return errors.Join(errors.New("rien n’a été fait"), ignoreEOF(err))
	}
	return nil
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// installOn writes the partitions. What runs is copied block by block, and its
// kernel checks each block that it reads from there.
func installOn(ctx context.Context, d disks.Disk, data, hashes string, stdout, stderr io.Writer) (err error) {
	parts, err := os.MkdirTemp("", "install-")
	if err != nil {
		return fmt.Errorf("install: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(parts)) }()
	cmdline, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return fmt.Errorf("install: %w", err)
	}
	if err := describeParts(agent.InstallParts, parts, string(cmdline), data, hashes); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "systemd-repart", "--definitions="+parts, "--dry-run=no", "--empty=force", "--discard=yes", d.Path)
	cmd.Stdout, cmd.Stderr = stderr, stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("install: %w", err)
	}
	_, err = fmt.Fprintf(stdout, "La borne est sur %s. Éteignez la machine, retirez la clé, puis rallumez.\n", d.Path)
	return err
}

var rootHash = regexp.MustCompile(`(?:^|\s)roothash=([0-9a-f]{32})[0-9a-f]*([0-9a-f]{32})(?:\s|$)`)

// describeParts writes the partitions' descriptions with what "auto" does not
// find, as the root is in memory over the verified one: where the running
// system is read from, and the UUIDs by which its kernel looks for it, which
// are the root hash's ends (Discoverable Partitions Specification).
func describeParts(from, to, cmdline, data, hashes string) error {
	ends := rootHash.FindStringSubmatch(cmdline)
	if ends == nil {
		return errors.New("install: the kernel was given no root hash")
	}
	list, err := filepath.Glob(filepath.Join(from, "*.conf"))
	if err != nil {
		return fmt.Errorf("install: %w", err)
	}
	if len(list) == 0 {
		return fmt.Errorf("install: this is not the kiosk's image: no partitions in %s", from)
	}
	for _, path := range list {
		raw, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("install: %w", err)
		}
		text := string(raw)
		for kind, source := range map[string][2]string{"root": {data, ends[1]}, "root-verity": {hashes, ends[2]}} {
			if strings.Contains(text, "Type="+kind+"\n") {
				text = strings.Replace(text, "CopyBlocks=auto\n", "CopyBlocks=/dev/"+source[0]+"\nUUID="+source[1]+"\n", 1)
			}
		}
		if text, err = ownFiles(text, strings.TrimSuffix(filepath.Join(to, filepath.Base(path)), ".conf")); err != nil {
			return fmt.Errorf("install: %w", err)
		}
		if err := os.WriteFile(filepath.Join(to, filepath.Base(path)), []byte(text), 0o600); err != nil {
			return fmt.Errorf("install: %w", err)
		}
	}
	return nil
}

var copyFiles = regexp.MustCompile(`(?m)^CopyFiles=(/[^:\n]+):/$`)

// ownFiles has a partition filled from a copy that belongs to root: what is
// mounted for a group cannot be copied with that group to FAT, which has none.
func ownFiles(text, dir string) (string, error) {
	from := copyFiles.FindStringSubmatch(text)
	if from == nil {
		return text, nil
	}
	if err := os.CopyFS(dir, os.DirFS(from[1])); err != nil {
		return "", err
	}
	return copyFiles.ReplaceAllString(text, "CopyFiles="+dir+":/"), nil
}
