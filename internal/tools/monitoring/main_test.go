// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

// TestCheck: what the operator would not take is refused, and an input that has nothing to check, too.
func TestCheck(t *testing.T) {
	const rule = "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: a}\nspec:\n  groups:\n    - name: a\n      rules:\n        - {alert: A, expr: up, for: 1m, keep_firing_for: 1h}\n"
	for name, tc := range map[string]struct{ in, wrong string }{
		"well":               {rule, ""},
		"beside others":      {"apiVersion: v1\nkind: ConfigMap\nwhatever: 1\n---\n" + rule, ""},
		"a misspelt field":   {strings.Replace(rule, "keep_firing_for", "keepFiringFor", 1), "keepFiringFor"},
		"a field too much":   {"apiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nspec: {endpoints: []}\n", "endpoints"},
		"another kind":       {"apiVersion: monitoring.coreos.com/v1\nkind: Probe\n", "does not know"},
		"nothing of its own": {"apiVersion: v1\nkind: ConfigMap\n", "no object"},
	} {
		_, err := check(strings.NewReader(tc.in))
		switch {
		case tc.wrong == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case tc.wrong != "" && (err == nil || !strings.Contains(err.Error(), tc.wrong)):
			t.Errorf("%s: %v, want %s", name, err, tc.wrong)
		}
	}
}
