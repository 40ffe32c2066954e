// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
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
	look          func(t *testing.T, s *scene) // what the runbook shows while the fault lasts
	silences      bool                         // there is an Alertmanager: the alert stays until somebody silences it
	lingers       []string                     // end later than the test
	fires         []string                     // in the order of the alphabet
	then          []string                     // what fires later instead
	may           []string                     // may fire until then: not every duration is shortened
	comesAndGoes  []string                     // may fire and end meanwhile
	cause         string                       // of the problem, "" without one
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
		"wrong secret":   {wrong: secret(otherSecret), fix: then(func(_ *testing.T, s *scene) { s.desk.typed = otherSecret }, pastes("Credential", 0)), fires: []string{"Credential"}, cause: "credential"},
		"app disabled":   {wrong: faulty(simulator.Fault{Kind: simulator.FaultError, Code: 99991662, Msg: "app disabled"}), fix: healed, fires: []string{"Credential"}, cause: "app"},
		"token refused":  {wrong: faulty(simulator.Fault{Kind: simulator.FaultTokenInvalid}), fix: healed, fires: []string{"Credential"}, cause: "token"},
		"missing scope":  {wrong: faulty(simulator.Fault{Kind: simulator.FaultMissingScope}), look: displays("Scope", "FAILED: feishu-audit doctor", "security_and_compliance:audit_log.openapi_log:readonly"), fix: then(healed, pastes("Scope", 0)), fires: []string{"Scope"}, cause: "scope", suffixes: true},
		"IP refused":     {wrong: faulty(simulator.Fault{Kind: simulator.FaultIPRefused}), look: displays("Address", "FAILED: feishu-audit doctor"), fix: then(healed, pastes("Address", 0)), fires: []string{"Address"}, cause: "address"},
		"quota":          {wrong: faulty(simulator.Fault{Kind: simulator.FaultQuotaExceeded}), fix: then(healed, enters("Quota", "systemctl restart otelcol-feishu")), fires: []string{"Quota"}, cause: "quota", suffixes: true},
		"wrong endpoint": {wrong: faulty(simulator.Fault{Kind: simulator.FaultNotFound, Endpoint: simulator.EndpointList}), fix: then(healed, pastes("Request", 0)), fires: []string{"Request"}, cause: "endpoint"},
		"wrong filter":   {wrong: faulty(simulator.Fault{Kind: simulator.FaultInvalidParam}), fix: healed, fires: []string{"Request"}, cause: "filter"},
		"large answers":  {extra: []string{"max_response_size: 256KiB"}, wrong: faulty(simulator.Fault{Kind: simulator.FaultHuge, Size: 1 << 20}), fix: then(sets("max_response_size: 256KiB", "max_response_size: 4MiB"), pastes("Request", 0)), fires: []string{"Request"}, cause: "answer_size"},
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
			wrong: func(t *testing.T, s *scene) { s.api.down(t) },
			look:  then(displays("First look", "Cannot read the audit log", `"error":"the API does not answer`, `cause="network"`), displays("API", "FAILED: curl")),
			fix:   then(func(t *testing.T, s *scene) { s.api.up(t) }, pastes("API", 0)), fires: []string{"API"}, cause: "network",
		},
		"backend is down": {wrong: answering(http.StatusServiceUnavailable), look: displays("Pipeline", "HTTP Status Code 503"), fix: then(answering(http.StatusOK), pastes("Pipeline", 0)), fires: []string{"Pipeline"}, cause: "pipeline"},
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
			fix: then(sets("filter: {app_id: cli_other}"), pastes("Storage", 0)), fires: []string{"Storage"}, cause: "checkpoint",
		},
		"damaged position": {
			before: func(t *testing.T, s *scene) {
				c := s.setup.start(t, s.backend)
				eventually(t, starts, "entries arrive", func() bool { return s.backend.count() > 0 })
				c.term(t)
				change(t, s.setup.file(), "position", func(value []byte) []byte { value[len(value)/2] ^= 1; return value })
			},
			fix: then(func(_ *testing.T, s *scene) {
				s.setup.Extra = append(s.setup.Extra, "start_time: "+time.Now().Add(-time.Hour).Format(time.RFC3339))
			}, pastes("Storage", 1)),
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
			wrong: answering(http.StatusBadRequest), fix: then(answering(http.StatusOK), unedited, displays("RecordsLost", "max_elapsed_time")), fires: []string{"Pipeline", "RecordsLost"}, cause: "pipeline", suffixes: true, silences: true,
		},
		"refused, with a queue": {
			before: func(_ *testing.T, s *scene) {
				s.setup.Exporter = []string{"sending_queue: {enabled: true}", "retry_on_failure: {enabled: false}"}
			},
			wrong: answering(http.StatusBadRequest), look: displays("Exporter", "HTTP Status Code 400"),
			fix: then(answering(http.StatusOK), pastes("RecordsLost", 0), enters("Exporter", "amtool")), fires: []string{"Exporter"}, suffixes: true, silences: true,
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
			fix:   then(func(_ *testing.T, s *scene) { s.setup.PerMinute = 6000 }, enters("Lag", "systemctl reload otelcol-feishu")),
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
				s.added = late
			},
			fix: then(func(t *testing.T, s *scene) {
				s.setup.Extra[slices.Index(s.setup.Extra, "recheck_after: [1s, 2s, 3s]")] = recheckOf(t, "EntriesTooLate")
			}, enters("LastRecheckFinds", "systemctl reload otelcol-feishu"), pastes("EntriesTooLate", 0)),
			silences: true, lingers: []string{"LastRecheckFinds"},
			fires: []string{"EntriesTooLate", "LastRecheckFinds"},
		},
		"clock is wrong": {
			opts:  simulator.Options{ClockSkew: 5 * time.Minute},
			fires: []string{"ClockSkew"}, neverWell: true,
		},
		"time is skipped": {
			slow: true,
			opts: simulator.Options{Retention: 24 * time.Hour, RefuseExpired: true}, extra: []string{"initial_lookback: 48h"},
			fix: then(func(_ *testing.T, s *scene) {
				s.api.Update(func(o *simulator.Options) { o.Retention, o.RefuseExpired = 0, false })
			}, pastes("TimeSkipped", 0)),
			silences: true,
			fires:    []string{"TimeSkipped"}, may: []string{"CheckpointAge", "NoSuccess", "Request", "SetAside"}, patience: 15 * time.Minute, neverWell: true,
		},
		"collector is gone": {wrong: func(t *testing.T, s *scene) { s.collector.kill(t) }, fix: func(t *testing.T, s *scene) {
			out, _ := s.pastes(t, "NobodyReads", 0)
			require.Contains(t, out, "inactive (dead)")
		}, fires: []string{"NobodyReads"}},
		"storage is held by another process": {
			before: func(t *testing.T, s *scene) {
				s.setup.LockTimeout = hang
				require.NoError(t, os.MkdirAll(s.setup.Storage, 0o700))
				run(t, "flock", "--no-fork", s.setup.file(), "sleep", "3600")
				eventually(t, starts, "it holds the lock", func() bool {
					return exec.CommandContext(t.Context(), "flock", "--nonblock", s.setup.file(), "true").Run() != nil
				})
			},
			fix:   endsHolders,
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
			look: pastes("NoSuccess", 0), fix: then(sets("page_size: 1", "page_size: 100"), enters("NoSuccess", "systemctl reload otelcol-feishu")),
			fires: []string{"NoSuccess"}, may: []string{"CheckpointAge"},
		},
		"one second is too large": {
			extra: []string{"max_response_size: 256KiB"},
			wrong: func(_ *testing.T, s *scene) {
				s.api.Add(simulator.Entry{ID: "large", APIKey: "GET/open-apis/im/v1/messages", EventTime: time.Now().Unix(), AppID: "cli_a", Payload: strings.Repeat("x", 1<<20)})
			},
			look:  displays("SetAside", "answer_size"),
			fix:   then(sets("max_response_size: 256KiB", "max_response_size: 4MiB"), enters("SetAside", "systemctl reload otelcol-feishu")),
			fires: []string{"SetAside"}, comesAndGoes: []string{"Request"}, cause: anyCause, suffixes: true,
		},
		"one record is refused": {
			wrong: func(_ *testing.T, s *scene) {
				s.backend.refusing(http.StatusServiceUnavailable, "stuck")
				s.api.Add(simulator.Entry{ID: "stuck", APIKey: "GET/open-apis/im/v1/messages", EventTime: time.Now().Unix(), AppID: "cli_a"})
			},
			look:  then(pastes("Held", 0), displays("Held", "HTTP Status Code 503", "feishu_audit_held_age")),
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
			wrong: answering(http.StatusServiceUnavailable), look: pastes("Queue", 0),
			fix: answering(http.StatusOK), fires: []string{"Pipeline", "Queue"}, cause: "pipeline",
		},
		"a filter that nothing passes": {
			extra: []string{"filter: {app_id: cli_typo}"}, history: true, neverWell: true,
			look: displays("Silence", "POST", "Complete: "),
			fix: func(t *testing.T, s *scene) {
				sets("filter: {app_id: cli_typo}", "start_time: "+time.Now().Add(-time.Hour).Format(time.RFC3339))(t, s)
				pastes("Silence", 1)(t, s)
			},
			fires: []string{"Silence"}, suffixes: true,
		},
		"all is well, as a week ago": {history: true},
		"two collectors read": {
			wrong: func(t *testing.T, s *scene) {
				another := newSetup(t, s.setup.Endpoint, s.setup.Extra...)
				another.Scrape = s.second
				c := another.start(t, s.backend)
				s.host = &c
			},
			fix: pastes("ManyReaders", 0), fires: []string{"ManyReaders"},
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
		"fields cannot be read": {odd: 1, neverWell: true, look: displays("Malformed", "feishu.entry.malformed"), fires: []string{"Malformed"}},
		"more calls than budgeted": {
			budget: "300", neverWell: true, fix: then(rewrites("vector(300)", "vector(Inf)"), enters("QuotaForecast", "systemctl reload prometheus")),
			fires: []string{"QuotaForecast"}, suffixes: true,
		},
		"rules cannot be evaluated": {
			broken: true, neverWell: true, look: displays("RuleFailures", "SUCCESS", "lastError", "found duplicate series"),
			fix:   then(rewrites(brokenRule, "vector(1)"), enters("RuleFailures", "systemctl reload prometheus")),
			fires: []string{"RuleFailures"},
		},
	}
}
