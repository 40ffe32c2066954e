// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// everywhere returns a Redactor whose filter notices every byte but the last two
// of a text.
func everywhere(extraKeys []string) *Redactor {
	f := &filter{anyEscape: true}
	for c := range f.pairs {
		f.pairs[c] = 1<<groupPercent | 1<<(groupPercent+32)
	}
	return &Redactor{keys: newKeySet(extraKeys), filter: f}
}

func TestFilterNotices(t *testing.T) {
	f := newFilter(newKeySet([]string{"id_card", "q"}))
	for _, c := range credentials {
		for _, text := range []string{
			c.suffix, strings.ToUpper(c.suffix), "x" + c.suffix + "x", strings.Join(strings.Split(c.suffix, ""), "_-"),
			strings.Join(strings.Split(c.suffix, ""), "+ "), c.suffix[:1] + "\\u0061", c.suffix[:1] + "%5f", "%41",
		} {
			require.False(t, clean(f, text), text)
			require.False(t, clean(f, []byte(text)), text)
		}
	}
	for _, text := range []string{`basic`, `\u005c`, `\u0025`, `\u0030`, `\u0020`, `%20`, `%5C`, `%25`, `id-card`, `Q `, `\\\u006a`} {
		require.False(t, clean(f, text), text)
	}
	for _, text := range []string{
		``, `\`, `%`, `%4`, `\u00`, `\u0026\u003c\u003e\u0022`, `%22%3A%7B%2F%E4%BD%A0`, `\u4e2d\u6587`, `100%`, `tok.en`, `"to":"ken"`,
		`api_key`, `tenant_key`, `message`, `basis`, `%zz`, `\u00zz`, `user_id`,
	} {
		require.True(t, clean(f, text), text)
	}

	f = newFilter(newKeySet([]string{"密码"}))
	require.False(t, clean(f, `\u5bc6\u7801`))
	require.False(t, clean(f, `%E5%AF%86`))
	require.True(t, clean(f, `中文`))
}

// FuzzFilter holds that the filter lets nothing pass that a search without it
// finds.
func FuzzFilter(f *testing.F) {
	for _, seed := range []string{
		`{"to_ken":"xyz"}`, `{"a":"p w d=xyz"}`, `to%6ben=xyz`, `{"\u0074oken":"xyz"}`, `{"id-card":"xyz"}`, `bea_rer xyz`, `a%2520b`, `{"密码":"xyz"}`,
	} {
		f.Add(seed)
	}
	extraKeys := []string{"id_card", "q"}
	r, all := New(extraKeys), everywhere(extraKeys)
	f.Fuzz(func(t *testing.T, text string) {
		if !clean(r.filter, text) {
			return
		}
		if strings.Contains(text, strings.Repeat(`\`, 1<<maxLevels)) {
			return // masked as a whole if the filter objects, which this one always does
		}
		spans, _ := new(walker).walk(all, text, false)
		require.Empty(t, spans, "%q", text)
	})
}
