// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// alertFault is a fault, and the alerts that report it.
type alertFault struct {
	opts          simulator.Options
	extra         []string // further lines of the receiver's section
	perSecond     float64
	odd           float64 // the fraction of entries in an odd form
	perMinute     int
	before        func(t *testing.T, s *scene) // before the start
	wrong, fix    func(t *testing.T, s *scene)
	fires         []string // in the order of the alphabet
	then          []string // what fires later instead
	may           []string // may fire until then: not every duration is shortened
	comesAndGoes  []string // may fire and end meanwhile
	cause         string   // of the problem, "" without one
	suffixes      bool
	retry         string        // retry_on_failure, if not the fast one
	lines         int           // number of lines that report a problem, 0: not counted
	patience      time.Duration // until it fires, if that may take longer than recovers
	neverWell     bool
	brief         bool // it does not last
	exporterWaits bool
	budget        string // of calls a month
	broken        bool   // the rules themselves
	history       bool   // Prometheus knows the week before
	slow          bool   // runs with -slow only
}

// anyCause may be present, or none.
const anyCause = "any"

// alertFaults are all of them, by name.
func alertFaults() map[string]*alertFault {
	faulty := func(fault simulator.Fault) func(*testing.T, *scene) {
		return func(_ *testing.T, s *scene) {
			s.api.Update(func(o *simulator.Options) { o.Faults = []simulator.Fault{fault} })
		}
	}
	healed := func(_ *testing.T, s *scene) { s.api.heal() }
	secret := func(secret string) func(*testing.T, *scene) {
		return func(_ *testing.T, s *scene) {
			s.api.Update(func(o *simulator.Options) { o.Apps = map[string]string{simulator.DefaultAppID: secret} })
			s.api.RevokeTokens()
		}
	}
	answering := func(status int) func(*testing.T, *scene) {
		return func(_ *testing.T, s *scene) { s.backend.answering(always(status)) }
	}
	return map[string]*alertFault{
		"all is well":    {},
		"wrong secret":   {wrong: secret("another"), fix: secret(simulator.DefaultAppSecret), fires: []string{"Credential"}, cause: "credential"},
		"app disabled":   {wrong: faulty(simulator.Fault{Kind: simulator.FaultError, Code: 99991662, Msg: "app disabled"}), fix: healed, fires: []string{"Credential"}, cause: "app"},
		"token refused":  {wrong: faulty(simulator.Fault{Kind: simulator.FaultTokenInvalid}), fix: healed, fires: []string{"Credential"}, cause: "token"},
		"missing scope":  {wrong: faulty(simulator.Fault{Kind: simulator.FaultMissingScope}), fix: healed, fires: []string{"Scope"}, cause: "scope", suffixes: true},
		"IP refused":     {wrong: faulty(simulator.Fault{Kind: simulator.FaultIPRefused}), fix: healed, fires: []string{"Address"}, cause: "address"},
		"quota":          {wrong: faulty(simulator.Fault{Kind: simulator.FaultQuotaExceeded}), fires: []string{"Quota"}, cause: "quota", suffixes: true},
		"wrong endpoint": {wrong: faulty(simulator.Fault{Kind: simulator.FaultNotFound, Endpoint: simulator.EndpointList}), fix: healed, fires: []string{"Request"}, cause: "endpoint"},
		"wrong filter":   {wrong: faulty(simulator.Fault{Kind: simulator.FaultInvalidParam}), fix: healed, fires: []string{"Request"}, cause: "filter"},
		"large answers":  {extra: []string{"max_response_size: 256KiB"}, wrong: faulty(simulator.Fault{Kind: simulator.FaultHuge, Size: 1 << 20}), fix: healed, fires: []string{"Request"}, cause: "answer_size"},
		"rate limit":     {opts: simulator.Options{RateHintValue: "1"}, wrong: faulty(simulator.Fault{Kind: simulator.FaultRateLimited}), fix: healed, fires: []string{"API"}, cause: "rate_limit"},
		// Its end is noticed only after minutes, because its waits grow; health_test.go tests them.
		"endless paging": {wrong: faulty(simulator.Fault{Kind: simulator.FaultRepeatToken}), fires: []string{"API"}, cause: "paging", may: []string{"CheckpointAge", "NoSuccess"}},
		"API fails":      {wrong: faulty(simulator.Fault{Kind: simulator.FaultInternal}), fix: healed, fires: []string{"API"}, cause: "api", suffixes: true},
		"API fails three times of four": {
			wrong: faulty(simulator.Fault{Kind: simulator.FaultInternal, Probability: 0.75}), fix: healed, fires: []string{"API"}, cause: "api",
			// A chance failure is set aside; how long that lasts is not shortened.
			retry: "{initial_interval: 100ms, max_interval: 10s}", lines: 1, comesAndGoes: []string{"SetAside"},
		},
		"API is down": {
			wrong: func(t *testing.T, s *scene) { s.api.down(t) }, fix: func(t *testing.T, s *scene) { s.api.up(t) }, fires: []string{"API"}, cause: "network",
		},
		"backend is down": {wrong: answering(http.StatusServiceUnavailable), fix: answering(http.StatusOK), fires: []string{"Pipeline"}, cause: "pipeline"},
		"backend takes one of four": {
			wrong: func(_ *testing.T, s *scene) {
				s.backend.answering(func(n int) (time.Duration, int) {
					if n%4 == 0 {
						return 0, http.StatusOK
					}
					return 0, http.StatusServiceUnavailable
				})
			},
			fix: answering(http.StatusOK), fires: []string{"Pipeline"}, cause: "pipeline",
			// If a check never hits a moment without a refusal, this is true, too.
			retry: "{initial_interval: 100ms, max_interval: 10s}", lines: 1, comesAndGoes: []string{"Held"},
		},
		"foreign checkpoint": {
			before: func(t *testing.T, s *scene) {
				c := s.setup.start(t, s.backend)
				eventually(t, starts, "entries arrive", func() bool { return s.backend.count() > 0 })
				c.term(t)
				s.setup.Extra = append(s.setup.Extra, "filter: {app_id: cli_other}")
			},
			fires: []string{"Storage"}, cause: "checkpoint",
		},
		"storage": {
			before: func(t *testing.T, s *scene) { require.NoError(t, os.MkdirAll(s.setup.file(), 0o700)) },
			fix:    func(t *testing.T, s *scene) { require.NoError(t, os.Remove(s.setup.file())) },
			fires:  []string{"Storage"}, cause: "storage",
		},
		"refused permanently": {
			wrong: answering(http.StatusBadRequest), fix: answering(http.StatusOK), fires: []string{"Pipeline"}, cause: "pipeline",
		},
		"refused, and not to be tried for long": {
			before: func(_ *testing.T, s *scene) {
				s.setup.Retry = "{initial_interval: 100ms, max_interval: 1s, max_elapsed_time: 2s}"
			},
			wrong: answering(http.StatusBadRequest), fix: answering(http.StatusOK), fires: []string{"Pipeline", "RecordsLost"}, cause: "pipeline", suffixes: true,
		},
		"refused, with a queue": {
			before: func(_ *testing.T, s *scene) {
				s.setup.Exporter = []string{"sending_queue: {enabled: true}", "retry_on_failure: {enabled: false}"}
			},
			wrong: answering(http.StatusBadRequest), fix: answering(http.StatusOK), fires: []string{"Exporter"}, suffixes: true,
		},
		"backend hangs": {
			wrong: func(_ *testing.T, s *scene) {
				s.backend.answering(func(int) (time.Duration, int) { return hang, http.StatusOK })
			},
			// After half a minute the receiver reports what it waits for; that time is not shortened.
			fires: []string{"Pipeline"}, may: []string{"CheckpointAge", "NoSuccess"}, cause: "pipeline", exporterWaits: true,
		},
		"too slow": {
			// 20 entries a second, of which 10 can be read, in windows that are read quickly.
			perSecond: 20, perMinute: 60, extra: []string{"page_size: 10", "max_window: 2s", "recheck_after: [1h]"},
			fires: []string{"Lag"}, neverWell: true, suffixes: true,
		},
		"late entries": {
			extra: []string{"recheck_after: [1s, 2s, 3s]"},
			wrong: func(_ *testing.T, s *scene) {
				// One in each second of the last minute: some are in the seconds that the next window shares
				// with the last one.
				now := time.Now().Unix()
				var late []simulator.Entry
				for second := now - 60; second < now; second++ {
					late = append(late, simulator.Entry{ID: fmt.Sprint("late-", second), APIKey: "GET/open-apis/im/v1/messages", EventTime: second, AppID: "cli_a"})
				}
				s.api.Add(late...)
			},
			fires: []string{"EntriesTooLate", "LastRecheckFinds"},
		},
		"clock is wrong": {
			opts:  simulator.Options{ClockSkew: 5 * time.Minute},
			fires: []string{"ClockSkew"}, neverWell: true,
		},
		"time is skipped": {
			slow: true,
			opts: simulator.Options{Retention: 24 * time.Hour, RefuseExpired: true}, extra: []string{"initial_lookback: 48h"},
			fires: []string{"TimeSkipped"}, may: []string{"CheckpointAge", "NoSuccess", "Request", "SetAside"}, patience: 15 * time.Minute, neverWell: true,
		},
		"collector is gone": {wrong: func(t *testing.T, s *scene) { s.collector.kill(t) }, fires: []string{"NobodyReads"}},
		"storage is held by another process": {
			before: func(t *testing.T, s *scene) {
				s.setup.LockTimeout = hang
				require.NoError(t, os.MkdirAll(s.setup.Storage, 0o700))
				file, err := os.Create(s.setup.file())
				require.NoError(t, err)
				t.Cleanup(func() { _ = file.Close() })
				require.NoError(t, syscall.Flock(int(file.Fd()), syscall.LOCK_EX))
				s.repair = func() { require.NoError(t, syscall.Flock(int(file.Fd()), syscall.LOCK_UN)) }
			},
			fix:   func(_ *testing.T, s *scene) { s.repair() },
			fires: []string{"CheckpointAge"}, then: []string{"Storage"},
		},
		"a window takes long": {
			extra: []string{"page_size: 1", "max_concurrent_walks: 1"},
			wrong: func(_ *testing.T, s *scene) {
				// One second cannot be split, and has five minutes of pages; the rest of the previous window
				// takes some seconds.
				var burst []simulator.Entry
				for i := range 1500 {
					burst = append(burst, simulator.Entry{ID: fmt.Sprint("burst-", i), APIKey: "GET/open-apis/im/v1/messages", EventTime: time.Now().Unix(), AppID: "cli_a"})
				}
				s.api.Add(burst...)
				s.api.Update(func(o *simulator.Options) {
					o.Faults = []simulator.Fault{{Kind: simulator.FaultDelay, Delay: 200 * time.Millisecond}}
				})
			},
			// Pages with only known entries are not stored.
			fix: healed, fires: []string{"NoSuccess"}, may: []string{"CheckpointAge"},
		},
		"one second is too large": {
			extra: []string{"max_response_size: 256KiB"},
			wrong: func(_ *testing.T, s *scene) {
				s.api.Add(simulator.Entry{ID: "large", APIKey: "GET/open-apis/im/v1/messages", EventTime: time.Now().Unix(), AppID: "cli_a", Payload: strings.Repeat("x", 1<<20)})
			},
			fix: func(t *testing.T, s *scene) {
				s.collector.term(t)
				s.setup.Extra[slices.Index(s.setup.Extra, "max_response_size: 256KiB")] = "max_response_size: 4MiB"
				s.collector = s.setup.start(t, s.backend)
			},
			fires: []string{"SetAside"}, comesAndGoes: []string{"Request"}, cause: anyCause, suffixes: true,
		},
		"one record is refused": {
			wrong: func(_ *testing.T, s *scene) {
				s.backend.refusing(http.StatusServiceUnavailable, "stuck")
				s.api.Add(simulator.Entry{ID: "stuck", APIKey: "GET/open-apis/im/v1/messages", EventTime: time.Now().Unix(), AppID: "cli_a"})
			},
			fix:   func(_ *testing.T, s *scene) { s.backend.refusing(http.StatusServiceUnavailable) },
			fires: []string{"Held", "Pipeline"}, cause: "pipeline",
		},
		"a queue cannot send": {
			before: func(_ *testing.T, s *scene) {
				s.setup.Exporter = []string{"sending_queue: {enabled: true}", "retry_on_failure: {enabled: true, initial_interval: 100ms, max_interval: 1s, max_elapsed_time: 0}"}
			},
			wrong: answering(http.StatusServiceUnavailable), fix: answering(http.StatusOK), fires: []string{"Queue"}, suffixes: true,
		},
		"a queue overflows": {
			before: func(_ *testing.T, s *scene) {
				s.setup.Exporter = []string{"sending_queue: {enabled: true, queue_size: 2, num_consumers: 1}", "retry_on_failure: {enabled: true, initial_interval: 100ms, max_interval: 1s, max_elapsed_time: 0}"}
			},
			wrong: answering(http.StatusServiceUnavailable), fix: answering(http.StatusOK), fires: []string{"Pipeline", "Queue"}, cause: "pipeline",
		},
		"a filter that nothing passes": {
			extra: []string{"filter: {app_id: cli_typo}"}, history: true, neverWell: true,
			fix: func(_ *testing.T, s *scene) {
				for i := range 5 {
					s.api.Add(simulator.Entry{ID: fmt.Sprint("passes-", i), APIKey: "GET/open-apis/im/v1/messages", EventTime: time.Now().Unix(), AppID: "cli_typo"})
				}
			},
			fires: []string{"Silence"}, suffixes: true,
		},
		"all is well, as a week ago": {history: true},
		"two collectors read": {
			wrong: func(t *testing.T, s *scene) {
				another := newSetup(t, s.setup.Endpoint, s.setup.Extra...)
				another.Scrape = s.second
				c := another.start(t, s.backend)
				s.repair = func() { c.term(t) }
			},
			fix: func(_ *testing.T, s *scene) { s.repair() }, fires: []string{"ManyReaders"},
		},
		"a crash loop": {
			wrong: func(t *testing.T, s *scene) {
				for life := range 5 {
					eventually(t, starts, "this life is seen", func() bool {
						return len(s.p.query(t, fmt.Sprintf("changes(feishu_audit:process_start_time_seconds[5m]) >= %d and time() - feishu_audit:process_start_time_seconds > 3", life))) > 0
					})
					s.collector.kill(t)
					s.collector = s.setup.start(t, s.backend)
				}
				eventually(t, starts, "the last life is seen", func() bool { return len(s.p.query(t, "feishu_audit:trouble_seconds")) > 0 })
			},
			fix: func(*testing.T, *scene) {}, fires: []string{"Restarts"}, may: []string{"NobodyReads"}, brief: true,
		},
		"fields cannot be read":     {odd: 1, neverWell: true, fires: []string{"Malformed"}},
		"more calls than budgeted":  {budget: "300", neverWell: true, fires: []string{"QuotaForecast"}, suffixes: true},
		"rules cannot be evaluated": {broken: true, neverWell: true, fires: []string{"RuleFailures"}},
	}
}
