// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/xconfmap"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// fromYAML adds YAML to a configuration and does the same with it as `otelcol validate`.
func fromYAML(t *testing.T, cfg *audit.Config, text string) error {
	t.Helper()
	retrieved, err := confmap.NewRetrievedFromYAML([]byte(text))
	require.NoError(t, err, text)
	section, err := retrieved.AsConf()
	require.NoError(t, err, text)
	if err := section.Unmarshal(cfg); err != nil {
		return err
	}
	return xconfmap.Validate(cfg)
}

// configured is the smallest configuration that Validate accepts.
func configured() *audit.Config {
	cfg := audit.CreateDefaultConfig().(*audit.Config)
	cfg.AppID, cfg.AppSecret = simulator.DefaultAppID, simulator.DefaultAppSecret
	return cfg
}

// TestRefusedByValidate: a configuration that cannot work is refused before anything is started, with its key
// and the fix. Covers F66.
func TestRefusedByValidate(t *testing.T) {
	for text, says := range map[string]string{
		`auth: {authenticator: basicauth/client}`:                         "auth: would replace the access token",
		`compression: gzip`:                                               "compression: gzip compresses requests",
		`headers: {Accept-Encoding: gzip}`:                                "headers::Accept-Encoding: would leave answers compressed",
		`headers: {accept-encoding: identity}`:                            "headers::accept-encoding: ",
		`headers: {Proxy-Authorization: Basic aa}`:                        "headers::Proxy-Authorization: would go to the Open API and not to the proxy",
		`headers: {"X Foo": bar}`:                                         `headers::"X Foo": not a name that HTTP allows`,
		`headers: {"X-Foo:": bar}`:                                        `headers::"X-Foo:": not a name`,
		`headers: {"Ключ": bar}`:                                          `headers::"Ключ": not a name`,
		`headers: {X-Foo: "bar\n"}`:                                       "headers::X-Foo: its value has a line break",
		`headers: {X-Foo: "b\0r"}`:                                        "headers::X-Foo: its value has a line break or another control character",
		`headers: {Host: "a b"}`:                                          "headers::Host: its value is not a host",
		`headers: {host: "https://open.feishu.cn"}`:                       "headers::host: its value is not a host",
		`headers: {Host: "open.feishu.cn:99999"}`:                         "headers::Host: its value is not a host",
		`headers: {Content-Type: text/plain}`:                             "headers::Content-Type: describes the body of the request",
		`headers: {content-length: "3"}`:                                  "headers::content-length: describes the body",
		`headers: {Content-Encoding: gzip}`:                               "headers::Content-Encoding: describes the body",
		`headers: {Transfer-Encoding: chunked}`:                           "headers::Transfer-Encoding: belongs to the connection",
		`headers: {Connection: close}`:                                    "headers::Connection: belongs to the connection",
		`headers: {Expect: 100-continue}`:                                 "headers::Expect: belongs to the connection",
		`headers: {Range: bytes=0-10}`:                                    "headers::Range: asks for a part",
		`headers: {If-None-Match: "*"}`:                                   "headers::If-None-Match: asks for a part of an answer, or for none",
		`timeout: 30`:                                                     "timeout: 30ns is shorter than a call takes: use 1s or more, and write the unit",
		`timeout: -1s`:                                                    "timeout: -1s must be more than 0",
		`read_buffer_size: 1099511627776`:                                 "read_buffer_size: 1099511627776 is out of range",
		`write_buffer_size: -1`:                                           "write_buffer_size: -1 is negative",
		`max_conns_per_host: -1`:                                          "max_conns_per_host: -1 is negative",
		`max_idle_conns: -1`:                                              "max_idle_conns: -1 is negative",
		`idle_conn_timeout: -1s`:                                          "idle_conn_timeout: -1s is negative",
		`http2_ping_timeout: 10`:                                          "http2_ping_timeout: 10ns is shorter than an answer takes",
		`tls: {ca_pem: nonsense}`:                                         "tls: ",
		`tls: {cert_pem: a, key_pem: b}`:                                  "tls: ",
		`tls: {cert_file: a.pem}`:                                         "tls: ",
		`tls: {cipher_suites: [TLS_NONE]}`:                                "tls: ",
		`tls: {min_version: "1.9"}`:                                       "tls: ",
		`tls: {ca_file: "/etc/ca.pem\n"}`:                                 "tls::ca_file: has white space around it",
		`tls: {ca_file: "\"/etc/ca.pem\""}`:                               "tls::ca_file: has quotes around it",
		`endpoint: "https://open.feishu.cn\u200b"`:                        "endpoint: ",
		`endpoint: "https://open.feishu.cn/ "`:                            "endpoint: ",
		`endpoint: https://open.feishu.cn/Open-APIs/`:                     "leave out /open-apis",
		`endpoint: https://open.feishu.cn/app/cli_a1`:                     "goes too deep: leave out what follows the host",
		`endpoint: https://acme.feishu.cn`:                                "is not where the Open API is: use a base URL like https://open.feishu.cn",
		`endpoint: https://WWW.larksuite.com.`:                            "is not where the Open API is",
		`endpoint: http://open.feishu.cn`:                                 "is not encrypted",
		`app_id: cli_xxx`:                                                 `app_id: "cli_xxx" is a placeholder: set it to the App ID`,
		`app_id: cli_xxxxxxxxxxxxxxxx`:                                    "app_id: ",
		`app_id: <app_id>`:                                                "app_id: ",
		`app_id: your_app_id`:                                             "app_id: ",
		`app_id: "\ufeffcli_a1b2c3d4e5f60718"`:                            "app_id: \"\\ufeffcli_a1b2c3d4e5f60718\" has a byte order mark (U+FEFF) in it: save the file",
		`app_id: "cli_a1b2c3\u200bd4e5f60718"`:                            "has the character U+200B in it, which cannot be seen",
		`app_id: "cli_a1b2 c3d4e5f60718"`:                                 "has white space in it: remove it",
		`app_id: "'cli_a1b2c3d4e5f60718'"`:                                "has quotes around it",
		`app_id: “cli_a1b2c3d4e5f60718”`:                                  "has quotes around it",
		`app_id: "$${env:FEISHU_APP_ID}"`:                                 "holds a reference that was not resolved",
		`app_id: $FEISHU_APP_ID`:                                          "holds a reference that was not resolved",
		`app_id: "{{ .Values.appId }}"`:                                   "app_id: ",
		`app_id: ｃｌｉ_ａ1b2c3d4e5f60718`:                                    "has a character in it that is neither an ASCII letter nor a digit",
		`app_secret: "\ufeffcanary"`:                                      "app_secret: has a byte order mark",
		`app_secret: "canary\u200b"`:                                      "app_secret: has the character U+200B",
		`app_secret: "can\u00adary"`:                                      "app_secret: has the character U+00AD",
		`app_secret: "can\u202eary"`:                                      "app_secret: has the character U+202E",
		`app_secret: "c\0a\0n\0a\0r\0y\0"`:                                "app_secret: is UTF-16 text: save the file",
		`app_secret: "canary\0"`:                                          "app_secret: has the character U+0000",
		`app_secret: "canary\n"`:                                          "app_secret: has white space around it",
		`app_secret: "can ary"`:                                           "app_secret: has white space in it",
		`app_secret: "can\u00a0ary"`:                                      "app_secret: has white space in it",
		`app_secret: "\"canary\""`:                                        "app_secret: has quotes around it",
		`app_secret: "canary'"`:                                           "app_secret: has quotes around it",
		`app_secret: "${FEISHU"`:                                          "app_secret: holds a reference",
		`app_secret: "$(cat canary)"`:                                     "app_secret: has white space in it",
		`app_secret: "%APP_SECRET%"`:                                      "app_secret: holds a reference",
		`app_secret: "[REDACTED]"`:                                        "app_secret: a placeholder",
		`app_secret: "****"`:                                              "app_secret: a placeholder",
		`app_secret: changeme`:                                            "app_secret: a placeholder",
		`app_secret: cli_a1b2c3d4e5f60718`:                                "app_secret: an App ID",
		`filter: {app_id: "cli_a1\u200b"}`:                                `filter::app_id: "cli_a1\u200b" has the character U+200B`,
		`filter: {app_id: cli_yyy}`:                                       `filter::app_id: "cli_yyy" is a placeholder`,
		`filter: {api_keys: ["GET/a\u200b"]}`:                             "filter::api_keys[0]: ",
		`filter: {api_keys: ["POST/https://open.feishu.cn/a"]}`:           "would match nothing",
		`filter: {api_keys: ["GET/open-apis/a?page_size=1"]}`:             "would match nothing",
		`filter: {api_keys: ["GET/"]}`:                                    "would match nothing",
		`initial_lookback: 3600`:                                          "initial_lookback: 3.6µs is less than a second: use 0, or 1s or more, and write the unit",
		`poll_interval: 60`:                                               "poll_interval: 60ns is too short",
		`max_window: 3600`:                                                "max_window: 3.6µs is too short",
		`requests_per_minute: 9223372036854775807`:                        "requests_per_minute: 9223372036854775807 is out of range: use 1 to 1000000",
		`retry_on_failure: {max_elapsed_time: 300}`:                       "retry_on_failure",
		`{headers: {A: "\n"}, auth: {authenticator: a}, app_id: cli_xxx}`: "app_id: ",
	} {
		t.Run(text, func(t *testing.T) {
			err := fromYAML(t, configured(), text)
			require.ErrorContains(t, err, says)
			assert.NotContains(t, err.Error(), "canary")
			assert.False(t, strings.ContainsAny(err.Error(), "\x00\u200b\ufeff"), "%q", err)
		})
	}
}

