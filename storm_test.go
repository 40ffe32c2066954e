// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// stormFigures are what one run of TestStorm measured.
type stormFigures struct {
	Kind string `json:"kind"`
	// Calls are those of the storm, Spoiled those of them that met the fault, and New those
	// of the others after which new entries arrived.
	Calls   int     `json:"calls"`
	Spoiled float64 `json:"spoiled"`
	New     float64 `json:"with_new_entries"`
	// Recovered is how many seconds after the end of the faults the oldest entry that was
	// missing was at most as old as in calm weather.
	Recovered float64 `json:"recovered_s"`
}

// storms are the ways in which a third of all calls fail, and those of several at once.
func storms() map[string][]simulator.Fault {
	const third = 1.0 / 3
	all := map[string][]simulator.Fault{}
	var mixed []simulator.Fault
	for _, info := range simulator.FaultKinds() {
		for _, endpoint := range []simulator.Endpoint{simulator.EndpointList} {
			f := simulator.Fault{Kind: info.Kind, Endpoint: endpoint, Probability: third}
			name := fmt.Sprintf("%s at %s", f.Kind, endpoint)
			switch f.Kind {
			case simulator.FaultError:
				for _, code := range []int{99991400, 99991672, 1780103, 2200, 9499, 123456789} {
					f.Code, f.Status = code, 400
					all[fmt.Sprintf("%s, %d", name, code)] = []simulator.Fault{f}
				}
				continue
			case simulator.FaultHuge:
				f.Size = 2 << 20
			case simulator.FaultSlowBody:
				f.Delay = time.Millisecond
			}
			probe := simulator.Options{Faults: []simulator.Fault{f}}
			if probe.Validate() != nil {
				continue
			}
			all[name] = []simulator.Fault{f}
			if !holds(f.Kind) {
				mixed = append(mixed, f)
			}
		}
	}
	for i := range mixed {
		mixed[i].Probability = 1 - math.Pow(1-third, 1/float64(len(mixed)))
	}
	all["all of them but those that hold"] = mixed
	return all
}

// holds reports whether one fault keeps the receiver for 30 s, whatever it does: a third of all
// calls that do so leave it no time to read 50 entries a second.
func holds(kind simulator.FaultKind) bool {
	return kind == simulator.FaultRateLimited || kind == simulator.FaultHang || kind == simulator.FaultSlowBody
}

// TestStorm: while a third of all calls fail, in any one of the known ways or in all of them, at
// least half of the calls that succeed bring new entries, and two poll intervals after the
// faults end entries arrive as soon as in calm weather. Covers F14, F15, F19, F40, F44, F50.
func TestStorm(t *testing.T) {
	for name, faults := range storms() {
		lasts := 10 * time.Minute
		if holds(faults[0].Kind) {
			lasts = 4 * time.Minute
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				w := quietWorld(simulator.Options{
					Tenant:    simulator.Tenant{Seed: 1, PerSecond: 50, Start: began.Unix()},
					RateLimit: 100, Seed: *simFrom,
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
				publish(t, "storm-"+name, f)
				assert.GreaterOrEqual(t, f.New, 0.5)
				if faults[0].Kind == simulator.FaultHang {
					assert.Greater(t, f.Calls, 45, "calls go side by side where some take until the time limit")
				}
				assert.LessOrEqual(t, f.Recovered, 2*w.cfg.PollInterval.Seconds())
			})
		})
	}
}
