package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Command is one command of a program, or a program that has only one.
type Command struct {
	Name  string // "scan"; for a program its name
	Args  string // what follows the options, "FICHIER…"; may be empty
	Short string // one line of French for the list of commands
	Long  string // what a technician needs to know, with examples
	// Setup defines the options and returns the body, which is called with
	// the arguments that follow them.
	Setup func(fs *flag.FlagSet) Func
}

// Single makes a program of one command.
func Single(c Command) Func {
	return func(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
		return c.run(ctx, "", args, stdin, stdout, stderr)
	}
}

// Program makes a program of several commands. "help", "-h" and "help
// COMMAND" show what there is; they are no mistakes and go to stdout.
func Program(name, about string, commands ...Command) Func {
	return func(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
		help := name + " help"
		if len(args) == 0 {
			list(stderr, name, about, commands)
			return &usageError{text: name + " : il manque la commande.", help: help}
		}
		first, rest := args[0], args[1:]
		if isHelp(first) {
			if len(rest) == 0 {
				return list(stdout, name, about, commands)
			}
			first, rest = rest[0], []string{"-h"}
		}
		for _, c := range commands {
			if c.Name == first {
				return c.run(ctx, name+" ", rest, stdin, stdout, stderr)
			}
		}
		return &usageError{text: fmt.Sprintf("%s : la commande « %s » n’existe pas.", name, first), help: help}
	}
}

func isHelp(s string) bool {
	switch s {
	case "help", "aide", "-h", "-help", "--help":
		return true
	}
	return false
}

func (c Command) run(ctx context.Context, prefix string, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet(prefix+c.Name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	body := c.Setup(fs)
	args, err := parse(fs, args)
	if errors.Is(err, flag.ErrHelp) {
		return errors.Join(c.help(stdout, fs), flag.ErrHelp)
	}
	help := prefix + c.Name + " -h"
	if err != nil {
		return &usageError{text: fmt.Sprintf("%s : %s.", fs.Name(), inFrench(err)), help: help}
	}
	err = body(ctx, args, stdin, stdout, stderr)
	if u, ok := errors.AsType[*usageError](err); ok && u.help == "" {
		return &usageError{text: fs.Name() + " : " + u.text, help: help}
	}
	return err
}

// parse reads options before, between and after the arguments, which it
// returns: package flag alone would take an option after a file for a file.
// All that follows "--" is arguments.
func parse(fs *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := fs.Parse(args); err != nil {
			return nil, err
		}
		left := fs.Args()
		if len(left) == 0 {
			return rest, nil
		}
		if read := len(args) - len(left); read > 0 && args[read-1] == "--" {
			return append(rest, left...), nil
		}
		rest, args = append(rest, left[0]), left[1:]
	}
}

// inFrench says what the flag package found. Its words are the only place
// where it says it; what is not recognised stays as it is.
func inFrench(err error) string {
	s := err.Error()
	if rest, ok := strings.CutPrefix(s, "flag provided but not defined: "); ok {
		return "l’option « " + rest + " » n’existe pas"
	}
	if rest, ok := strings.CutPrefix(s, "flag needs an argument: "); ok {
		return "l’option « " + rest + " » demande une valeur"
	}
	if rest, ok := strings.CutPrefix(s, "invalid value "); ok {
		value, flagAndCause, _ := strings.Cut(rest, " for flag ")
		name, _, _ := strings.Cut(flagAndCause, ":")
		return "la valeur " + value + " n’est pas possible pour l’option « " + name + " »"
	}
	return s
}

func list(w io.Writer, name, about string, commands []Command) error {
	fmt.Fprintf(w, "%s\n\nUtilisation : %s COMMANDE [options]\n\nCommandes :\n", about, name)
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, c := range commands {
		fmt.Fprintf(tw, "  %s\t%s\n", c.Name, c.Short)
	}
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("cli: help: %w", err)
	}
	_, err := fmt.Fprintf(w, "\n« %s help COMMANDE » explique une commande.\n", name)
	return err
}

func (c Command) help(w io.Writer, fs *flag.FlagSet) error {
	usage := strings.TrimRight(fmt.Sprintf("%s [options] %s", fs.Name(), c.Args), " ")
	fmt.Fprintf(w, "%s\n\nUtilisation : %s\n", c.Short, usage)
	if c.Long != "" {
		fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(c.Long))
	}
	options := false
	fs.VisitAll(func(f *flag.Flag) {
		if !options {
			fmt.Fprint(w, "\nOptions :\n")
			options = true
		}
		value, text := flag.UnquoteUsage(f)
		fmt.Fprintf(w, "  --%s\n        %s\n", strings.TrimSpace(f.Name+" "+value), withDefault(text, f))
	})
	_, err := fmt.Fprint(w, exitHelp)
	return err
}

func withDefault(text string, f *flag.Flag) string {
	if f.DefValue == "" || f.DefValue == "false" || f.DefValue == "0" || f.DefValue == "0s" {
		return text
	}
	return text + " (sans cette option : " + f.DefValue + ")"
}

const exitHelp = `
Codes de sortie :
  0    fait
  1    échec
  2    la ligne de commande est fausse
  3    un appareil attend quelqu’un (papier, capot, clé)
  4    un appareil est absent ou ne répond pas
  5    le fichier ne peut pas être lu, ou pas être assez réduit
  125  la configuration est fausse, redémarrer ne sert à rien
  130  arrêté avant la fin
`
