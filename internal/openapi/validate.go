// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configtls"
	"go.opentelemetry.io/collector/confmap"
)

// Limits of the HTTP client's settings.
const (
	// minTimeout is shorter than any call across a network takes.
	minTimeout = 100 * time.Millisecond
	// maxBuffer limits read_buffer_size and write_buffer_size, which each connection allocates at once.
	maxBuffer = 64 << 20
)

// ValidateHTTP returns every error in the client's settings with which no call could succeed, each with its key
// and the fix. No message shows a value that may be secret.
func ValidateHTTP(cfg *confighttp.ClientConfig) []error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if err := ValidateEndpoint(cfg.Endpoint); err != nil {
		errs = append(errs, err)
	}
	if cfg.ProxyURL != "" && !IsProxy(cfg.ProxyURL) {
		bad("proxy_url: not a URL with a scheme (http, https, socks5) and a host: use one like http://proxy.example.com:3128") // without the value, which may hold a password
	}
	switch {
	case cfg.Timeout <= 0:
		bad("timeout: %s must be more than 0: a call without a time limit can hang indefinitely", cfg.Timeout)
	case cfg.Timeout < minTimeout:
		bad("timeout: %s is shorter than a call takes: use 1s or more, and write the unit, as in 30s", cfg.Timeout)
	}
	if cfg.Auth.HasValue() {
		bad("auth: would replace the access token that the receiver gets for app_id: remove it; a proxy's credential goes into proxy_url")
	}
	if cfg.Compression.IsCompressed() {
		bad("compression: %s compresses requests, which the Open API does not read: remove it; answers are compressed without it", cfg.Compression)
	}
	for name, value := range cfg.Headers.Iter {
		if fault := headerFault(name, string(value)); fault != "" {
			bad("headers::%s: %s", shown(name), fault)
		}
	}
	return append(append(errs, validateNumbers(cfg)...), validateTLS(&cfg.TLS)...)
}

// validateNumbers finds sizes and times that cannot be intended. It reads them by their keys and not from the
// struct, because later releases of the collector have those of idle connections below keepalive.
func validateNumbers(cfg *confighttp.ClientConfig) (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	settings := confmap.New()
	if err := settings.Marshal(cfg); err != nil {
		return []error{fmt.Errorf("the settings of the HTTP client cannot be read: %w", err)}
	}
	for _, size := range []struct {
		key  string
		most int
	}{
		{"read_buffer_size", maxBuffer},
		{"write_buffer_size", maxBuffer},
		{"max_conns_per_host", 0},
		{"max_idle_conns", 0},
		{"max_idle_conns_per_host", 0},
		{"keepalive::max_idle_conns", 0},
		{"keepalive::max_idle_conns_per_host", 0},
	} {
		value, _ := settings.Get(size.key).(int)
		switch {
		case value < 0:
			bad("%s: %d is negative: use 0, which is the default, or more", size.key, value)
		case size.most > 0 && value > size.most:
			bad("%s: %d is out of range: use at most %d, or leave it out", size.key, value, size.most)
		}
	}
	for _, key := range []string{"idle_conn_timeout", "keepalive::idle_conn_timeout", "http2_read_idle_timeout", "http2_ping_timeout"} {
		value, _ := settings.Get(key).(time.Duration)
		switch {
		case value < 0:
			bad("%s: %s is negative: use 0 or more", key, value)
		case value > 0 && value < minTimeout:
			bad("%s: %s is shorter than an answer takes: use 1s or more, and write the unit, as in 30s", key, value)
		}
	}
	return errs
}