// TestAcceptedByValidate: an unusual configuration that works is not refused. Covers F66.
func TestAcceptedByValidate(t *testing.T) {
	for _, text := range []string{
		`headers: {X-Tenant: "Ключ ü", x_under.score: "", Cookie: a=b, Accept: application/json, User-Agent: mine}`,
		`headers: {Host: "open.example.com:8443"}`, `headers: {Host: "[::1]:80"}`,
		`compression: ""`, `compression: none`, `timeout: 500ms`, `http2_ping_timeout: 0s`, `read_buffer_size: 65536`,
		`tls: {ca_file: /etc/my certs/ca.pem, cert_file: /no/such.pem, key_file: /no/such.key}`,
		`tls: {insecure_skip_verify: true, server_name_override: open.example.com}`,
		`endpoint: https://OPEN.feishu.cn:443/`, `endpoint: https://open.feishu.cn.`, `endpoint: http://LOCALHOST.:8080`,
		`endpoint: https://open.intra.example.com/feishu`,
		`app_secret: aB3/+=x.y-z_~!@#^&*();:,`, `app_id: cli_x`, `app_secret: x`,
		`filter: {api_keys: ["GET/open-apis/drive/v1/files/:file_token/download"], app_id: cli_y}`,
		`initial_lookback: 0s`, `initial_lookback: 1s`, `recheck_after: [1s, 720h]`, `start_time: 2026-01-01`,
	} {
		assert.NoError(t, fromYAML(t, configured(), text), text)
	}
}

