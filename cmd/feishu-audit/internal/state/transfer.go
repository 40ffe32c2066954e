// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/collector/component"

	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/cli"
	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/filestore"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
)

// dump is everything that is stored, in the format of state export.
type dump struct {
	Format  string            `json:"format"`
	Version int               `json:"version"`
	From    string            `json:"receiver,omitempty"`
	Values  map[string][]byte `json:"values"` // base64 in JSON
}

const (
	dumpFormat  = "feishu_audit state"
	dumpVersion = 1
)

func (c command) export() *cobra.Command {
	var out string
	cmd := c.onTarget("export", "Write a position to a portable file", `export writes everything that is stored as JSON, for another machine or another
storage. The file has no secret, and nothing of an entry except hashes of ids.`,
		`  feishu-audit state export /var/lib/otelcol/storage --out position.json`,
		func(cmd *cobra.Command, t target) error {
			if t.text {
				return cli.Usagef("%s is a text file with a position: copy it as it is", t.path)
			}
			values, err := t.read(cmd.Context())
			if err != nil {
				return err
			}
			var text bytes.Buffer
			encoder := json.NewEncoder(&text)
			encoder.SetIndent("", "  ")
			if err := encoder.Encode(dump{dumpFormat, dumpVersion, t.receiver, values}); err != nil {
				return err
			}
			if out == "" {
				_, err := cmd.OutOrStdout().Write(text.Bytes())
				return err
			}
			f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if err != nil {
				return cli.Usagef("--out: %w", err)
			}
			_, err = f.Write(text.Bytes())
			return errors.Join(err, f.Close())
		})
	cmd.Flags().StringVar(&out, "out", "", "write to this `file`, which must not exist yet; standard output by default")
	return cmd
}

func (c command) importing() *cobra.Command {
	var in, receiver string
	var yes bool
	cmd := &cobra.Command{
		Use:   "import DIRECTORY --in FILE",
		Short: "Write an exported position to a storage",
		Long: `import writes a position from state export to a directory of file_storage. It
replaces the position of that receiver, if there is one.`,
		Example: `  feishu-audit state import /var/lib/otelcol/storage --in position.json --yes`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return cli.Usagef("give one DIRECTORY: that of file_storage")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return explain(c.runImport(cmd, args[0], in, receiver, yes))
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&in, "in", "", "`file` that state export has written; required")
	cmd.Flags().StringVar(&receiver, "receiver", "", "the receiver's `name` in the configuration, if it is not that of the export")
	confirm(cmd, &yes)
	return cmd
}

func (c command) runImport(cmd *cobra.Command, dir, in, receiver string, yes bool) error {
	if in == "" {
		return cli.Usagef("--in is missing: the file that state export has written")
	}
	data, err := os.ReadFile(in)
	if err != nil {
		return cli.Usagef("--in: %w", err)
	}
	var d dump
	if err := json.Unmarshal(data, &d); err != nil || d.Format != dumpFormat {
		return cli.Usagef("--in: %s was not written by state export", in)
	}
	if d.Version > dumpVersion {
		return cli.Usagef("--in: %s has version %d, and this build reads versions up to %d", in, d.Version, dumpVersion)
	}
	if err := checkpoint.Fault(d.Values); err != nil {
		return fmt.Errorf("%s cannot be used: %w", in, err)
	}
	if receiver == "" {
		receiver = d.From
	}
	var id component.ID
	if err := id.UnmarshalText([]byte(receiver)); err != nil || id.Type().String() != receiverType {
		return cli.Usagef("--receiver: %q is not the name of a %s receiver", receiver, receiverType)
	}
	t := target{path: filepath.Join(dir, filestore.Name(id)), receiver: receiver}
	_, err = os.Stat(t.path)
	fresh := errors.Is(err, fs.ErrNotExist)
	out := cmd.OutOrStdout()
	cli.Print(out, fmt.Sprintf("Writes the position of %s to %s%s", receiver, t.path, map[bool]string{true: "", false: ", and replaces the position that is there"}[fresh]))
	if !yes {
		return errNotYet
	}
	backup, err := t.change(cmd.Context(), c.now(), func(map[string][]byte) (map[string][]byte, error) { return d.Values, nil })
	if err != nil {
		return err
	}
	if fresh {
		_, err := io.WriteString(out, "Done.\n")
		return errors.Join(err, giveToOwner(t.path), os.Remove(backup)) // the backup of an empty file
	}
	cli.Print(out, "Done. Backup of the previous file: "+backup)
	return nil
}
