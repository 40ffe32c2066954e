// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/redact"
)

// TestTables: the column of a table decides, whatever the order of rows and columns, and nothing outside of the table
// has its ids. Covers F70 and F72.
func TestTables(t *testing.T) {
	for _, tt := range []struct {
		text, want string
		masks      int
	}{
		{`{"rows":[{"b":"x","a":"y"}],"columns":[{"name":"a","display_name":"密码"},{"name":"b","display_name":"Host"}]}`, `{"rows":[{"b":"x","a":"[REDACTED]"}],"columns":[{"name":"a","display_name":"密码"},{"name":"b","display_name":"Host"}]}`, 1},
		{`{"columns":[{"display_name":"Token","name":"a"}],"rows":[{"a":7},{"a":["x",{"y":"z"}]},{"a":null},{"a":true}],"a":"kept"}`, `{"columns":[{"display_name":"Token","name":"a"}],"rows":[{"a":"[REDACTED]"},{"a":["[REDACTED]",{"y":"[REDACTED]"}]},{"a":null},{"a":true}],"a":"kept"}`, 3},
		{`[{"columns":[{"name":"a","display_name":"Password"}]},{"rows":[{"a":"kept"}]},{"columns":[{"name":"a","display_name":"Host"}],"rows":[{"a":"kept"}]}]`, "", 0},
		{`{"columns":[{"name":"a","display_name":"Password"}],"rows":[{"d":{"e":{"a":"kept"}}}]}`, "", 0},
		{`{"columns":[{"name":"a","display_name":"Password policy"},{"name":"b","display_name":"file_token"}],"rows":[{"a":"kept","b":"boxcnkept"}]}`, "", 0},
		{`{"values":[["name","password"],["bob","simple"],["eve","a sentence about one"],["ann","see mail"],["x","密码"],["y","Token"]]}`, `{"values":[["name","password"],["bob","[REDACTED]"],["eve","a sentence about one"],["ann","see mail"],["x","密码"],["y","Token"]]}`, 1},
		{`{"values":[["item","value"],["password","Gan1su"],["host","pg1.internal"]]}`, `{"values":[["item","value"],["password","[REDACTED]"],["host","pg1.internal"]]}`, 1},
		{`{"values":[["password","secret"],["name","user"]]}`, "", 0},
	} {
		if tt.want == "" {
			tt.want = tt.text
		}
		requireRedacted(t, redact.New(nil), tt.want, tt.masks, tt.text)
	}
}

// TestTablesInTables: reading a table a second time, by the names of its columns, does not take exponential time, and
// masks what is in the tables. Covers F70.
func TestTablesInTables(t *testing.T) {
	t.Parallel()
	r := redact.New(nil)
	for _, unit := range []string{
		`{"columns":["password","b"],"rows":[["canary1x",Z]]}`, `{"rows":[["canary1x",Z]],"columns":["password","b"]}`, `{"columns":[{"name":"a","display_name":"token"}],"rows":[{"a":"canary1x","b":Z}]}`,
		`{"value":{"token":"canary1x","b":Z},"name":"signature"}`,
	} {
		for _, depth := range []int{1, 2, 5, 30, 2000} {
			before, after, _ := strings.Cut(unit, "Z")
			text := strings.Repeat(before, depth) + `"end"` + strings.Repeat(after, depth)
			got, n := r.Redact(text)
			require.Positive(t, n)
			require.NotContains(t, got, "canary")
			require.True(t, json.Valid([]byte(got)), unit)
			if depth <= 5 {
				require.Equal(t, depth, n, unit)
				require.Contains(t, got, "end")
			}
			requireLaws(t, r, text, got, n)
		}
	}
}
