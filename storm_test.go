// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// stormFigures are the measurements of one run of TestStorm.
type stormFigures struct {
	Kind string `json:"kind"`
	// Calls are the calls during the storm, Spoiled those of them that met the fault, and New those of the
	// others after which new entries arrived.
	Calls   int     `json:"calls"`
	Spoiled float64 `json:"spoiled"`
	New     float64 `json:"with_new_entries"`
	// Recovered is how many seconds after the end of the faults the oldest missing entry was no older than usual
	// without faults.
	Recovered float64 `json:"recovered_s"`
}

// storm is a way in which calls fail.
type storm struct {
	faults []simulator.Fault
	form   simulator.TokenForm // of the token endpoint's answers
}

const third = 1.0 / 3

// storms are the ways in which a third of all calls fail: each of them, and several at once.
func storms() map[string]storm {
	all := map[string]storm{}
	var mixed []simulator.Fault
	list := faultsAt(simulator.EndpointList)
	for _, name := range slices.Sorted(maps.Keys(list)) { // of several faults, the first one that applies occurs
		f := list[name]
		all[name] = storm{faults: []simulator.Fault{f}}
		if f.Kind != simulator.FaultError && !holds(f.Kind) {
			mixed = append(mixed, f)
		}
	}
	for i := range mixed {
		mixed[i].Probability = 1 - math.Pow(1-third, 1/float64(len(mixed)))
	}
	all["all of them but those that hold"] = storm{faults: mixed}
	// An access token lives for hours: its endpoint is called only if tokens are revoked.
	revoked := simulator.Fault{Kind: simulator.FaultRevoke, Every: 20}
	for name, f := range faultsAt(simulator.EndpointToken) {
		all[name] = storm{faults: []simulator.Fault{revoked, f}}
	}
	for _, form := range []simulator.TokenForm{simulator.TokenText, simulator.TokenFraction, simulator.TokenWrapped, simulator.TokenNoLife} {
		often := revoked
		often.Every = 3
		all[fmt.Sprintf("%s, token as %s", often.Kind, form)] = storm{faults: []simulator.Fault{often}, form: form}
	}
	return all
}

// faultsAt are the ways in which a third of all calls of an endpoint fail.
func faultsAt(endpoint simulator.Endpoint) map[string]simulator.Fault {
	all := map[string]simulator.Fault{}
	for _, info := range simulator.FaultKinds() {
		f := simulator.Fault{Kind: info.Kind, Endpoint: endpoint, Probability: third}
		name := fmt.Sprintf("%s at %s", f.Kind, endpoint)
		switch f.Kind {
		case simulator.FaultError:
			f.Status = 400
			codes := []int{99991400, 99991672, 1780103, 2200, 9499, 123456789}
			if endpoint == simulator.EndpointToken {
				codes, f.Status = []int{2200, 10014, 99991663, 123456789}, 500
			}
			for _, f.Code = range codes {
				all[fmt.Sprintf("%s, %d", name, f.Code)] = f
			}
			continue
		case simulator.FaultRefusedEnd:
			continue // how an API ends its windows, and no call that fails: TestRefusedEnd
		case simulator.FaultHuge:
			f.Size = 2 << 20
		case simulator.FaultSlowBody:
			f.Delay = time.Millisecond
		}
		probe := simulator.Options{Faults: []simulator.Fault{f}}
		if probe.Validate() == nil {
			all[name] = f
		}
	}
	return all
}

// holds reports whether one fault delays the receiver for 30 s, whatever it does: if a third of all calls do
// that, there is not enough time to read 50 entries a second.
func holds(kind simulator.FaultKind) bool {
	return kind == simulator.FaultRateLimited || kind == simulator.FaultHang || kind == simulator.FaultSlowBody
}

// stormSeeds is how many worlds each storm has.
const stormSeeds = 2

// TestStorm: while a third of all calls fail, in any one of the known ways or in all of them, at least half of
// the successful calls bring new entries, and two poll intervals after the end of the faults entries arrive as
// soon as without faults. Covers F14, F15, F19, F40, F44, F50.
func TestStorm(t *testing.T) {
	all := storms()
	for i, name := range slices.Sorted(maps.Keys(all)) {
		for seed := range uint64(stormSeeds) {
			if world.InSample(i + int(seed)) {
				runStorm(t, name, all[name], *simFrom+seed)
			}
		}
	}
}

func runStorm(t *testing.T, name string, s storm, seed uint64) {
	faults := s.faults
	lasts := 10 * time.Minute
	if holds(faults[0].Kind) {
		lasts = 4 * time.Minute
	}
	t.Run(fmt.Sprintf("%s, %d", name, seed), func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			w := quietWorld(simulator.Options{
				Tenant:    simulator.Tenant{Seed: seed, PerSecond: 50, Start: began.Unix()},
				RateLimit: 100, Seed: seed, TokenForm: s.form,
			})
			w.latency = around(200 * time.Millisecond)
			w.cfg.RecheckAfter, w.cfg.InitialLookback = nil, 0
			w.cfg.MaxResponseSize = 1 << 20
			m := &meter{uids: map[uint64]struct{}{}, since: began.Unix()}
			stop := w.measure(t, m)
			defer stop()
			time.Sleep(5*time.Minute + 300*time.Millisecond)

			w.server.Update(func(o *simulator.Options) { o.Faults = faults })
			before := len(w.server.CallsOf(simulator.EndpointList))
			m.mu.Lock()
			pagesBefore := m.pages
			m.mu.Unlock()
			time.Sleep(lasts)
			w.server.Update(func(o *simulator.Options) { o.Faults = nil })
			calls := w.server.CallsOf(simulator.EndpointList)[before:]
			f := stormFigures{Kind: name, Calls: len(calls)}
			m.mu.Lock()
			pages := m.pages - pagesBefore
			m.mu.Unlock()
			good, spoiled := 0, 0
			for _, c := range calls {
				if len(c.Faults) > 0 || c.Code != 0 {
					spoiled++
				} else {
					good++
				}
			}
			f.Spoiled = float64(spoiled) / float64(len(calls))
			f.New = float64(pages) / float64(good)
			for f.Recovered = 0; f.Recovered < 1800; f.Recovered++ {
				m.mu.Lock()
				due := int(50 * (time.Since(began).Seconds() - w.cfg.PollInterval.Seconds() - 9))
				enough := len(m.uids) >= due
				m.mu.Unlock()
				if enough {
					break
				}
				time.Sleep(time.Second)
			}
			if seed == *simFrom {
				publish(t, "storm-"+name, f)
			}
			assert.GreaterOrEqual(t, f.New, 0.5)
			if last := faults[len(faults)-1]; last.Endpoint == simulator.EndpointToken {
				assert.True(t, slices.ContainsFunc(w.server.CallsOf(last.Endpoint), func(c simulator.Call) bool { return slices.Contains(c.Faults, last.Kind) }))
			}
			if faults[0].Kind == simulator.FaultHang {
				assert.Greater(t, f.Calls, 45, "calls are concurrent if some take until the time limit")
			}
			assert.LessOrEqual(t, f.Recovered, 2*w.cfg.PollInterval.Seconds())
		})
	})
}
