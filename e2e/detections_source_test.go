// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// TestDetectionSources: the output of `make detections` is from the present rules and program. `make
// detections-check` generates it again and compares; this test needs no Python.
func TestDetectionSources(t *testing.T) {
	t.Parallel()
	var files []string
	for _, pattern := range []string{"detections/*.yml", "detections/keys.tsv", "internal/tools/detections/*.py", "internal/tools/detections/requirements.txt"} {
		found, err := filepath.Glob(filepath.Join("..", pattern))
		require.NoError(t, err)
		require.NotEmpty(t, found, pattern)
		files = append(files, found...)
	}
	digest := sha256.New()
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		digest.Write([]byte(strings.TrimPrefix(filepath.ToSlash(file), "../") + "\x00"))
		digest.Write(append(text, 0))
	}
	sources := "sources: " + hex.EncodeToString(digest.Sum(nil))
	for _, file := range []string{"../detections/victorialogs/rules.yaml", "../examples/loki/rules/feishu-audit.yaml", "../examples/splunk/app/default/savedsearches.conf", "../docs/detections.md"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.True(t, bytes.Contains(text, []byte(sources)), "%s is stale: run make detections", file)
	}
}

// vendorKey is a line of detections/keys.tsv.
type vendorKey struct{ class, key string }

func vendorKeys(t *testing.T) []vendorKey {
	text, err := os.ReadFile("../detections/keys.tsv")
	require.NoError(t, err)
	var keys []vendorKey
	for line := range strings.Lines(string(text)) {
		fields := strings.Split(line, "\t")
		require.Len(t, fields, 4, line)
		keys = append(keys, vendorKey{fields[0], fields[1]})
	}
	require.Equal(t, vendorKey{"class", "api_key"}, keys[0])
	require.Greater(t, len(keys), 1400)
	return keys[1:]
}

// sigmaRule is the part of a document in detections/*.yml that this test reads.
type sigmaRule struct {
	Name        string
	Detection   map[string]any
	Correlation struct {
		Rules []string
	}
	Custom struct {
		Alert, Refused, Accepted string
	}
}

// sigmaRules are the documents of detections/*.yml, by name.
func sigmaRules(t *testing.T) map[string]sigmaRule {
	files, err := filepath.Glob("../detections/*.yml")
	require.NoError(t, err)
	rules := map[string]sigmaRule{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		decoder := yaml.NewDecoder(bytes.NewReader(text))
		for {
			var r sigmaRule
			if decoder.Decode(&r) != nil {
				break
			}
			require.NotContains(t, rules, r.Name)
			rules[r.Name] = r
		}
	}
	require.Greater(t, len(rules), 50)
	return rules
}

// keys are the API keys that a rule lists, and the prefixes that it lists.
func (r *sigmaRule) keys() (whole, begin []string) {
	for _, part := range r.Detection {
		fields, _ := part.(map[string]any)
		for field, value := range fields {
			list, ok := value.([]any)
			if !ok {
				list = []any{value}
			}
			for _, v := range list {
				text, _ := v.(string)
				switch field {
				case "api_key":
					whole = append(whole, text)
				case "api_key|startswith":
					begin = append(begin, text)
				}
			}
		}
	}
	return whole, begin
}

// hasPattern reports whether a rule matches API keys with a regular expression.
func (r *sigmaRule) hasPattern() bool {
	for _, part := range r.Detection {
		if fields, ok := part.(map[string]any); ok && fields["api_key|re"] != nil {
			return true
		}
	}
	return false
}

// TestVendorKeys: every API of the vendor that is known to this repository has a class, so that TestDetectionKeys looks
// at it.
func TestVendorKeys(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../testdata/apis/api_keys.txt")
	require.NoError(t, err)
	classified := map[string]bool{}
	for _, k := range vendorKeys(t) {
		classified[k.key] = true
	}
	for line := range strings.Lines(string(text)) {
		if key := strings.TrimSpace(line); !strings.HasPrefix(key, "#") {
			assert.True(t, classified[key], "%s is not in detections/keys.tsv: internal/tools/detections/keys.py writes it", key)
		}
	}
}

// TestDetectionKeys: every API of the vendor in a sensitive class is in a rule, and every API in a rule is one
// of the vendor's.
func TestDetectionKeys(t *testing.T) {
	t.Parallel()
	var whole, begin []string
	for _, r := range sigmaRules(t) {
		w, b := r.keys()
		whole, begin = append(whole, w...), append(begin, b...)
	}
	var all []string
	for _, k := range vendorKeys(t) {
		all = append(all, k.key)
		if k.class == "-" || slices.ContainsFunc(begin, func(b string) bool { return strings.HasPrefix(k.key, b) }) {
			continue
		}
		assert.Contains(t, whole, k.key, "a key of the class %s is in no rule", k.class)
	}
	for _, key := range whole {
		assert.Contains(t, all, key, "no API of the vendor's")
	}
}

var variable = regexp.MustCompile(`:\w+`)
