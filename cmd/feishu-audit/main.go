// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Command feishu-audit is the command-line tool of the receiver: it examines, exports and records a tenant,
// moves positions, and serves a simulated tenant. `feishu-audit --help` lists its subcommands.
package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/cli"
	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/demo"
	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/doctor"
	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/export"
	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/record"
	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/simulate"
	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/state"
)

func main() {
	ctx, stop := cli.Context(context.Background())
	code := cli.Run(ctx, newCommand(), os.Args[1:])
	stop()
	os.Exit(code)
}

// newCommand is the whole program.
func newCommand() *cobra.Command {
	return cli.Root(doctor.Command(), export.Command(), state.Command(), record.Command(), simulate.Command(), demo.Command())
}
