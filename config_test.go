// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/collector/confmap/xconfmap"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/poll"
)

func load(t *testing.T, id string) (*audit.Config, error) {
	t.Helper()
	file, err := confmaptest.LoadConf(filepath.Join("testdata", "config.yaml"))
	require.NoError(t, err)
	section, err := file.Sub(id)
	require.NoError(t, err)
	cfg := audit.CreateDefaultConfig().(*audit.Config)
	return cfg, section.Unmarshal(cfg)
}

func TestLoadConfig(t *testing.T) {
	storage, elector := component.MustNewIDWithName("file_storage", "audit"), component.MustNewID("k8s_leader_elector")
	full := audit.CreateDefaultConfig().(*audit.Config)
	full.ClientConfig.Endpoint = openapi.LarkEndpoint
	full.ClientConfig.Timeout = 10 * time.Second
	full.ClientConfig.ProxyURL = "http://proxy.example.com:3128"
	full.AppID, full.AppSecret = "cli_a1b2c3d4e5f60718", "secret"
	full.PollInterval = 2 * time.Minute
	full.InitialLookback = 24 * time.Hour
	full.StartTime = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	full.EndTime = time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	full.RecheckAfter = []time.Duration{10 * time.Minute, 6 * time.Hour}
	full.MaxWindow = 30 * time.Minute
	full.PageSize = 50
	full.RequestsPerMinute = 80
	full.MaxConcurrentWalks = 4
	full.MaxResponseSize = 8 << 20
	full.Filter = audit.FilterConfig{APIKeys: []string{"POST/open-apis/authen/v1/access_token", "GET/open-apis/im/v1/messages"}, AppID: "cli_b1b2c3d4e5f60718"}
	full.Redaction = audit.RedactionConfig{Enabled: false, Keys: []string{"id_card"}}
	full.Body = audit.BodyStructured
	full.RetryOnFailure = configretry.BackOffConfig{
		Enabled: true, InitialInterval: time.Second, MaxInterval: 10 * time.Second, Multiplier: 2, RandomizationFactor: 0.2, MaxElapsedTime: time.Hour,
	}
	full.Storage, full.K8sLeaderElector = &storage, &elector

	least := audit.CreateDefaultConfig().(*audit.Config)
	least.AppID, least.AppSecret = "cli_a1b2c3d4e5f60718", "secret"

	empty := audit.CreateDefaultConfig().(*audit.Config)
	empty.AppID, empty.AppSecret = "cli_a1b2c3d4e5f60718", "secret"
	empty.RecheckAfter, empty.MaxResponseSize = []time.Duration{}, 1<<20

	for id, want := range map[string]*audit.Config{"feishu_audit": full, "feishu_audit/least": least, "feishu_audit/empty": empty} {
		t.Run(id, func(t *testing.T) {
			got, err := load(t, id)
			require.NoError(t, err)
			assert.True(t, want.StartTime.Equal(got.StartTime), got.StartTime)
			assert.True(t, want.EndTime.Equal(got.EndTime), got.EndTime)
			got.StartTime, got.EndTime = want.StartTime, want.EndTime
			assert.Equal(t, want, got)
			require.NoError(t, xconfmap.Validate(got))
		})
	}
	_, err := load(t, "feishu_audit/unknown")
	require.ErrorContains(t, err, "pol_interval")
}

