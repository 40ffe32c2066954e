// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/cli"
	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/filestore"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
)

// point is a time given by a flag, absolute or relative to the position of pass 0.
type point struct{ to, by string }

func (p *point) flags(cmd *cobra.Command, direction string) {
	cmd.Flags().StringVar(&p.to, "to", "", "`time` to go to (2026-01-31T15:04:05+08:00, or 2026-01-31 [15:04] local)")
	cmd.Flags().StringVar(&p.by, "by", "", "`span` to go "+direction+" from the time up to which new entries were read (10m, 24h, 7d)")
}

// resolve returns the time in Unix seconds; --by counts from a mark, forward or back.
func (p *point) resolve(mark int64, forward bool) (int64, error) {
	if (p.to == "") == (p.by == "") {
		return 0, cli.Usagef("say where to go, with --to or with --by")
	}
	if p.to != "" {
		t, err := cli.ParseTime(p.to)
		if err != nil {
			return 0, cli.Usagef("--to: %w", err)
		}
		return t.Unix(), nil
	}
	d, err := cli.ParseSpan(p.by)
	if err != nil || d <= 0 {
		return 0, cli.Usagef("--by: %q is not a time span like 10m, 24h or 7d", p.by)
	}
	if !forward {
		d = -d
	}
	return time.Unix(mark, 0).Add(d).Unix(), nil
}

// edit is a change of a position: it returns a description, and the new values.
type edit func(c *checkpoint.Checkpoint, values map[string][]byte) (says []string, err error)

// changePosition shows what a change would do, and does it if yes is set.
func (c command) changePosition(cmd *cobra.Command, t target, yes bool, change edit) error {
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	apply := func(values map[string][]byte) (after map[string][]byte, says []string, err error) {
		position, err := checkpoint.Decode(values[checkpoint.KeyPosition])
		switch {
		case values[checkpoint.KeyPosition] == nil:
			return nil, nil, errors.New("nothing is stored: there is no position to move")
		case err != nil:
			return nil, nil, fmt.Errorf("the position cannot be used: %w; state reset removes it", err)
		}
		if says, err = change(position, values); err != nil {
			return nil, nil, err
		}
		values[checkpoint.KeyPosition] = position.Encode()
		return values, says, nil
	}
	if !yes {
		values, err := t.read(ctx)
		if err != nil {
			return err
		}
		_, says, err := apply(values)
		if err != nil {
			return err
		}
		cli.Print(out, strings.Join(says, "\n"))
		return errNotYet
	}
	var says []string
	backup, err := t.change(ctx, c.now(), func(values map[string][]byte) (after map[string][]byte, err error) {
		after, says, err = apply(values)
		return after, err
	})
	if err != nil {
		return err
	}
	cli.Print(out, strings.Join(says, "\n"))
	cli.Print(out, "Done. Backup of the previous file: "+backup)
	return nil
}

// errNotYet is returned for a change that was only shown.
var errNotYet = errors.New("nothing was changed: repeat the command with --yes to do this")

func (c command) rewind() *cobra.Command {
	var at point
	var again, yes bool
	cmd := c.onTarget("rewind", "Read a part of the log again", `rewind moves every pass back, so that the log is read again from there.

Entries that were delivered before are not delivered again as long as the
receiver remembers them, which it does from the position of the last pass on.
So only missed entries are delivered. With --deliver-again, everything from
there on is delivered again, with the same log.record.uid.`,
		`  # What would it do?
  feishu-audit state rewind /var/lib/otelcol/storage --by 10m
  # Deliver the last day again, as after a backend has lost it
  feishu-audit state rewind /var/lib/otelcol/storage --by 24h --deliver-again --yes`,
		func(cmd *cobra.Command, t target) error {
			return c.changePosition(cmd, t, yes, func(p *checkpoint.Checkpoint, values map[string][]byte) ([]string, error) {
				to, err := at.resolve(p.Marks[0], false)
				if err != nil {
					return nil, err
				}
				if to < 0 || to >= p.Marks[0] {
					return nil, cli.Usagef("%s is not before %s, up to which fresh entries were read", stamp(time.Unix(to, 0)), stamp(time.Unix(p.Marks[0], 0)))
				}
				last := p.Marks[len(p.Marks)-1]
				says := []string{fmt.Sprintf("Reads again from %s (fresh entries were read up to %s).", stamp(time.Unix(to, 0)), stamp(time.Unix(p.Marks[0], 0)))}
				p.Rewind(to)
				switch {
				case again:
					n, err := forget(p, values, to, t.text)
					if err != nil {
						return nil, err
					}
					says = append(says, fmt.Sprintf("Everything from %s on is delivered again: %s", stamp(time.Unix(to-to%60, 0)), n))
				case to < last-plan.Overlap:
					says = append(says, fmt.Sprintf("Entries before %s may no longer be remembered: those are delivered again.", stamp(time.Unix(last, 0))))
				default:
					says = append(says, "Entries that were delivered are remembered, and not delivered again.")
				}
				return says, nil
			})
		})
	at.flags(cmd, "back")
	cmd.Flags().BoolVar(&again, "deliver-again", false, "deliver again what was delivered from there on")
	confirm(cmd, &yes)
	return cmd
}

