// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configretry"

	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/pace"
	"github.com/feishuaudit/feishuauditreceiver/internal/poll"
	"github.com/feishuaudit/feishuauditreceiver/internal/record"
	"github.com/feishuaudit/feishuauditreceiver/internal/redact"
)

// Limits of the API.
const (
	// maxFilterAPIKeys is from the official page of list_data, section "请求体".
	maxFilterAPIKeys = 100
	// apiCallsPerMinute is the API's own limit for one app (official rate level 3).
	apiCallsPerMinute = 100
	// maxCallsPerMinute is more than one connection can do.
	maxCallsPerMinute = 1_000_000
)

// Config is the configuration of the receiver. Keys, defaults and meaning are
// listed in the README's configuration reference, which a test holds against
// this struct.
type Config struct {
	// ClientConfig holds endpoint, timeout, tls, proxy_url, headers and the rest
	// of the collector's HTTP client settings, on the receiver's own level.
	// Endpoint is the base URL of the Open API, default https://open.feishu.cn.
	// Timeout bounds one call, default 30s.
	ClientConfig confighttp.ClientConfig `mapstructure:",squash"`

	// AppID is the id of the custom app whose credential reads the log
	// (cli_...). Required.
	AppID string `mapstructure:"app_id"`
	// AppSecret is that app's secret. Required.
	AppSecret configopaque.String `mapstructure:"app_secret"`

	// PollInterval is how often to look for new entries. The first poll starts immediately. Default 1m.
	PollInterval time.Duration `mapstructure:"poll_interval"`
	// InitialLookback is how far back to start if there is no checkpoint, by the server's clock if ours is ahead
	// of it. Default 1h. Ignored when StartTime is set.
	InitialLookback time.Duration `mapstructure:"initial_lookback"`
	// StartTime is where to start if there is no checkpoint (RFC 3339), instead of InitialLookback. Inclusive.
	StartTime time.Time `mapstructure:"start_time"`
	// EndTime makes this a bounded export: entries from EndTime on are left out,
	// and the receiver idles once everything before has been read. Exclusive.
	EndTime time.Time `mapstructure:"end_time"`
	// RecheckAfter lists the delays after which each time range is read again, for entries that the API shows
	// late. Ascending. Default 2m, 15m, 1h; empty turns it off.
	RecheckAfter []time.Duration `mapstructure:"recheck_after"`
	// MaxWindow is the longest time range of one walk. Default 1h.
	MaxWindow time.Duration `mapstructure:"max_window"`
	// PageSize is the number of entries to request in one call, 1 to 100. Default 100.
	PageSize int `mapstructure:"page_size"`
	// RequestsPerMinute limits the calls of list_data. All receivers with the same endpoint and app_id share the
	// limit. Default 100, the API's own limit.
	RequestsPerMinute int `mapstructure:"requests_per_minute"`
	// MaxConcurrentWalks is the largest number of windows that are read concurrently. More than one is used only
	// if the API answers too slowly for fewer to use requests_per_minute. Default 4.
	MaxConcurrentWalks int `mapstructure:"max_concurrent_walks"`
	// MaxResponseSize is the size limit of a response, after decompression. A larger one is an error. Default
	// 32MiB.
	MaxResponseSize ByteSize `mapstructure:"max_response_size"`

	// Filter narrows down the entries on the API's side.
	Filter FilterConfig `mapstructure:"filter"`
	// Redaction masks credentials inside entries.
	Redaction RedactionConfig `mapstructure:"redaction"`
	// Body is the form of a record's body: original (default) or structured.
	Body BodyFormat `mapstructure:"body"`

	// RetryOnFailure is the backoff after failed calls and after refusals by the pipeline. Unlike elsewhere in
	// the collector, max_elapsed_time is 0 by default: an audit log is retried without a limit.
	RetryOnFailure configretry.BackOffConfig `mapstructure:"retry_on_failure"`
	// Storage names the storage extension that keeps the position. Without one, the position is in memory and
	// lost with the process.
	Storage *component.ID `mapstructure:"storage"`
	// K8sLeaderElector names a k8s_leader_elector extension: only the elected
	// replica polls.
	K8sLeaderElector *component.ID `mapstructure:"k8s_leader_elector"`
}

// FilterConfig narrows down the entries on the API's side.
type FilterConfig struct {
	// APIKeys selects the calls of these APIs, written as in the log (POST/open-apis/authen/v1/access_token). At
	// most 100. Empty: all.
	APIKeys []string `mapstructure:"api_keys"`
	// AppID selects the calls of this app. Empty: all.
	AppID string `mapstructure:"app_id"`
}

// RedactionConfig masks credentials inside query_param, payload and response.
type RedactionConfig struct {
	// Enabled is true by default.
	Enabled bool `mapstructure:"enabled"`
	// Keys are masked in addition to the built-in credential keys, in any script and case.
	Keys []string `mapstructure:"keys"`
	// ResourceTokens also masks the tokens that name what was read: file_token, a base's app_token, page_token.
	ResourceTokens bool `mapstructure:"resource_tokens"`
}