// TestValidate: each error has its key, its value and what to do.
func TestValidate(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*audit.Config)
		says   []string
	}{
		"no endpoint":         {func(c *audit.Config) { c.ClientConfig.Endpoint = "" }, []string{"endpoint: missing", openapi.FeishuEndpoint, openapi.LarkEndpoint}},
		"no URL":              {func(c *audit.Config) { c.ClientConfig.Endpoint = "https://user:pass word@x" }, []string{"endpoint: not a URL"}},
		"a port and no host":  {func(c *audit.Config) { c.ClientConfig.Endpoint = "https://:443" }, []string{`endpoint: "https://:443" is not an http(s) URL with a host`}},
		"no scheme":           {func(c *audit.Config) { c.ClientConfig.Endpoint = "open.feishu.cn" }, []string{`endpoint: "open.feishu.cn" is not an http(s) URL`}},
		"credential in URL":   {func(c *audit.Config) { c.ClientConfig.Endpoint = "https://me:hidden@open.feishu.cn" }, []string{"endpoint: has a user or password"}},
		"too deep":            {func(c *audit.Config) { c.ClientConfig.Endpoint = openapi.FeishuEndpoint + "/open-apis" }, []string{"leave out /open-apis"}},
		"query":               {func(c *audit.Config) { c.ClientConfig.Endpoint = openapi.FeishuEndpoint + "?a=b" }, []string{"has a query"}},
		"not encrypted":       {func(c *audit.Config) { c.ClientConfig.Endpoint = "http://open.feishu.cn" }, []string{`"http://open.feishu.cn" is not encrypted: use https`}},
		"query mark":          {func(c *audit.Config) { c.ClientConfig.Endpoint = openapi.FeishuEndpoint + "?" }, []string{"has a query or fragment"}},
		"proxy":               {func(c *audit.Config) { c.ClientConfig.ProxyURL = "http://me:hidden@proxy example" }, []string{"proxy_url: not a URL"}},
		"no time limit":       {func(c *audit.Config) { c.ClientConfig.Timeout = 0 }, []string{"timeout: 0s must be more than 0"}},
		"no app":              {func(c *audit.Config) { c.AppID = "" }, []string{"app_id: missing", "App ID"}},
		"app with space":      {func(c *audit.Config) { c.AppID = "cli_x " }, []string{`app_id: "cli_x " has white space`}},
		"no secret":           {func(c *audit.Config) { c.AppSecret = "" }, []string{"app_secret: missing or empty", "${env:FEISHU_APP_SECRET}"}},
		"secret with newline": {func(c *audit.Config) { c.AppSecret = "hidden\n" }, []string{"app_secret: has white space"}},
		"poll too often":      {func(c *audit.Config) { c.PollInterval = time.Millisecond }, []string{"poll_interval: 1ms is too short: use 1s or more"}},
		"negative lookback":   {func(c *audit.Config) { c.InitialLookback = -time.Hour }, []string{"initial_lookback: -1h0m0s is negative"}},
		"start before 1970":   {func(c *audit.Config) { c.StartTime = time.Unix(-5, 0) }, []string{"start_time: ", "before 1970"}},
		"end before start": {func(c *audit.Config) { c.StartTime, c.EndTime = time.Unix(20, 0), time.Unix(10, 0) }, []string{
			"end_time: ", "is not after start_time", "nothing would be read",
		}},
		"recheck too short":   {func(c *audit.Config) { c.RecheckAfter = []time.Duration{0} }, []string{"recheck_after[0]: 0s is too short", "[]"}},
		"recheck fraction":    {func(c *audit.Config) { c.RecheckAfter = []time.Duration{1500 * time.Millisecond} }, []string{"recheck_after[0]: 1.5s is not a whole number of seconds"}},
		"recheck order":       {func(c *audit.Config) { c.RecheckAfter = []time.Duration{time.Hour, time.Hour} }, []string{"recheck_after[1]: 1h0m0s is not after 1h0m0s", "ascending"}},
		"window":              {func(c *audit.Config) { c.MaxWindow = 0 }, []string{"max_window: 0s is too short"}},
		"page size 0":         {func(c *audit.Config) { c.PageSize = 0 }, []string{"page_size: 0 is out of range: the API takes 1 to 100"}},
		"page size 101":       {func(c *audit.Config) { c.PageSize = 101 }, []string{"page_size: 101 is out of range"}},
		"no pace":             {func(c *audit.Config) { c.RequestsPerMinute = 0 }, []string{"requests_per_minute: 0 is out of range"}},
		"no walk":             {func(c *audit.Config) { c.MaxConcurrentWalks = 0 }, []string{"max_concurrent_walks: 0 is out of range"}},
		"answer too small":    {func(c *audit.Config) { c.MaxResponseSize = 10 }, []string{"max_response_size: 10 is too small"}},
		"too many API keys":   {func(c *audit.Config) { c.Filter.APIKeys = strings.Split(strings.Repeat("a,", 100)+"a", ",") }, []string{"filter::api_keys: 101 keys are too many", "at most 100"}},
		"empty API key":       {func(c *audit.Config) { c.Filter.APIKeys = []string{"a", ""} }, []string{"filter::api_keys[1]: empty"}},
		"empty redaction key": {func(c *audit.Config) { c.Redaction.Keys = []string{""} }, []string{"redaction::keys[0]: empty"}},
		"body":                {func(c *audit.Config) { c.Body = "raw" }, []string{`body: "raw" is unknown: use original or structured`}},
		"retry":               {func(c *audit.Config) { c.RetryOnFailure.Multiplier = -1 }, []string{"retry_on_failure", "multiplier"}},
		"no first wait":       {func(c *audit.Config) { c.RetryOnFailure.InitialInterval = 0 }, []string{"retry_on_failure::initial_interval: 0s is too short: use 100ms or more"}},
		"longest wait": {func(c *audit.Config) { c.RetryOnFailure.MaxInterval = time.Second }, []string{
			"retry_on_failure::max_interval: 1s is shorter than initial_interval 5s",
		}},
		"no wait where retries are off": {func(c *audit.Config) { c.RetryOnFailure.Enabled, c.RetryOnFailure.MaxInterval = false, 0 }, []string{
			"retry_on_failure::max_interval: 0s is shorter than initial_interval 5s",
		}},
		"waits that shrink": {func(c *audit.Config) { c.RetryOnFailure.Multiplier = 0.5 }, []string{"retry_on_failure::multiplier: 0.5 is out of range: use 1 or more"}},
		"no multiplier":     {func(c *audit.Config) { c.RetryOnFailure.Multiplier = math.NaN() }, []string{"retry_on_failure::multiplier: NaN is out of range"}},
		"waits below zero":  {func(c *audit.Config) { c.RetryOnFailure.Enabled, c.RetryOnFailure.RandomizationFactor = false, 5 }, []string{"retry_on_failure::randomization_factor: 5 is out of range: use 0 to 1"}},
		"negative patience": {func(c *audit.Config) { c.RetryOnFailure.Enabled, c.RetryOnFailure.MaxElapsedTime = false, -1 }, []string{"retry_on_failure::max_elapsed_time: -1ns is negative"}},
		"shortest waits": {func(c *audit.Config) {
			c.RetryOnFailure.InitialInterval, c.RetryOnFailure.MaxInterval, c.RetryOnFailure.Multiplier, c.RetryOnFailure.RandomizationFactor = audit.MinRetryInterval, audit.MinRetryInterval, 1, 1
		}, nil},
		"proxy without scheme": {func(c *audit.Config) { c.ClientConfig.ProxyURL = "proxy.example.com:3128" }, []string{"proxy_url: not a URL with a scheme (http, https, socks5) and a host", "http://proxy.example.com:3128"}},
		"proxy, secret first":  {func(c *audit.Config) { c.ClientConfig.ProxyURL = "hidden:hidden@proxy.example.com" }, []string{"proxy_url: not a URL with a scheme"}},
		"proxy, FTP":           {func(c *audit.Config) { c.ClientConfig.ProxyURL = "ftp://proxy.example.com" }, []string{"proxy_url: not a URL with a scheme"}},
		"proxy, path only":     {func(c *audit.Config) { c.ClientConfig.ProxyURL = "/proxy" }, []string{"proxy_url: not a URL with a scheme"}},
		"proxy, port":          {func(c *audit.Config) { c.ClientConfig.ProxyURL = "http://proxy.example.com:99999" }, []string{"proxy_url: not a URL with a scheme"}},
		"proxy, SOCKS":         {func(c *audit.Config) { c.ClientConfig.ProxyURL = "socks5://me:hidden@[::1]:1080" }, nil},
		"port":                 {func(c *audit.Config) { c.ClientConfig.Endpoint = "https://open.feishu.cn:99999" }, []string{`endpoint: "https://open.feishu.cn:99999" has a port out of range: use 1 to 65535`}},
		"port 0":               {func(c *audit.Config) { c.ClientConfig.Endpoint = "https://open.feishu.cn:0" }, []string{"has a port out of range"}},
		"colon without port":   {func(c *audit.Config) { c.ClientConfig.Endpoint = "https://open.feishu.cn:" }, []string{`endpoint: "https://open.feishu.cn:" has a colon without a port: remove the colon`}},
		"token replaced":       {func(c *audit.Config) { c.ClientConfig.Headers.Set("authorizatioN", "hidden") }, []string{"headers::authorizatioN: would replace the access token", "remove it"}},
		"another header":       {func(c *audit.Config) { c.ClientConfig.Headers.Set("X-Authorization", "hidden") }, nil},
		"window fraction":      {func(c *audit.Config) { c.MaxWindow = 1500 * time.Millisecond }, []string{"max_window: 1.5s is not a whole number of seconds"}},
		"API key with space":   {func(c *audit.Config) { c.Filter.APIKeys = []string{"GET/a", "POST /open-apis/x"} }, []string{`filter::api_keys[1]: "POST /open-apis/x" would match nothing`, "like POST/open-apis/"}},
		"API key, line break":  {func(c *audit.Config) { c.Filter.APIKeys = []string{"GET/a\n"} }, []string{`filter::api_keys[0]: "GET/a\n" would match nothing`}},
		"API key, no method":   {func(c *audit.Config) { c.Filter.APIKeys = []string{"/open-apis/x"} }, []string{`filter::api_keys[0]: "/open-apis/x" would match nothing`}},
		"API key, lower case":  {func(c *audit.Config) { c.Filter.APIKeys = []string{"post/open-apis/x"} }, []string{`filter::api_keys[0]: "post/open-apis/x" would match nothing`, "capitals"}},
		"API key, odd method":  {func(c *audit.Config) { c.Filter.APIKeys = []string{"PURGE/open-apis/contact/v3/users/:user_id"} }, nil},
		"filter with space":    {func(c *audit.Config) { c.Filter.AppID = "cli_y\n" }, []string{`filter::app_id: "cli_y\n" has white space`}},
		"redaction separators": {func(c *audit.Config) { c.Redaction.Keys = []string{"id_card", "--"} }, []string{`redaction::keys[1]: "--" is nothing but separators`}},
		"several at once":      {func(c *audit.Config) { c.AppID, c.PageSize, c.Body = "", 0, "" }, []string{"app_id: missing", "page_size: 0", `body: ""`}},
		"loopback may be http": {func(c *audit.Config) { c.ClientConfig.Endpoint = "http://[::1]:8080" }, nil},
		"localhost, too":       {func(c *audit.Config) { c.ClientConfig.Endpoint = "http://localhost" }, nil},
		"private deployment":   {func(c *audit.Config) { c.ClientConfig.Endpoint = "https://open.feishu.example.com:8443/base/" }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := audit.CreateDefaultConfig().(*audit.Config)
			cfg.AppID, cfg.AppSecret = "cli_x", "hidden"
			tc.change(cfg)
			err := xconfmap.Validate(cfg)
			if tc.says == nil {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			for _, part := range tc.says {
				require.ErrorContains(t, err, part)
			}
			assert.NotContains(t, err.Error(), "hidden")
			assert.NotContains(t, err.Error(), "pass word")
		})
	}
}

