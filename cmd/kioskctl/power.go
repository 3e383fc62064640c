package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"

	"pointnum/cmd/internal/cli"
	"pointnum/kiosk"
	"pointnum/kiosk/steward"
)

func powerCommand() cli.Command {
	return cli.Command{
		Name: "power", Short: "redémarrer ou éteindre la borne",
		Long: `  sudo kioskctl power reboot      redémarrer
  sudo kioskctl power poweroff    éteindre

Avec --steward, la demande est lue sur l’entrée : c’est ainsi que l’agent, qui n’est pas root, redémarre la borne.`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			asked := fs.Bool("steward", false, "répondre à une demande de l’agent")
			return func(ctx context.Context, args []string, stdin io.Reader, stdout, _ io.Writer) error {
				switch {
				case *asked && len(args) == 0:
					return steward.Answer(ctx, stdin, stdout, answerPower)
				case len(args) == 1 && !*asked:
					return power(ctx, args[0])
				}
				return cli.Usagef("écrivez reboot ou poweroff")
			}
		},
	}
}

// answerPower does what the agent asks: one word.
func answerPower(ctx context.Context, request []byte) (any, error) {
	var word string
	if err := json.Unmarshal(request, &word); err != nil {
		return nil, &kiosk.Error{Code: kiosk.CodeBadRequest, Op: "power", Err: err}
	}
	return "ok", power(ctx, word)
}

// power tells the system's manager, and does not wait for it: it ends us.
func power(ctx context.Context, word string) error {
	if word != "reboot" && word != "poweroff" {
		return &kiosk.Error{Code: kiosk.CodeBadRequest, Op: "power", Err: errors.New("neither reboot nor poweroff")}
	}
	if os.Geteuid() != 0 {
		return steward.Ask(ctx, "", "power", word, nil)
	}
	out, err := exec.CommandContext(ctx, "systemctl", "--no-block", "--no-wall", word).CombinedOutput()
	if err != nil {
		return fmt.Errorf("power: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}
