// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package doctor is the subcommand that examines the OpenAPI audit log of a real tenant before a collector is
// set up for it. It finds problems and reports how to fix them, measures what the API's documentation leaves
// open, and writes the configuration that follows. It only reads. docs/doctor.md has a sample of its report.
package doctor

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/cli"
	"github.com/feishuaudit/feishuauditreceiver/internal/doctor"
)

// command is the process around a run.
type command struct {
	getenv    func(string) string
	transport http.RoundTripper // nil: the network
}

// Command returns the subcommand.
func Command() *cobra.Command { return command{getenv: os.Getenv}.cobra() }

func (c command) cobra() *cobra.Command {
	var (
		opts       = doctor.Options{Transport: c.transport}
		secretFile string
		asJSON     bool
		quiet      bool
		language   string
	)
	cmd := &cobra.Command{
		Use:   "doctor --app-id ID",
		Short: "Examine a tenant before a collector is set up for it",
		Long: fmt.Sprintf(`doctor examines the OpenAPI audit log of a tenant: can it be read, how does
the API behave, and which configuration of the collector suits it.

It only reads. It makes one call for an access token (one more each time the
API refuses it), at most %d calls of list_data, at most %d of them a minute
(a free plan may have 10,000 a month; with --access-only at most %d), and one
call to the other cloud if this one refuses the credential. It shows none of
the log's content.

The app secret is taken from the environment variable %s,
or from a file.

The report, its progress and the comments in the configuration are in Chinese
with --lang zh, or without --lang if the first of LC_ALL, LC_MESSAGES and LANG
that is set names a Chinese locale. --json is the same in every language.`,
			doctor.MaxCalls, doctor.CallsPerMinute, doctor.AccessCalls, cli.SecretVariable),
		Example: fmt.Sprintf(`  export %s=...
  feishu-audit doctor --app-id cli_xxx
  feishu-audit doctor --app-id cli_xxx --endpoint lark --access-only
  feishu-audit doctor --app-id cli_xxx --lang zh`, cli.SecretVariable),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.run(cmd, opts, secretFile, language, asJSON, quiet)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&opts.AppID, "app-id", "", "App `ID` of the custom app (cli_...); default: "+cli.AppIDVariable)
	fs.StringVar(&opts.Endpoint, "endpoint", "", "base `URL` of the Open API, or feishu or lark for the public clouds; default: "+cli.EndpointVariable+", or feishu")
	fs.StringVar(&secretFile, "app-secret-file", "", "`file` with the app secret, instead of "+cli.SecretVariable)
	fs.StringVar(&opts.ProxyURL, "proxy-url", "", "`URL` of a proxy, like the collector's proxy_url; default: HTTPS_PROXY")
	fs.StringVar(&opts.CAFile, "ca-file", "", "`file` with additional certificate authorities, like the collector's tls::ca_file")
	fs.DurationVar(&opts.Duration, "duration", doctor.DefaultDuration, "how long to watch for late entries and keep page tokens; at least "+doctor.MinDuration.String())
	fs.BoolVar(&opts.AccessOnly, "access-only", false, "only examine whether the log can be read, usually with two calls; not how the API behaves")
	fs.StringVar(&opts.ConfigFile, "write-config", "", "write the recommended configuration to this `file`, which must not exist yet")
	fs.BoolVar(&asJSON, "json", false, "write the report as JSON")
	fs.StringVar(&language, "lang", "", "`language` of the report: en or zh; default: that of the locale")
	fs.BoolVar(&quiet, "quiet", false, "do not show progress")
	return cmd
}

func (c command) run(cmd *cobra.Command, opts doctor.Options, secretFile, lang string, asJSON, quiet bool) error {
	language, err := c.language(lang, asJSON)
	if err != nil {
		return err
	}
	if opts.Duration < doctor.MinDuration {
		return cli.Usagef("--duration: %s is too short: use %s or more", opts.Duration, doctor.MinDuration)
	}
	opts.Endpoint = cli.Endpoint(cli.Or(opts.Endpoint, cli.EndpointVariable, c.getenv))
	if opts.CAFile != "" {
		path, err := filepath.Abs(opts.CAFile)
		if err != nil {
			return cli.Usagef("--ca-file: %w", err)
		}
		opts.CAFile = path
	}
	if opts.AppID = cli.Or(opts.AppID, cli.AppIDVariable, c.getenv); opts.AppID == "" {
		return cli.ErrNoAppID
	}
	secret, err := cli.ReadSecret(secretFile, c.getenv)
	if err != nil {
		return err
	}
	opts.AppSecret, opts.SecretSource, opts.SecretFile, opts.LineBreak = secret.Value, secret.Source, secret.File, secret.LineBreak
	if opts.ConfigFile != "" {
		if _, err := os.Stat(opts.ConfigFile); err == nil {
			return cli.Usagef("--write-config: %s exists already", opts.ConfigFile)
		}
	}
	if err := opts.Validate(cmd.Context()); err != nil {
		return &cli.UsageError{Err: err}
	}
	stderr := cmd.ErrOrStderr()
	if !quiet {
		opts.Progress = func(p doctor.Progress) { fmt.Fprintln(stderr, p.Line(&opts).In(language)) }
		fmt.Fprintln(stderr, opts.Announcement().In(language))
	}
	report, err := doctor.Run(cmd.Context(), opts)
	if err != nil {
		return err
	}
	if !quiet {
		fmt.Fprintln(stderr)
	}
	if report.ConfigFile != "" {
		if err := writeNew(report.ConfigFile, report.Config.In(language)); err != nil {
			return fmt.Errorf("--write-config: %w", err)
		}
	}
	out := cmd.OutOrStdout()
	if asJSON {
		err = report.JSON(out)
	} else {
		err = report.Text(out, cli.Width(out), language)
	}
	if err != nil {
		return err
	}
	if !report.Healthy() {
		return cli.ErrReported
	}
	return nil
}

// language is the language of the report: the flag's, or the locale's. JSON and the configuration in it are for
// programs, and are the same in every language.
func (c command) language(flag string, asJSON bool) (doctor.Language, error) {
	language := doctor.LocaleLanguage(c.getenv)
	if flag != "" {
		var known bool
		if language, known = doctor.ParseLanguage(flag); !known {
			return 0, cli.Usagef("--lang: %q is neither en nor zh", flag)
		}
	}
	if asJSON {
		return doctor.English, nil
	}
	return language, nil
}

// writeNew writes a file that must not exist yet.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