func TestByteSize(t *testing.T) {
	for text, want := range map[string]audit.ByteSize{"0": 0, "512": 512, "1B": 1, "32MiB": 32 << 20, "32 MiB": 32 << 20, "1kb": 1000, "2GiB": 2 << 30} {
		var got audit.ByteSize
		require.NoError(t, got.UnmarshalText([]byte(text)), text)
		assert.Equal(t, want, got, text)
		written, err := got.MarshalText()
		require.NoError(t, err)
		var again audit.ByteSize
		require.NoError(t, again.UnmarshalText(written))
		assert.Equal(t, got, again, "%s is written as %s", text, written)
	}
	for _, text := range []string{"", "MiB", "-1", "1.5MiB", "1TiB", "99999999999GiB"} {
		var got audit.ByteSize
		assert.Error(t, got.UnmarshalText([]byte(text)), text)
	}
}

// TestReadmeConfigReference: the reference in the READMEs lists exactly the keys of the configuration, with
// their types and defaults; the required ones are those without which a configuration is refused.
func TestReadmeConfigReference(t *testing.T) {
	want := map[string]setting{}
	describe(reflect.ValueOf(audit.CreateDefaultConfig()).Elem(), "", want)
	required := audit.CreateDefaultConfig().(*audit.Config).Validate().Error()
	for key, s := range want {
		s.required = map[bool]string{true: "yes", false: "no"}[regexp.MustCompile(`(?m)^`+key+`: `).MatchString(required)]
		want[key] = s
	}
	for _, file := range []string{"README.md", "README.zh.md"} {
		got := reference(t, file)
		for key, s := range got {
			assert.NotEmpty(t, s.meaning, "%s says what %s means", file, key)
			s.meaning = ""
			got[key] = s
		}
		assert.Equal(t, want, got, file)
	}
}

