// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestTokensOfAnyForm: with any form of an access token's answer, and of the refusal of an invalid one, reading
// continues within seconds, with a call or two more. Covers F48, F49.
func TestTokensOfAnyForm(t *testing.T) {
	t.Parallel()
	for _, form := range []simulator.TokenForm{simulator.TokenPlain, simulator.TokenText, simulator.TokenFraction, simulator.TokenWrapped, simulator.TokenNoLife} {
		for _, refusal := range []simulator.TokenRefusal{simulator.RefusalCode, simulator.RefusalUnknownCode, simulator.RefusalHTML, simulator.RefusalEmpty} {
			t.Run(fmt.Sprintf("%s, %s", form, refusal), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := quietWorld(simulator.Options{TokenForm: form, TokenRefusal: refusal, TokenLife: 40 * time.Minute})
					stop := w.start(t)
					defer stop()
					for i := range 12 {
						time.Sleep(10*time.Minute + 7*time.Second)
						if i%3 == 1 {
							w.server.RevokeTokens()
						}
						entries(w.server, fmt.Sprintf("hour %d", i), 1, time.Now().Unix())
						time.Sleep(time.Minute + 3*time.Second)
						assert.Len(t, w.sink.Got(), i+1)
					}
					assert.Empty(t, w.logs.FilterMessageSnippet("fails").All())
					refused := 0
					for _, call := range w.server.CallsOf(simulator.EndpointList) {
						if call.Status != 200 {
							refused++
						}
					}
					assert.LessOrEqual(t, refused, 4)
				})
			})
		}
	}
}
