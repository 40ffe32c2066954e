// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// golden compares a text with a file of testdata, or writes it with -update.
func golden(t *testing.T, name, text string) {
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "go test ./internal/doctor -update writes it")
	require.Equal(t, string(want), text)
}

// fits checks that no line is wider than the page, with a wide character counted as two columns. Links,
// commands, and lines of the configuration that are the same in English are never broken.
func fits(t *testing.T, text, english string) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if columnsOf(line) > DefaultColumns && !strings.Contains(line, "://") && !strings.Contains(english, line+"\n") {
			assert.Fail(t, "too wide", "%d columns: %s", columnsOf(line), line)
		}
	}
}

// TestChineseProblems: the report in Chinese on tenants with problems, as it looks in a terminal of
// 80 columns. TestSample has that of a tenant without any.
func TestChineseProblems(t *testing.T) {
	for name, tc := range map[string]struct {
		sim    simulator.Options
		change func(*Options)
	}{
		"scope":      {simulator.Options{Faults: []simulator.Fault{{Kind: simulator.FaultMissingScope}}}, nil},
		"address":    {simulator.Options{Faults: []simulator.Fault{{Kind: simulator.FaultIPRefused}}, ClockSkew: time.Hour}, nil},
		"credential": {simulator.Options{}, func(o *Options) { o.AppSecret = "another-one" }},
		"access": {simulator.Options{}, func(o *Options) {
			o.AccessOnly, o.ConfigFile, o.ProxyURL = true, "/etc/otelcol/config.yaml", "http://user:pass@proxy.example.com:3128"
			o.SecretSource, o.SecretFile, o.LineBreak = "${file:/run/secret}", "/run/secret", 1
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := examine(t, simulator.New(tc.sim), tc.change)
			text := printedIn(t, r, Chinese)
			fits(t, text, printed(t, r))
			golden(t, name+".zh.txt", text)
		})
	}
}

// mayBeEnglish matches names, keys, commands and servers that are not translated.
var mayBeEnglish = regexp.MustCompile(strings.Join([]string{
	`https?://\S+`, `[\w-]*[_./:\[\]{}$=-][\w./:\[\]{}$=,-]*`, // keys, paths, references
	`App Secret`, `Open API`, `IP`, `UTC`, `NTP`, `HTTP`, `HTML`, `XML`, `JSON`, `DNS`, `TLS`, `API`, `URL`, `Date`, `Collector`, `Lark`, `Basic`, `Ctrl-C`, `doctor`, `log id`, `make build`,
	`storage`, `config`, `debug`, `endpoint`, `filter`, `processors`, `null`, `response`, `code`, `msg`, `error`, `data`, `id`, `Feishu`,
}, "|"))

// saidByOthers matches texts of the simulated server and of the system, which are not translated.
var saidByOthers = regexp.MustCompile(strings.Join([]string{
	"Internal Server Error", "trigger frequency limit", "context deadline exceeded", "connection reset by peer", "exceeded while awaiting headers",
	`Invalid access token for authorization\. Please make a request with token attached`, "This month's API call quota has been exceeded", `Request Param Error[a-z_: ]*`,
}, "|"))

// TestChineseIsChinese: in any world, the doctor's Chinese report has no English text, its lines fit, the
// configuration is the same except for its remarks, and JSON does not depend on the language.
func TestChineseIsChinese(t *testing.T) {
	english := regexp.MustCompile(`[A-Za-z]{2,}(?: [A-Za-z]{2,})+`)
	check := func(t *testing.T, r *Report) {
		text := printedIn(t, r, Chinese)
		fits(t, text, printed(t, r))
		prose, config, _ := strings.Cut(text, "extensions:\n")
		_, steps, _ := strings.Cut(config, "exporters: [debug]\n")
		// A sentence is checked as a whole, because line breaks may be inside one.
		whole := strings.Join(strings.Fields(prose+steps), " ")
		whole = saidByOthers.ReplaceAllString(whole, "")
		assert.Empty(t, english.FindAllString(mayBeEnglish.ReplaceAllString(whole, "-"), -1), text)
		if r.Config != none {
			remark := regexp.MustCompile(`(?m) *# [^-\n]*$\n?`)
			bare := func(l Language) []string {
				return strings.Fields(remark.ReplaceAllString(regexp.MustCompile(`(?m)^ *# [^ '-][^\n]*\n`).ReplaceAllString(r.Config.In(l), ""), "\n"))
			}
			assert.Equal(t, bare(English), bare(Chinese))
		}
		asJSON, err := json.Marshal(r)
		require.NoError(t, err)
		assert.NotRegexp(t, `\p{Han}`, string(asJSON))
	}
	for name, kind := range map[string]simulator.FaultKind{
		"HTML": simulator.FaultHTML, "redirect": simulator.FaultRedirect, "hang": simulator.FaultHang, "reset": simulator.FaultReset, "internal": simulator.FaultInternal,
		"token": simulator.FaultTokenInvalid, "quota": simulator.FaultQuotaExceeded, "limited": simulator.FaultRateLimited, "empty": simulator.FaultEmptyPage,
	} {
		for _, after := range []int{0, 12} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := examine(t, simulator.New(simulator.Options{Tenant: tenant(2), Faults: []simulator.Fault{{Kind: kind, After: after}}}), nil)
					check(t, r)
				})
			})
		}
	}
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			o := anyWorld(newRand(seed))
			if o.Validate() != nil {
				return
			}
			check(t, examine(t, simulator.New(o), nil))
		})
	}
}