// reference returns what a README says about each key.
func reference(t *testing.T, file string) map[string]setting {
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	_, table, _ := strings.Cut(string(data), "<!-- config reference")
	table, _, found := strings.Cut(table, "<!-- end config reference -->")
	require.True(t, found, file)
	keys := map[string]setting{}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) < 7 || !strings.Contains(cells[1], "`") {
			continue
		}
		keys[strings.Trim(cells[1], " `")] = setting{
			kind:     strings.TrimSpace(cells[2]),
			required: strings.NewReplacer("是", "yes", "否", "no").Replace(strings.TrimSpace(cells[3])),
			value:    strings.Trim(cells[4], " `"),
			meaning:  strings.TrimSpace(cells[5]),
		}
	}
	return keys
}

// setting is what the reference says of a key.
type setting struct{ kind, required, value, meaning string }

// kindOf is the name of a setting's type in the reference.
func kindOf(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "duration"
	case t == reflect.TypeFor[time.Time]():
		return "time"
	case t == reflect.TypeFor[audit.ByteSize]():
		return "size"
	case t.Kind() == reflect.Pointer:
		return "component"
	case t.Kind() == reflect.Slice:
		return "[]" + kindOf(t.Elem())
	case t.Kind() == reflect.Float64:
		return "float"
	}
	return t.Kind().String()
}