// BodyFormat is the form of a record's body.
type BodyFormat string

const (
	// BodyOriginal is the entry's own JSON text.
	BodyOriginal BodyFormat = "original"
	// BodyStructured is the entry as a map.
	BodyStructured BodyFormat = "structured"
)

// ByteSize is a number of bytes, written as 33554432, 32MiB, 32MB or 512KiB.
type ByteSize int64

var byteUnits = map[string]int64{
	"": 1, "b": 1,
	"kb": 1e3, "mb": 1e6, "gb": 1e9,
	"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30,
}

// UnmarshalText reads a size with its unit.
func (b *ByteSize) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	end := len(s) - len(strings.TrimLeft(s, "0123456789"))
	n, err := strconv.ParseInt(s[:end], 10, 64)
	unit, ok := byteUnits[strings.ToLower(strings.TrimSpace(s[end:]))]
	if err != nil || !ok || n > (1<<63-1)/unit {
		return fmt.Errorf("%q is not a size: write a whole number and one of B, KB, MB, GB, KiB, MiB, GiB", s)
	}
	*b = ByteSize(n * unit)
	return nil
}

// MarshalText writes the size in the largest binary unit that is exact.
func (b ByteSize) MarshalText() ([]byte, error) {
	for _, u := range []string{"GiB", "MiB", "KiB"} {
		if size := byteUnits[strings.ToLower(u)]; b != 0 && int64(b)%size == 0 {
			return append(strconv.AppendInt(nil, int64(b)/size, 10), u...), nil
		}
	}
	return strconv.AppendInt(nil, int64(b), 10), nil
}

// Validate finds every error that can be found without the network and reports all of them together, each with
// its key, its value and the fix.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	errs = append(errs, openapi.ValidateHTTP(&c.ClientConfig)...)
	errs = append(errs, openapi.ValidateCredential(c.AppID, string(c.AppSecret))...)
	if c.PollInterval < time.Second {
		bad("poll_interval: %s is too short: use 1s or more", c.PollInterval)
	}
	switch lookback := c.InitialLookback; {
	case !c.StartTime.IsZero():
	case lookback < 0:
		bad("initial_lookback: %s is negative: use 0 or more, or start_time", lookback)
	case lookback > 0 && lookback < time.Second:
		bad("initial_lookback: %s is less than a second: use 0, or 1s or more, and write the unit, as in 1h", lookback)
	}
	notBefore1970 := func(key string, t time.Time) {
		if !t.IsZero() && t.Unix() < 0 {
			bad("%s: %s lies before 1970: use a later time", key, t.Format(time.RFC3339))
		}
	}
	notBefore1970("start_time", c.StartTime)
	notBefore1970("end_time", c.EndTime)
	if !c.StartTime.IsZero() && !c.EndTime.IsZero() && !c.EndTime.After(c.StartTime) {
		bad("end_time: %s is not after start_time %s: nothing would be read", c.EndTime.Format(time.RFC3339), c.StartTime.Format(time.RFC3339))
	}
	previous := time.Duration(0)
	for i, after := range c.RecheckAfter {
		switch {
		case after < time.Second:
			bad("recheck_after[%d]: %s is too short: use 1s or more, or [] to turn rechecks off", i, after)
		case after%time.Second != 0:
			bad("recheck_after[%d]: %s is not a whole number of seconds: the API knows no fractions", i, after)
		case after <= previous:
			bad("recheck_after[%d]: %s is not after %s: list the times in ascending order, each once", i, after, previous)
		}
		previous = after
	}
	switch {
	case c.MaxWindow < time.Second:
		bad("max_window: %s is too short: use 1s or more", c.MaxWindow)
	case c.MaxWindow%time.Second != 0:
		bad("max_window: %s is not a whole number of seconds: the API knows no fractions", c.MaxWindow)
	}
	if c.PageSize < 1 || c.PageSize > entry.MaxPageSize {
		bad("page_size: %d is out of range: the API takes 1 to %d", c.PageSize, entry.MaxPageSize)
	}
	if c.RequestsPerMinute < 1 || c.RequestsPerMinute > maxCallsPerMinute {
		bad("requests_per_minute: %d is out of range: use 1 to %d; the API allows %d for one app", c.RequestsPerMinute, maxCallsPerMinute, apiCallsPerMinute)
	}
	if c.MaxConcurrentWalks < 1 || c.MaxConcurrentWalks > 100 {
		bad("max_concurrent_walks: %d is out of range: use 1 to 100", c.MaxConcurrentWalks)
	}
	if c.MaxResponseSize < 1<<10 {
		bad("max_response_size: %d is too small: use 1KiB or more; the default 32MiB fits a page of 100 large entries", c.MaxResponseSize)
	}
	if n := len(c.Filter.APIKeys); n > maxFilterAPIKeys {
		bad("filter::api_keys: %d keys are too many: the API takes at most %d; use several receivers", n, maxFilterAPIKeys)
	}
	for i, key := range c.Filter.APIKeys {
		const example = "POST/open-apis/authen/v1/access_token"
		switch {
		case key == "":
			bad("filter::api_keys[%d]: empty: remove it, or write method and path, like %s", i, example)
		case openapi.TextFault(key) != "" && apiKeyShape.MatchString(key):
			bad("filter::api_keys[%d]: %q %s", i, key, openapi.TextFault(key))
		case !apiKeyShape.MatchString(key):
			bad("filter::api_keys[%d]: %q would match nothing: write the method in capitals and the path directly after it, without white space, like %s", i, key, example)
		}
	}
	switch fault := openapi.TextFault(c.Filter.AppID); {
	case fault != "":
		bad("filter::app_id: %q %s", c.Filter.AppID, fault)
	case openapi.IsPlaceholder(c.Filter.AppID):
		bad("filter::app_id: %q is a placeholder: set it to the App ID of the app whose calls are wanted, or remove it", c.Filter.AppID)
	}
	for i, key := range c.Redaction.Keys {
		switch {
		case key == "":
			bad("redaction::keys[%d]: empty: remove it", i)
		case !redact.IsKey(key):
			bad("redaction::keys[%d]: %q is nothing but separators, which are not compared: remove it, or write a key", i, key)
		}
	}
	if c.Body != BodyOriginal && c.Body != BodyStructured {
		bad("body: %q is unknown: use %s or %s", c.Body, BodyOriginal, BodyStructured)
	}
	return errors.Join(append(errs, validateRetry(&c.RetryOnFailure)...)...)
}

