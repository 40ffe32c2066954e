// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package state is the subcommand that shows and changes the position of a receiver, in the
// file of its storage extension.
package state

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/cli"
	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/filestore"
)

// command is the process around it.
type command struct {
	now func() time.Time
}

// Command returns the subcommand.
func Command() *cobra.Command { return command{now: time.Now}.cobra() }

func (c command) cobra() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state",
		Short: "Show and change the position of a receiver",
		Long: `state shows and changes how far a receiver has read. It works on the storage of
a stopped collector: a running collector locks its storage.

PATH is the directory of file_storage, or the file of one receiver in it, or a
text file with the value of the key "position" from another storage, such as
Redis (docs/tool.md has the commands).

Nothing is changed without --yes. A backup of the file is written next to it
before a change.`,
		Example: `  feishu-audit state show /var/lib/otelcol/storage
  feishu-audit state rewind /var/lib/otelcol/storage --by 10m
  feishu-audit state rewind /var/lib/otelcol/storage --by 10m --yes`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return cli.Usagef("unknown command %q", args[0])
			}
			return cmd.Help()
		},
	}
	cmd.AddCommand(c.show(), c.rewind(), c.skip(), c.reset(), c.export(), c.importing())
	return cmd
}

// onTarget makes a subcommand that works on a position.
func (c command) onTarget(use, short, long, example string, run func(cmd *cobra.Command, t target) error) *cobra.Command {
	var receiver string
	cmd := &cobra.Command{
		Use: use + " PATH", Short: short, Long: long, Example: example,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return cli.Usagef("give one PATH: the directory of file_storage, or a file of it")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := find(args[0], receiver)
			if err != nil {
				return err
			}
			return explain(run(cmd, t))
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&receiver, "receiver", "", "the receiver's `name` in the configuration, if the directory has several: feishu_audit/NAME")
	return cmd
}

// explain adds what to do about a locked file.
func explain(err error) error {
	if errors.Is(err, filestore.ErrLocked) {
		return fmt.Errorf("%w. Nothing was changed. While it runs, its metrics say where it is: otelcol_receiver_feishu_audit_lag", err)
	}
	return err
}

func (c command) show() *cobra.Command {
	var asJSON bool
	cmd := c.onTarget("show", "Show where each pass is and what is remembered", `show prints what the position belongs to (endpoint, app, filters), where each
pass over the log is, and what is remembered of delivered entries. It exits
with 1 if a receiver could not resume from the position.`,
		`  feishu-audit state show /var/lib/otelcol/storage
  feishu-audit state show /var/lib/otelcol/storage --receiver feishu_audit/tenant_b --json`,
		func(cmd *cobra.Command, t target) error {
			r, err := examine(cmd.Context(), t, c.now())
			if err != nil {
				return err
			}
			if asJSON {
				err = r.JSON(cmd.OutOrStdout())
			} else {
				r.Text(cmd.OutOrStdout())
			}
			if err == nil && r.Fault != "" {
				return cli.ErrReported
			}
			return err
		})
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the report as JSON")
	return cmd
}