// validateTLS finds errors that the collector's own check of tls only finds at the start, as far as no file is
// needed: validate may run on another machine than the collector.
func validateTLS(cfg *configtls.ClientConfig) []error {
	if cfg.Validate() != nil { // which the collector reports
		return nil
	}
	var errs []error
	for _, path := range []struct{ key, value string }{{"ca_file", cfg.CAFile}, {"cert_file", cfg.CertFile}, {"key_file", cfg.KeyFile}} {
		if fault := textFault(path.value, true); path.value != "" && fault != "" {
			errs = append(errs, fmt.Errorf("tls::%s: %s", path.key, fault))
		}
	}
	if fault := textFault(cfg.ServerName, false); cfg.ServerName != "" && fault != "" {
		errs = append(errs, fmt.Errorf("tls::server_name_override: %s", fault))
	}
	inline := *cfg
	inline.CAFile = ""
	if inline.CertFile != "" || inline.KeyFile != "" {
		inline.CertFile, inline.KeyFile, inline.CertPem, inline.KeyPem = "", "", "", ""
	}
	inline.Insecure, inline.TPMConfig.Enabled, inline.ReloadInterval = false, false, 0
	if _, err := inline.LoadTLSConfig(context.Background()); err != nil {
		errs = append(errs, fmt.Errorf("tls: %w: correct or remove it", err))
	}
	return errs
}

// Headers that belong to the receiver, to net/http or to the connection, and why they cannot be set.
var reservedHeaders = map[string]string{
	"Authorization":       "would replace the access token that the receiver sends: remove it; a proxy's credential goes into proxy_url",
	"Proxy-Authorization": "would go to the Open API and not to the proxy: remove it; a proxy's credential goes into proxy_url",
	"Accept-Encoding":     "would leave answers compressed that nobody unpacks: remove it; answers are compressed without it",
	"Connection":          ofConnection,
	"Keep-Alive":          ofConnection,
	"Proxy-Connection":    ofConnection,
	"Te":                  ofConnection,
	"Trailer":             ofConnection,
	"Transfer-Encoding":   ofConnection,
	"Upgrade":             ofConnection,
	"Expect":              ofConnection,
	"Http2-Settings":      ofConnection,
	"Range":               conditional,
	"If-Match":            conditional,
	"If-None-Match":       conditional,
	"If-Modified-Since":   conditional,
	"If-Unmodified-Since": conditional,
	"If-Range":            conditional,
}

const (
	ofConnection = "belongs to the connection, which the receiver's HTTP client manages: remove it"
	conditional  = "asks for a part of an answer, or for none: remove it"
	ofBody       = "describes the body of the request, which the receiver writes: remove it"
)

// headerFault returns why a header cannot be sent or makes every call fail; empty if it does neither.
func headerFault(name, value string) string {
	reserved, ok := reservedHeaders[http.CanonicalHeaderKey(name)]
	switch {
	case name == "" || strings.ContainsFunc(name, func(r rune) bool { return !isTokenRune(r) }):
		return "not a name that HTTP allows: use letters, digits and hyphens, as in X-Tenant"
	case ok:
		return reserved
	case len(name) >= len("Content-") && strings.EqualFold(name[:len("Content-")], "Content-"):
		return ofBody
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		return "its value has a line break or another control character in it, which HTTP does not allow: remove it"
	case strings.EqualFold(name, "Host") && !isHost(value):
		return "its value is not a host, or a host and a port, as in open.example.com: correct or remove it"
	}
	return ""
}

// isTokenRune reports whether the name of a header may contain it (RFC 9110, 5.6.2).
func isTokenRune(r rune) bool {
	return r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
}

// isHost reports whether that is a host, with a port or without.
func isHost(value string) bool {
	u, err := url.Parse("http://" + value)
	return err == nil && u.Hostname() != "" && u.Host == value && isPort(u.Port()) && !strings.HasSuffix(value, ":") && textFault(value, false) == ""
}

// shown is a name that may be anything, safe for one line.
func shown(name string) string {
	if name == "" {
		return `""`
	}
	if slices.ContainsFunc([]rune(name), func(r rune) bool { return !isTokenRune(r) }) {
		return fmt.Sprintf("%q", cleanText(name))
	}
	return name
}