// forget removes the remembered ids from a time on, to the minute.
func forget(p *checkpoint.Checkpoint, values map[string][]byte, from int64, text bool) (string, error) {
	if text { // the ids are not in it, so none of them may be returned again
		p.First = p.Next
		return "all remembered ids are forgotten, also of entries before.", nil
	}
	forgotten := 0
	for n := p.First; n < p.Next; n++ {
		page, ok := values[checkpoint.SeenName(n)]
		if !ok {
			return "", fmt.Errorf("key %q is missing: the state is damaged; state reset removes it", checkpoint.SeenName(n))
		}
		kept, dropped, err := checkpoint.ForgetFrom(page, from/60)
		if err != nil {
			return "", fmt.Errorf("key %q: %w", checkpoint.SeenName(n), err)
		}
		values[checkpoint.SeenName(n)] = kept
		forgotten += dropped
	}
	return fmt.Sprintf("%s %s forgotten.", cli.Count(forgotten, "remembered id", "remembered ids"), cli.Form(forgotten, "is", "are")), nil
}

func (c command) skip() *cobra.Command {
	var at point
	var yes bool
	cmd := c.onTarget("skip", "Skip a part of the log", `skip moves every pass forward that is before the time: the entries in between
are not read and not delivered. Use it for a backlog that nobody needs.`,
		`  feishu-audit state skip /var/lib/otelcol/storage --to "2026-01-31 08:00" --yes`,
		func(cmd *cobra.Command, t target) error {
			return c.changePosition(cmd, t, yes, func(p *checkpoint.Checkpoint, _ map[string][]byte) ([]string, error) {
				to, err := at.resolve(p.Marks[0], true)
				if err != nil {
					return nil, err
				}
				last, now := p.Marks[len(p.Marks)-1], c.now().Unix()
				switch {
				case to > now:
					return nil, cli.Usagef("%s is in the future: entries that do not exist yet cannot be skipped", stamp(time.Unix(to, 0)))
				case to <= last:
					return nil, cli.Usagef("every pass is at %s or later already", stamp(time.Unix(last, 0)))
				}
				var says []string
				if to > p.Marks[0] {
					says = append(says, fmt.Sprintf("Entries from %s to %s are not delivered.", stamp(time.Unix(p.Marks[0], 0)), stamp(time.Unix(to, 0))))
				}
				says = append(says, fmt.Sprintf("Late entries from %s to %s are not searched for.", stamp(time.Unix(last, 0)), stamp(time.Unix(to, 0))))
				p.Skip(to)
				return says, nil
			})
		})
	at.flags(cmd, "forward")
	confirm(cmd, &yes)
	return cmd
}

func confirm(cmd *cobra.Command, yes *bool) {
	cmd.Flags().BoolVar(yes, "yes", false, "make the change; without it the command only says what it would do")
}

func (c command) reset() *cobra.Command {
	var yes bool
	cmd := c.onTarget("reset", "Forget the position", `reset removes the position and all that is remembered: the receiver starts at
start_time or initial_lookback again, and may deliver entries a second time. It
also works on a damaged file. It keeps the calls of the last minute, for the
API's limit, and the list of records given up.`,
		`  feishu-audit state reset /var/lib/otelcol/storage --yes`,
		func(cmd *cobra.Command, t target) error {
			out := cmd.OutOrStdout()
			cli.Print(out, "Removes the position in "+t.path+": the receiver starts at start_time or initial_lookback.")
			if !yes {
				return errNotYet
			}
			backup, err := c.forgetAll(cmd.Context(), t)
			if err != nil {
				return err
			}
			cli.Print(out, "Done. Backup of the previous file: "+backup)
			return nil
		})
	confirm(cmd, &yes)
	return cmd
}

// forgetAll removes what is stored, or the file if it is damaged.
func (c command) forgetAll(ctx context.Context, t target) (backup string, err error) {
	if t.text {
		return "", cli.Usagef("%s is a text file: remove the keys from the storage that it came from", t.path)
	}
	backup, err = t.change(ctx, c.now(), func(values map[string][]byte) (map[string][]byte, error) {
		after := map[string][]byte{}
		for _, key := range []string{checkpoint.KeyCalls, checkpoint.KeyGivenUp} {
			if value, ok := values[key]; ok {
				after[key] = value
			}
		}
		return after, nil
	})
	if err == nil || errors.Is(err, filestore.ErrLocked) || errors.Is(err, os.ErrExist) || errors.Is(err, os.ErrPermission) {
		return backup, err
	}
	// Not a database, or a damaged one: rename it.
	backup = t.path + "." + c.now().UTC().Format("20060102T150405Z") + backupSuffix
	if _, exists := os.Stat(backup); exists == nil {
		return "", err
	}
	return backup, os.Rename(t.path, backup)
}
