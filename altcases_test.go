// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/altapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/pace"
)

// plainTraits are those of an API without surprises.
func plainTraits() altapi.Traits {
	return altapi.Traits{
		Paging: altapi.Snapshot, Order: altapi.Ascending, Match: altapi.MatchSecond, DeadToken: altapi.DeadParam,
		Empty: altapi.EmptyList, Future: altapi.FutureFine, Latency: 80 * time.Millisecond, IDs: altapi.IDDecimal,
		Limit: altapi.Limit{Kind: altapi.SlidingWindow, PerMinute: 100, Status: 429, Hint: altapi.HintReset},
		Auth:  altapi.Auth{Life: 7200, Code: 99991663, Status: 400},
	}
}

// TestSecondModelCases: what many worlds of the second model have found. Covers F1, F8, F40, F43, F45.
func TestSecondModelCases(t *testing.T) {
	for name, set := range map[string]func(t *altapi.Traits, c *audit.Config) []altapi.Episode{
		// One token for all pages: the walk may have lost the page before the last one, which the last page does
		// not show.
		"scroll cursor whose answers are lost": func(t *altapi.Traits, _ *audit.Config) []altapi.Episode {
			t.Paging, t.PageCap, t.LastToken = altapi.Scroll, 20, true
			return []altapi.Episode{{From: time.Now(), Until: time.Now().Add(2 * time.Hour), Fault: altapi.Lost, Share: 0.3, Later: true}}
		},
		// A repeated request is answered with the first page.
		"page token for one call, an end without data": func(t *altapi.Traits, _ *audit.Config) []altapi.Episode {
			t.Paging, t.PageCap, t.Unsure, t.Empty = altapi.Keyset, 50, true, altapi.EmptyData
			t.TokenOnce, t.DeadToken = true, altapi.DeadRestart
			t.Delay.Batch = 5 * time.Minute
			t.Match = altapi.MatchIngested
			return nil
		},
		// Windows are refused for their length, in addition to those that are refused for their age.
		"short windows at the end of what is kept": func(t *altapi.Traits, c *audit.Config) []altapi.Episode {
			t.MaxSpan, t.Retention, t.ExpiredRefused = 10*time.Minute, 24*time.Hour, true
			c.InitialLookback = 26 * time.Hour
			return nil
		},
		// The last recheck is due before the API stops showing what it reads.
		"little more is kept than the last recheck needs": func(t *altapi.Traits, c *audit.Config) []altapi.Episode {
			t.Retention = 5 * time.Hour
			t.Delay = altapi.Delay{Usual: 8 * time.Minute}
			c.RecheckAfter = []time.Duration{5 * time.Minute, 4 * time.Hour}
			return nil
		},
	} {
		for seed := range uint64(4) {
			t.Run(fmt.Sprint(name, ", ", seed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					rng := rand.New(rand.NewPCG(seed, 0xca5e))
					w := &altWorld{seed: seed, rng: rng, traits: plainTraits(), paces: &pace.Registry{}, began: time.Now()}
					w.observe()
					w.drawConfig()
					w.cfg.InitialLookback, w.cfg.RecheckAfter = time.Hour, []time.Duration{2 * time.Minute, 15 * time.Minute, time.Hour}
					weather := set(&w.traits, w.cfg)
					w.open(3*time.Hour, weather)
					w.sink.until, w.sink.never = time.Time{}, nil // this test is not about the pipeline
					w.run(t)
					w.check(t)
					assert.LessOrEqual(t, w.logs.FilterMessageSnippet("Skipping a time range that the API does not return").Len(), 2)
					if t.Failed() {
						t.Log(w)
					}
				})
			})
		}
	}
}
