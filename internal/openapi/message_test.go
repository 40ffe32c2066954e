// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
)

// TestMessagesAreShort: for any answer, the text before the remedy, together with the title of its cause, has at
// most 300 characters, and no link is cut. Covers F69.
func TestMessagesAreShort(t *testing.T) {
	link := "https://open.feishu.cn/app/cli_a1b2c3d4e5f60718/auth?q=security_and_compliance:audit_log.openapi_log:readonly&op_from=openapi&token_type=tenant"
	long := strings.Repeat("应用尚未开通所需的应用身份权限 ", 100)
	for _, code := range []int64{99991672, 99991663, 99991400, 10014, 1780103, 1, 0} {
		for _, msg := range []string{"short", "Access denied. One of the following scopes is required: [a:b, c:d]." + long + link, long} {
			for _, url := range []string{"", link, link + strings.Repeat("x", 1000)} {
				body, err := json.Marshal(map[string]any{"code": code, "msg": msg, "error": map[string]any{
					"log_id": strings.Repeat("2", 5000), "message": long,
					"permission_violations": []any{map[string]any{"subject": cause.ScopeName, "url": url}},
					"field_violations":      []any{map[string]any{"field": long, "description": long}},
				}})
				require.NoError(t, err)
				e := answerError(OpList, &Answer{Status: 400, Header: http.Header{}, body: body, scopePage: link}, code, true)
				before, after, _ := strings.Cut(e.Error(), "; ")
				title := e.Cause.Info().Title
				assert.LessOrEqual(t, len([]rune(title+": "+before)), 300, before)
				if e.Cause == cause.Scope {
					assert.Contains(t, after, cause.ScopeName)
					assert.True(t, strings.HasSuffix(after, ": "+link), after)
					assert.Less(t, len([]rune(e.Error())), 700)
					if msg != long {
						assert.NotContains(t, before, "应用")
					}
				}
				assert.Contains(t, e.Error(), "HTTP 400")
			}
		}
	}
}
