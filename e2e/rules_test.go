// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// ruleFile is a file of Prometheus rules.
type ruleFile struct {
	Groups []ruleGroup `yaml:"groups"`
}

type ruleGroup struct {
	Name  string `yaml:"name"`
	Rules []rule `yaml:"rules"`
}

type rule struct {
	Record      string            `yaml:"record,omitempty"`
	Alert       string            `yaml:"alert,omitempty"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for,omitempty"`
	Labels      map[string]string `yaml:"labels,omitempty"`
	Annotations map[string]string `yaml:"annotations,omitempty"`
}

// alerts are the rules that raise one.
func (f ruleFile) alerts() (alerts []rule) {
	for _, r := range f.Groups[0].Rules {
		if r.Alert != "" {
			alerts = append(alerts, r)
		}
	}
	return alerts
}

func readRules(t *testing.T) ruleFile { return readRulesOf(t, alertsFile) }

func readRulesOf(t *testing.T, path string) ruleFile {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var rules ruleFile
	require.NoError(t, yaml.Unmarshal(text, &rules))
	require.NotEmpty(t, rules.Groups)
	return rules
}

// faster is by how much times are shortened in the rules' tests with real processes.
const faster = 60

var (
	minutes = regexp.MustCompile(`(\d+)m\b`)
	hours   = regexp.MustCompile(`(\d+)h\b`)
	ages    = regexp.MustCompile(`(feishu_audit:\w+_seconds(?:\{[^}]*\})? > )(\d+)\b`)
)

// hurry shortens a minute of a rule to a second: its ranges, its `for`, and the ages that it compares with. The
// clock's skew is not an age.
func (r *rule) hurry() {
	hurried := func(text string) string {
		text = minutes.ReplaceAllString(text, "${1}s")
		return hours.ReplaceAllString(text, "${1}m")
	}
	r.Expr, r.For = hurried(r.Expr), hurried(r.For)
	// Two starts of a process may be closer together, too.
	r.Expr = strings.Replace(r.Expr, ") < 5)", ") < 2)", 1)
	r.Expr = ages.ReplaceAllStringFunc(r.Expr, func(comparison string) string {
		parts := ages.FindStringSubmatch(comparison)
		n, _ := strconv.ParseFloat(parts[2], 64) // digits
		return parts[1] + strconv.FormatFloat(n/faster, 'f', -1, 64)
	})
}
