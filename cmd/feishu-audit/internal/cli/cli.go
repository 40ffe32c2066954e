// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package cli is what the subcommands of feishu-audit have in common: exit codes, signals, the source of a
// secret, and terminals.
package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes of every subcommand.
const (
	ExitOK      = 0
	ExitProblem = 1 // not done; standard error has the reason
	ExitUsage   = 2 // the command line is wrong; nothing was done
)

// UsageError is a mistake in the command line.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

// Usagef returns a UsageError with that text.
func Usagef(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// ErrReported ends a command with ExitProblem after the reason was printed.
var ErrReported = errors.New("not done")

// Context ends at an interrupt, at SIGTERM, and when the terminal is closed. A signal that the parent process
// ignores stays ignored: a shell without job control sets this for commands started with &, and nohup for
// SIGHUP.
func Context(parent context.Context) (context.Context, context.CancelFunc) {
	var signals []os.Signal
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signals = append(signals, s)
		}
	}
	return signal.NotifyContext(parent, signals...)
}

// Root returns the program with these subcommands.
func Root(commands ...*cobra.Command) *cobra.Command {
	root := &cobra.Command{
		Use:   "feishu-audit",
		Short: "Examine, export and simulate the OpenAPI audit log of Feishu and Lark",
		Long: `feishu-audit is the tool for the feishu_audit receiver of the OpenTelemetry
Collector.

Results go to standard output, progress to standard error. Exit codes are 0 for
success, 1 for a failure (standard error has the reason) and 2 for a wrong
command line. The app secret comes from the environment variable
` + SecretVariable + ` or from a file, never from a flag.

No tenant yet? simulate serves a fake one, and prints the settings for the
other commands.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return Usagef("unknown command %q", args[0])
			}
			return cmd.Help()
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = false
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &UsageError{err} })
	for _, c := range commands {
		if c.Args == nil && c.RunE != nil {
			c.Args = OnlyFlags
		}
		c.Flags().SortFlags = false
		root.AddCommand(c)
	}
	return root
}

// OnlyFlags refuses arguments.
func OnlyFlags(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Usagef("unexpected argument %q: this command takes only flags", args[0])
	}
	return nil
}

// Run executes a command line and returns the exit code.
func Run(ctx context.Context, root *cobra.Command, args []string) int {
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	var usage *UsageError
	switch {
	case err == nil:
		return ExitOK
	case errors.Is(err, ErrReported):
		return ExitProblem
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		complain(cmd, "interrupted")
		return ExitProblem
	case errors.As(err, &usage):
		complain(cmd, fmt.Sprintf("%v\nRun %s --help for its flags and examples.", err, cmd.CommandPath()))
		return ExitUsage
	default:
		complain(cmd, err.Error())
		return ExitProblem
	}
}

// complain prints why a command failed.
func complain(cmd *cobra.Command, text string) {
	Print(cmd.ErrOrStderr(), cmd.CommandPath()+": "+text)
}
