// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"bytes"
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/benchdata"
	"github.com/feishuaudit/feishuauditreceiver/internal/jsonoracle"
)

// FuzzParsePage compares ParsePage with encoding/json.
func FuzzParsePage(f *testing.F) {
	for _, page := range benchdata.Pages()[:1] {
		f.Add(page.Body()[:2000])
	}
	f.Add(benchdata.Answer(benchdata.Entry(1, `{"a":"b"}`), `{"ID":7}`, `{"id":1e3,"id":null}`, `"x"`))
	f.Add([]byte(`{"code":0,"Data":{"items":[{"id":"\ud83d\ude00"}]},"data":{"Items":[1],"PAGE_TOKEN":"\u0061","page_token":5}}`))
	f.Add([]byte(`{"CODE":-1,"code":12.0,"code":1e1,"data":{"items":[{"id":true},{"id":"a","Id":"b"}],"items":[{"Id":"c","ID":9007199254740993}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := ParsePage(body)
		if !json.Valid(body) {
			if err == nil { // it accepts deeper nesting than encoding/json
				require.Greater(t, strings.Count(string(body), "[")+strings.Count(string(body), "{"), 10000)
			}
			return
		}
		require.NoError(t, err)

		answer := jsonoracle.OracleObject(body)
		rawCode := jsonoracle.OracleMember(answer, "code")
		quoted := bytes.HasPrefix(rawCode, []byte(`"`)) // a number in quotes is a code, too
		if quoted {
			rawCode = json.RawMessage(strings.TrimSpace(jsonoracle.OracleText(rawCode)))
		}
		if i := bytes.IndexAny(rawCode, "eE"); i >= 0 && len(rawCode)-i > 5 {
			return // math/big would write out a number of that size
		}
		if code, ok := jsonoracle.OracleNumber(rawCode); ok && p.HasCode {
			require.Equal(t, code.String(), big.NewInt(p.Code).String())
		} else {
			require.False(t, ok && code.Sign() != 0)
			require.False(t, p.HasCode && !ok && !quoted)
		}
		data := jsonoracle.OracleObject(jsonoracle.OracleMember(answer, "data"))
		if jsonoracle.OracleRepeats(answer, "code", "data") || jsonoracle.OracleRepeats(data, "items", "has_more", "page_token") {
			require.False(t, p.HasCode && p.Code == 0, "it is not known which one counts")
			return
		}
		require.Equal(t, jsonoracle.OracleText(jsonoracle.OracleMember(data, "page_token")), p.PageToken)
		var items []json.RawMessage
		_ = json.Unmarshal(jsonoracle.OracleMember(data, "items"), &items)
		require.Len(t, p.Entries, len(items))
		for i, item := range items {
			require.Equal(t, string(item), p.Entries[i].Raw())
			if id := jsonoracle.OracleText(jsonoracle.OracleMember(jsonoracle.OracleObject(item), "id")); !isPlaceholder(id) && len(id) <= MaxAttribute {
				require.Equal(t, id, p.Entries[i].UID())
			} else {
				require.Regexp(t, "^sha256:[0-9a-f]{32}$", p.Entries[i].UID())
			}
		}
	})
}
