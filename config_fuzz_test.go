// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/xconfmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver/receivertest"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadata"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/pace"
	"github.com/feishuaudit/feishuauditreceiver/internal/poll"
	"github.com/feishuaudit/feishuauditreceiver/internal/record"
)

// FuzzConfig uses any YAML as the receiver's section. It must be refused without showing the secret, or be a
// configuration that the receiver works with: its requests go only to the endpoint's host, encrypted, and its
// numbers are finite.
func FuzzConfig(f *testing.F) {
	whole, err := os.ReadFile(filepath.Join("testdata", "config.yaml"))
	require.NoError(f, err)
	for section := range strings.SplitSeq(string(whole), "\nfeishu_audit") {
		_, body, _ := strings.Cut(section, "\n")
		f.Add(body)
	}
	f.Add("app_id: cli_x\napp_secret: canary-Zx81Kq27\nendpoint: https://x?\n")
	f.Add("app_id: cli_x\napp_secret: canary-Zx81Kq27\nendpoint: https://[::1]:99/a/../b#\nmax_response_size: 9223372036854775807\nrequests_per_minute: 9223372036854775807\n")
	f.Add("app_id: cli_x\napp_secret: [canary-Zx81Kq27]\nrecheck_after: [1s, 2562047h]\nend_time: 9999-12-31T23:59:59Z\ninitial_lookback: 2562047h\n")
	f.Add("app_id: cli_x\napp_secret: canary-Zx81Kq27\nendpoint: https://x:/\n")
	f.Fuzz(func(t *testing.T, text string) {
		const canary = "canary-Zx81Kq27"
		text = strings.ReplaceAll(text, "secret: secret", "secret: "+canary)
		retrieved, err := confmap.NewRetrievedFromYAML([]byte(text))
		if err != nil {
			return
		}
		section, err := retrieved.AsConf()
		if err != nil {
			return
		}
		cfg := audit.CreateDefaultConfig().(*audit.Config)
		if err := section.Unmarshal(cfg); err != nil {
			return // confmap's own message, before the value is known to be a secret
		}
		hidden := string(cfg.AppSecret) == canary && strings.Count(text, canary) == 1
		if err := xconfmap.Validate(cfg); err != nil {
			require.False(t, hidden && strings.Contains(err.Error(), canary), "%v", err)
			return
		}
		for _, shown := range []string{fmt.Sprint(cfg), fmt.Sprintf("%+v", cfg), fmt.Sprintf("%#v", cfg)} {
			require.False(t, hidden && strings.Contains(shown, canary), shown)
		}

		endpoint, err := url.Parse(cfg.ClientConfig.Endpoint)
		require.NoError(t, err)
		for _, path := range []string{openapi.TokenPath, openapi.ListPath} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, strings.TrimRight(cfg.ClientConfig.Endpoint, "/")+path, http.NoBody)
			require.NoError(t, err)
			require.Equal(t, endpoint.Host, req.URL.Host)
			require.NotEmpty(t, req.URL.Hostname())
			require.True(t, strings.HasSuffix(req.URL.Path, path), req.URL)
			require.Empty(t, req.URL.RawQuery)
			require.Empty(t, req.URL.Fragment)
			require.Nil(t, req.URL.User)
			require.True(t, req.URL.Scheme == "https" || req.URL.Scheme == "http" && openapi.IsLoopback(req.URL.Hostname()), req.URL)
		}
		require.True(t, audit.QueryOf(cfg).Equal(audit.QueryOf(cfg)))
		c := checkpoint.Checkpoint{Version: checkpoint.Version, Query: audit.QueryOf(cfg), Recheck: []int64{0}, Marks: []int64{0}}
		stored, err := checkpoint.Decode(c.Encode())
		require.NoError(t, err)
		require.True(t, stored.Query.Equal(audit.QueryOf(cfg)) || strings.ContainsRune(stored.Query.String(), '\uFFFD'), stored.Query)

		shared := &pace.Registry{}
		_, err = audit.NewReceiver(receivertest.NewNopSettings(metadata.Type), cfg, consumertest.NewNop(), shared)
		require.NoError(t, err)
		first, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		_, err = shared.Get(audit.QueryOf(cfg).Endpoint, cfg.AppID, cfg.RequestsPerMinute).Wait(first, 0)
		cancel()
		require.NoError(t, err, "the first call is made at once")
		logs, _ := record.NewBuilder(audit.Records(cfg, "1.2.3")).Build(nil, time.Now())
		address, _ := logs.ResourceLogs().At(0).Resource().Attributes().Get("server.address")
		canonical, err := url.Parse(pace.CanonicalEndpoint(cfg.ClientConfig.Endpoint))
		require.NoError(t, err)
		require.Equal(t, canonical.Hostname(), address.Str())
		require.Equal(t, canonical.String(), pace.CanonicalEndpoint(canonical.String()))
		delay := poll.NewBackOff(audit.Retry(cfg))
		for range 5 {
			require.GreaterOrEqual(t, delay.NextBackOff(), time.Duration(0))
		}
	})
}