// minRetryInterval is the shortest first wait after a failure. Without any wait, a pipeline that refuses records
// would be called tens of thousands of times a second.
const minRetryInterval = 100 * time.Millisecond

// retry returns the effective retry_on_failure.
func (c *Config) retry() configretry.BackOffConfig {
	retry := c.RetryOnFailure
	retry.InitialInterval = max(retry.InitialInterval, minRetryInterval)
	retry.MaxInterval = max(retry.MaxInterval, minRetryInterval)
	return retry
}

// records returns the settings by which a collector of that version builds records.
func (c *Config) records(version string) record.Settings {
	return record.Settings{
		Endpoint:             pace.CanonicalEndpoint(c.ClientConfig.Endpoint),
		AppID:                c.AppID,
		Version:              version,
		Structured:           c.Body == BodyStructured,
		Redact:               c.Redaction.Enabled,
		RedactKeys:           c.Redaction.Keys,
		RedactResourceTokens: c.Redaction.ResourceTokens,
	}
}

// reading returns what to read and how. phase is the moment within poll_interval.
func (c *Config) reading(phase float64) poll.Settings {
	return poll.Settings{
		Phase:              phase,
		APIKeys:            c.Filter.APIKeys,
		CallingApp:         c.Filter.AppID,
		PollInterval:       c.PollInterval,
		InitialLookback:    c.InitialLookback,
		StartTime:          c.StartTime,
		EndTime:            c.EndTime,
		RecheckAfter:       c.RecheckAfter,
		MaxWindow:          c.MaxWindow,
		PageSize:           c.PageSize,
		RequestsPerMinute:  c.RequestsPerMinute,
		MaxConcurrentWalks: c.MaxConcurrentWalks,
		Retry:              c.retry(),
	}
}

// validateRetry checks retry_on_failure even if it is turned off: calls are retried at these intervals in any
// case.
func validateRetry(c *configretry.BackOffConfig) []error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("retry_on_failure::"+key+": "+format, args...))
	}
	if c.InitialInterval < minRetryInterval {
		bad("initial_interval", "%s is too short: use %s or more", c.InitialInterval, minRetryInterval)
	}
	if c.MaxInterval < c.InitialInterval {
		bad("max_interval", "%s is shorter than initial_interval %s: use that or more", c.MaxInterval, c.InitialInterval)
	}
	if !(c.Multiplier >= 1) { // also refuses NaN
		bad("multiplier", "%v is out of range: use 1 or more, or the waits would shrink", c.Multiplier)
	}
	if !(c.RandomizationFactor >= 0 && c.RandomizationFactor <= 1) {
		bad("randomization_factor", "%v is out of range: use 0 to 1", c.RandomizationFactor)
	}
	if c.MaxElapsedTime < 0 {
		bad("max_elapsed_time", "%s is negative: use 0, which means no limit, or more", c.MaxElapsedTime)
	}
	return errs
}

// apiKeyShape is the form of the log's api_key. It does not check which methods and paths exist: only the API
// knows them.
var apiKeyShape = regexp.MustCompile(`^[A-Z]+(/[^\s/?#]+)+/?$`)