// TestWhatIsAcceptedWorks: at both limits of what Validate accepts, every entry arrives. Covers F66.
func TestWhatIsAcceptedWorks(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`poll_interval: 1s`, `poll_interval: 1500ms`, `poll_interval: 2562047h`,
		`{initial_lookback: 2562047h, max_window: 2562047h}`, `{start_time: 1970-01-01, max_window: 8760h}`, `end_time: 9999-12-31T23:59:59Z`,
		`recheck_after: [2562047h]`, `recheck_after: [1s, 2s, 3s, 4s, 5s, 6s, 7s, 8s]`, `recheck_after: []`,
		`max_window: 1s`, `max_window: 2562047h`, `page_size: 1`, `requests_per_minute: 1000000`, `requests_per_minute: 1`,
		`max_concurrent_walks: 100`, `max_response_size: 9223372036854775807`, `timeout: 100ms`, `timeout: 2562047h`,
		`retry_on_failure: {enabled: false, max_interval: 2562047h}`, `retry_on_failure: {multiplier: 1e300, max_interval: 2562047h}`,
		`max_idle_conns_per_host: 1`, `http2_read_idle_timeout: 0s`, `cookies: {enabled: true}`, `disable_keep_alives: true`,
		`headers: {X-Tenant: "Ключ ü", x_under.score: "", Cookie: a=b}`, `{body: structured, redaction: {keys: [ключ], resource_tokens: true}}`,
	} {
		t.Run(text, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{})
				require.NoError(t, fromYAML(t, w.cfg, text))
				entries(w.server, "some", 5, time.Now().Unix()-2)
				stop := w.start(t)
				defer stop()
				for minutes := 0; len(w.sink.Got()) < 5 && minutes < 120; minutes++ {
					time.Sleep(time.Minute)
				}
				assert.Len(t, w.sink.Got(), 5)
			})
		})
	}
}

// TestTimesAreShown: the log at the start shows that YAML has read a time as UTC. Covers F66.
func TestTimesAreShown(t *testing.T) {
	was := time.Local
	time.Local = time.FixedZone("CST", 8*3600)
	defer func() { time.Local = was }()
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		require.NoError(t, fromYAML(t, w.cfg, "{start_time: 1999-12-31 22:00:00, end_time: 2000-01-02}"))
		stop := w.start(t)
		defer stop()
		line := w.logs.FilterMessageSnippet("Time range as configured").All()
		require.Len(t, line, 1)
		assert.Equal(t, map[string]any{
			"start_time": "1999-12-31T22:00:00Z", "start_time_local": "2000-01-01T06:00:00+08:00",
			"end_time": "2000-01-02T00:00:00Z", "end_time_local": "2000-01-02T08:00:00+08:00",
		}, line[0].ContextMap())
	})
}
