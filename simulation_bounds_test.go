// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// What some worlds never answer: long windows, deep pages, times longer ago than something, or some
// seconds. It fails in any way from the first call to the last, while everything else works.

// standing are the ways in which such calls fail.
var standing = []simulator.FaultKind{
	simulator.FaultError, simulator.FaultError, simulator.FaultError, simulator.FaultHTML, simulator.FaultEmpty, simulator.FaultBareJSON,
	simulator.FaultProxy, simulator.FaultReset, simulator.FaultHang, simulator.FaultRedirect, simulator.FaultNotFound, simulator.FaultInternal,
	simulator.FaultInvalidParam, simulator.FaultTokenInvalid, simulator.FaultIPRefused, simulator.FaultMissingScope, simulator.FaultRateLimited,
	simulator.FaultQuotaExceeded, simulator.FaultResetBody, simulator.FaultTruncated, simulator.FaultHuge,
}

// drawBounds draws, by chance of its own, what is never answered.
func (s *simulation) drawBounds(opts *simulator.Options) {
	rng := rand.New(rand.NewPCG(s.seed, 0xb0d5))
	if !chance(rng, 0.3) || opts.Retention > 0 || opts.MonthlyQuota > 0 {
		return
	}
	f := simulator.Fault{Kind: standing[rng.IntN(len(standing))], Endpoint: simulator.EndpointList}
	switch f.Kind {
	case simulator.FaultError:
		f.Code = []int{99991400, 99991403, 99991661, 99991663, 99991672, 1780103, 1780001, 2200, 9499, 123456789, -1}[rng.IntN(11)]
		f.Status = []int{200, 400, 401, 403, 404, 413, 429, 500, 503, 504}[rng.IntN(10)]
	case simulator.FaultRateLimited:
		opts.RateHint = simulator.HintNone // the server's wish to wait holds for every call
	case simulator.FaultHuge:
		f.Size = 20 << 20
	}
	small := s.tenant.PerSecond < 0.05 && s.tenant.BurstSize == 0
	switch kind := rng.IntN(4); {
	case kind == 0:
		f.Longer = 5*time.Minute + time.Duration(rng.Int64N(int64(time.Hour)))
	case kind == 1 && small:
		f.Deeper = 2 + rng.IntN(4)
	case kind == 2 && s.length > 24*time.Hour:
		f.Older = 5*time.Hour + time.Duration(rng.Int64N(int64(s.length/4)))
	case kind == 3 && s.length > 48*time.Hour && small:
		f.From = s.begin + 3600 + rng.Int64N(int64(s.length/time.Second)/4)
		f.To = f.From + []int64{0, 0, 2, 300}[rng.IntN(4)]
	default:
		return
	}
	s.bounds = []simulator.Fault{f}
	s.log = append(s.log, fmt.Sprintf("never answered: %+v", f))
}

// patience is how long it takes, in the last part of the log, until what is never answered is skipped, or until a
// backlog is read with a dozen calls for each window, or with pages of a few entries.
func (s *simulation) patience() time.Duration {
	if s.opts.SilentEnd && (s.opts.PageTokenLife > 0 || s.opts.OncePageTokens) {
		return 12 * time.Hour
	}
	for _, f := range s.bounds {
		if f.From > 0 || f.Older > 0 {
			return 15 * time.Hour // twelve if a rate limit or a later page fails
		}
	}
	return 0
}

// unanswered reports whether a time range that was skipped may have been: the API never answers for any of it.
func (s *simulation) unanswered(gap skipped) bool {
	for _, f := range s.bounds {
		switch {
		case f.From > 0 && gap.from >= f.From-1 && gap.to <= max(f.From, f.To)+1+plan.Overlap:
			return true
		case f.Older > 0 && gap.to <= gap.at.Add(s.opts.ClockSkew-f.Older).Unix()+600: // the last try may be five minutes old
			return true
		}
	}
	return false
}
