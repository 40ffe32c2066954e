// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadata"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestAttackHeaders: header values of 10 MB are an error, shorter ones are cut off before they are logged, and
// unusual ones are ignored. With the collector's own HTTP client. Covers F16, F20.
func TestAttackHeaders(t *testing.T) {
	for name, tc := range map[string]struct {
		header string
		value  string
		says   string
	}{
		"beyond what net/http takes": {"X-Tt-Logid", strings.Repeat("x", 11<<20), "server response headers exceeded"},
		"log id of 9 MB":             {"X-Tt-Logid", strings.Repeat("x", 9<<20), "log id " + strings.Repeat("x", 64) + "..."},
		"wait of nines":              {"X-Ogw-Ratelimit-Reset", "-" + strings.Repeat("9", 9<<20), "code 99991400"},
		"date of 5 MB":               {"Date", strings.Repeat("Mon, ", 1<<20), "code 99991400"},
		"time that overflows":        {"Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT" + strings.Repeat(" ", 1<<20), "code 99991400"},
	} {
		t.Run(name, func(t *testing.T) {
			w := quietWorld(simulator.Options{})
			entries(w.server, "good", 1, time.Now().Unix()-30)
			a := &attacker{server: w.server, times: 1, answer: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set(tc.header, tc.value)
				w.WriteHeader(http.StatusTooManyRequests)
				_, _ = io.WriteString(w, `{"code":99991400,"msg":"limit"}`)
			}}
			front := httptest.NewServer(a)
			defer front.Close()
			w.cfg.ClientConfig.Endpoint, w.cfg.ClientConfig.Middlewares = front.URL, nil
			w.cfg.InitialLookback = time.Minute
			w.cfg.RetryOnFailure.InitialInterval = time.Millisecond
			core, lines := observer.New(zap.DebugLevel)
			set := receivertest.NewNopSettings(metadata.Type)
			set.Logger = zap.New(core)
			r, err := audit.NewReceiver(set, w.cfg, w.sink, w.paces)
			require.NoError(t, err)
			peak := peakOf(func() {
				require.NoError(t, r.Start(t.Context(), w.host()))
				apart()
				require.Eventually(t, func() bool { return (&attacked{lines: lines}).says(tc.says) }, 30*time.Second, time.Millisecond)
				if name != "time that overflows" { // ten minutes, as it should be
					require.Eventually(t, func() bool { return len(w.sink.Got()) == 1 }, 30*time.Second, time.Millisecond)
				}
				require.NoError(t, r.Shutdown(context.Background()))
			})
			assert.Less(t, peak, uint64(200<<20))
			for _, line := range lines.All() {
				for _, field := range line.Context {
					if err, ok := field.Interface.(error); ok {
						assert.Less(t, len(err.Error()), 2000)
					}
				}
			}
			t.Logf("peak %d MiB", peak>>20)
		})
	}
}

// TestAttackErrorText: an error text that is itself the attack costs no more than its size. Covers F23.
func TestAttackErrorText(t *testing.T) {
	limit := func(cfg *audit.Config) { cfg.MaxResponseSize = 10 << 20 }
	for name, body := range map[string]string{
		"long message":      `{"code":7,"msg":"` + strings.Repeat("x", 9<<20) + `"}`,
		"only spaces":       `{"code":7,"msg":"` + strings.Repeat(" ", 9<<20) + `"}`,
		"millions of hints": `{"code":7,"msg":"m","error":{"details":[` + strings.Repeat("{},", 3<<20) + `{}]}}`,
		"millions of items": `{"code":7,"data":{"items":[` + strings.Repeat("1,", 4<<20) + `1]}}`,
		"no JSON":           strings.Repeat("<", 9<<20),
	} {
		t.Run(name, func(t *testing.T) {
			got := attack(t, 10*time.Minute, limit, &attacker{times: 1, answer: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }})
			assert.Less(t, got.peak, uint64(140<<20))
			assert.True(t, got.says(openapi.OpList+": "))
		})
	}
}

// jsonString is text as a JSON string.
func jsonString(text string) string {
	quoted, _ := json.Marshal(text) // strings can always be marshalled
	return string(quoted)
}
