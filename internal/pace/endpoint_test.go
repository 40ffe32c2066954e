// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestEndpointsAreComparedByMeaning: different spellings of an endpoint are equal. Covers F67.
func TestEndpointsAreComparedByMeaning(t *testing.T) {
	for want, spellings := range map[string][]string{
		"https://open.feishu.cn": {
			"https://open.feishu.cn", "https://open.feishu.cn/", "https://open.feishu.cn//", "HTTPS://OPEN.Feishu.CN", "https://open.feishu.cn:443",
			"https://open.feishu.cn:0443/", "https://open.feishu.cn.", "https://Open.feishu.cn.:443/./",
		},
		"https://open.feishu.cn:8443":      {"https://open.feishu.cn.:8443/"},
		"https://open.feishu.cn:80":        {"https://open.feishu.cn:80"},
		"http://127.0.0.1":                 {"http://127.0.0.1:80/", "http://[::ffff:127.0.0.1]"},
		"http://[::1]":                     {"http://[::1]:80", "http://[0:0:0:0:0:0:0:1]/"},
		"http://[::1]:8080":                {"http://[0::1]:8080"},
		"https://open.example.com/Base":    {"https://open.EXAMPLE.com/Base/", "https://open.example.com//Base", "https://open.example.com/x/../Base"},
		"https://open.example.com/base":    {"https://open.example.com/base"},
		"https://open.example.com/a%20b":   {"https://open.example.com/a%20b/"},
		"no URL at all":                    {"no URL at all"},
		"https://open.example.com:99999/a": {"https://open.example.com:99999/a"},
	} {
		for _, spelling := range spellings {
			assert.Equal(t, want, CanonicalEndpoint(spelling), spelling)
			assert.Equal(t, want, CanonicalEndpoint(want), "one spelling is its own")
		}
	}
	var shared Registry
	assert.Same(t, shared.Get("https://open.feishu.cn", "cli_1", 100), shared.Get("https://OPEN.feishu.cn.:443/", "cli_1", 100))
	assert.NotSame(t, shared.Get("https://open.feishu.cn", "cli_1", 100), shared.Get("https://open.feishu.cn:8443", "cli_1", 100))
}
