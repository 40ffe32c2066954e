// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/xconfmap"

	feishuauditreceiver "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestQuietTenants: with too few entries it reports that, and recommends the defaults.
func TestQuietTenants(t *testing.T) {
	for name, log := range map[string][]simulator.Entry{
		"empty": nil,
		"one":   {{ID: "1", APIKey: "GET/open-apis/a", EventTime: time.Date(1999, 12, 31, 12, 0, 0, 0, time.UTC).Unix(), AppID: "cli_a", Response: `{"code":0}`}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := simulator.New(simulator.Options{})
				server.Add(log...)
				r := examine(t, server, nil)
				never(t, simulator.Options{}, r)
				require.True(t, r.Healthy())
				for _, q := range []Question{Order, Lateness, PageTokenLife, OwnCalls} {
					require.Equal(t, "could not tell", r.Finding(q).Text.String(), q)
				}
				if name == "one" {
					require.Equal(t, "inclusive", r.Finding(StartBound).Answer)
					require.Equal(t, 12*time.Hour, time.Duration(*r.Finding(Retention).AtLeast).Round(time.Minute*5))
				}
				loaded(t, r)
			})
		})
	}
}

// loaded reads the recommended configuration as the collector does, and returns
// the receiver's part of it.
func loaded(t *testing.T, r *Report) *feishuauditreceiver.Config {
	// The collector first replaces the variable by its value.
	text := strings.ReplaceAll(r.Config.String(), "${env:FEISHU_PROXY_URL}", "http://user:pass@proxy.example.com:3128")
	got, err := confmap.NewRetrievedFromYAML([]byte(text))
	require.NoError(t, err, r.Config.String())
	whole, err := got.AsConf()
	require.NoError(t, err)
	section, err := whole.Sub("receivers::feishu_audit")
	require.NoError(t, err)
	cfg := feishuauditreceiver.NewFactory().CreateDefaultConfig().(*feishuauditreceiver.Config)
	require.NoError(t, section.Unmarshal(cfg))
	resolved := *cfg
	resolved.AppSecret = simulator.DefaultAppSecret // as if the collector had resolved the reference
	require.NoError(t, xconfmap.Validate(&resolved))
	return cfg
}

// TestRecommendation: the configuration is valid, and has what was found.
func TestRecommendation(t *testing.T) {
	for name, tc := range map[string]struct {
		sim    func(*simulator.Options)
		change func(*Options)
		want   func(*testing.T, *feishuauditreceiver.Config)
	}{
		"defaults": {nil, nil, func(t *testing.T, c *feishuauditreceiver.Config) {
			want := feishuauditreceiver.NewFactory().CreateDefaultConfig().(*feishuauditreceiver.Config)
			want.AppID, want.AppSecret, want.Storage = simulator.DefaultAppID, "${env:FEISHU_APP_SECRET}", c.Storage
			assert.Equal(t, want, c)
			assert.Equal(t, "file_storage", c.Storage.String())
		}},
		"short windows": {func(o *simulator.Options) { o.MaxWindow = 30 * time.Minute }, nil, func(t *testing.T, c *feishuauditreceiver.Config) {
			assert.Equal(t, 30*time.Minute, c.MaxWindow)
		}},
		"very short windows": {func(o *simulator.Options) { o.MaxWindow = 70 * time.Second }, nil, func(t *testing.T, c *feishuauditreceiver.Config) {
			assert.Equal(t, time.Minute, c.MaxWindow)
		}},
		"a lower limit": {func(o *simulator.Options) { o.RateLimit, o.RateHeadersAlways = 70, true }, nil, func(t *testing.T, c *feishuauditreceiver.Config) {
			assert.Equal(t, 70, c.RequestsPerMinute)
		}},
		"late entries": {func(o *simulator.Options) { o.Tenant.Delay = 40 * time.Minute }, nil, func(t *testing.T, c *feishuauditreceiver.Config) {
			assert.Equal(t, []time.Duration{2 * time.Minute, 15 * time.Minute, time.Hour, 2 * time.Hour}, c.RecheckAfter)
		}},
		"slow": {nil, func(o *Options) {
			server := simulator.New(simulator.Options{Tenant: tenant(2)})
			o.Transport = simulator.Transport(server, func() time.Duration { return 2 * time.Second })
		}, func(t *testing.T, c *feishuauditreceiver.Config) {
			assert.Equal(t, 4, c.MaxConcurrentWalks)
		}},
		"odd names": {nil, func(o *Options) {
			o.Endpoint = "https://open.飞书.example:8443/x"
			o.AppID, o.AppSecret = `cli_"$a:#b`, "s"
			o.ProxyURL = "http://user:pass@proxy.example.com:3128"
			o.SecretSource = `${file:/etc/otel col #1/"secret"}`
			o.Transport = simulator.Transport(http.StripPrefix("/x", simulator.New(simulator.Options{Apps: map[string]string{o.AppID: "s"}})), nil)
		}, func(t *testing.T, c *feishuauditreceiver.Config) {
			assert.Equal(t, `cli_"$$a:#b`, c.AppID) // the collector turns two $ into one
			assert.Equal(t, "https://open.飞书.example:8443/x", c.ClientConfig.Endpoint)
			assert.Equal(t, "http://user:pass@proxy.example.com:3128", c.ClientConfig.ProxyURL)
			assert.Equal(t, `${file:/etc/otel col #1/"secret"}`, string(c.AppSecret))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := simulator.Options{Tenant: tenant(2), RateLimit: simulator.DefaultRateLimit}
				if tc.sim != nil {
					tc.sim(&o)
				}
				tc.want(t, loaded(t, examine(t, simulator.New(o), tc.change)))
			})
		})
	}
}