// describe collects keys, types and defaults. Of the HTTP client's settings the README
// lists those with a default of ours.
func describe(v reflect.Value, prefix string, out map[string]setting) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("mapstructure"), ",")
		value := v.Field(i)
		s := setting{kind: kindOf(field.Type)}
		switch {
		case options == "squash" && v.Type() != reflect.TypeFor[audit.Config]():
			describe(value, prefix, out)
		case options == "squash":
			inner := map[string]setting{}
			describe(value, prefix, inner)
			for _, key := range []string{"endpoint", "timeout", "http2_read_idle_timeout", "http2_ping_timeout"} {
				out[key] = inner[key]
			}
		case name == "":
		case field.Type == reflect.TypeFor[time.Time]() || value.Kind() == reflect.Pointer:
			out[prefix+name] = s
		case value.Kind() == reflect.Struct:
			describe(value, prefix+name+"::", out)
		case value.Kind() == reflect.Slice:
			var items []string
			for j := range value.Len() {
				items = append(items, fmt.Sprint(value.Index(j)))
			}
			s.value = "[" + strings.Join(items, ", ") + "]"
			out[prefix+name] = s
		case field.Type == reflect.TypeFor[audit.ByteSize]():
			text, _ := value.Interface().(audit.ByteSize).MarshalText()
			s.value = string(text)
			out[prefix+name] = s
		case value.Kind() == reflect.String:
			s.value = value.String()
			out[prefix+name] = s
		default:
			s.value = fmt.Sprint(value.Interface())
			out[prefix+name] = s
		}
	}
}

// TestValidateSaysTheSame: the faults come in one order, whatever the run.
func TestValidateSaysTheSame(t *testing.T) {
	cfg := audit.CreateDefaultConfig().(*audit.Config)
	cfg.StartTime, cfg.EndTime = time.Unix(-5, 0), time.Unix(-4, 0)
	said := map[string]struct{}{}
	for range 50 {
		said[cfg.Validate().Error()] = struct{}{}
	}
	assert.Len(t, said, 1)
}

// TestWaitsHaveAFloor: a configuration that nobody validated does not make the receiver
// spin either.
func TestWaitsHaveAFloor(t *testing.T) {
	for _, enabled := range []bool{true, false} {
		cfg := &audit.Config{RetryOnFailure: configretry.BackOffConfig{Enabled: enabled}}
		b := poll.NewBackOff(audit.Retry(cfg))
		for range 5 {
			assert.GreaterOrEqual(t, b.NextBackOff(), audit.MinRetryInterval)
		}
	}
}
