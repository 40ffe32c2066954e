// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.opentelemetry.io/collector/config/configopaque"

	receiver "github.com/feishuaudit/feishuauditreceiver"
)

// Tenant is the API to call, and the app that calls it.
type Tenant struct {
	Endpoint, AppID  string
	SecretFile       string
	ProxyURL, CAFile string
}

// AddFlags defines its flags.
func (t *Tenant) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&t.AppID, "app-id", "", "App `ID` of the custom app that reads the log (cli_...); default: "+AppIDVariable)
	fs.StringVar(&t.Endpoint, "endpoint", "", "base `URL` of the Open API, or feishu or lark for the public clouds; default: "+EndpointVariable+", or feishu")
	fs.StringVar(&t.SecretFile, "app-secret-file", "", "`file` with the app secret, instead of "+SecretVariable)
	fs.StringVar(&t.ProxyURL, "proxy-url", "", "`URL` of a proxy, like the collector's proxy_url; default: HTTPS_PROXY")
	fs.StringVar(&t.CAFile, "ca-file", "", "`file` with additional certificate authorities, like the collector's tls::ca_file")
}

// Read checks the flags, resolves names in them, and reads the secret.
func (t *Tenant) Read(getenv func(string) string) (Secret, error) {
	if t.AppID = Or(t.AppID, AppIDVariable, getenv); t.AppID == "" {
		return Secret{}, ErrNoAppID
	}
	t.Endpoint = Endpoint(Or(t.Endpoint, EndpointVariable, getenv))
	if t.CAFile != "" {
		path, err := filepath.Abs(t.CAFile)
		if err != nil {
			return Secret{}, Usagef("--ca-file: %w", err)
		}
		t.CAFile = path
	}
	return ReadSecret(t.SecretFile, getenv)
}

// Config is the receiver's configuration for the tenant, with defaults for everything else.
func (t *Tenant) Config(secret Secret) *receiver.Config {
	cfg := receiver.NewFactory().CreateDefaultConfig().(*receiver.Config)
	cfg.ClientConfig.Endpoint = t.Endpoint
	cfg.ClientConfig.ProxyURL = t.ProxyURL
	cfg.ClientConfig.TLS.CAFile = t.CAFile
	cfg.AppID, cfg.AppSecret = t.AppID, configopaque.String(secret.Value)
	return cfg
}

// ParseSpan reads a duration: in Go's form, or with days (7d, 1d12h).
func ParseSpan(text string) (time.Duration, error) {
	days, rest, found := strings.Cut(text, "d")
	if !found {
		return time.ParseDuration(text)
	}
	n, err := strconv.Atoi(days)
	if err != nil || n < 0 || n > 36500 {
		return 0, Usagef("%q is not a time span like 90m, 24h or 7d", text)
	}
	span := time.Duration(n) * 24 * time.Hour
	if rest != "" {
		more, err := time.ParseDuration(rest)
		if err != nil {
			return 0, Usagef("%q is not a time span like 90m, 24h or 7d", text)
		}
		span += more
	}
	return span, nil
}

// timeForms are the forms that ParseTime reads; all but the first are in the local time zone.
var timeForms = []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"}

// ParseTime reads a point in time.
func ParseTime(text string) (time.Time, error) {
	for _, form := range timeForms {
		if t, err := time.ParseInLocation(form, text, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, Usagef("%q is not a time like 2026-01-31T15:04:05+08:00, or 2026-01-31 15:04 in this machine's time zone", text)
}
