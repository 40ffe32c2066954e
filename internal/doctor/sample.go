// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"time"

	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
)

// settledAge is the age of the entries that are used for other questions: most late entries have appeared by
// then.
const settledAge = 2 * time.Minute

// sample is a time range with entries in it.
type sample struct {
	from, to int64
	entries  []entry.Facts
	complete bool // entries has all entries of the range
}

// density is the estimated number of entries in a second.
func (s *sample) density() float64 {
	return float64(len(s.entries)) / float64(s.to-s.from+1)
}

// findSample looks for a time range whose entries fit into one page, with at least two of them. It returns the
// closest match, nil if no entry was seen.
func (s *session) findSample(ctx context.Context) (*sample, error) {
	const (
		first   = 10 * 60        // seconds
		longest = 30 * 24 * 3600 // seconds
		tries   = 9
	)
	var best *sample
	empty, full := int64(0), int64(longest+1) // spans with too few entries, and with too many
	span := int64(first)
	end := s.clock.now() - int64(settledAge.Seconds())
	for range tries {
		a, err := s.window(ctx, end-span, end, pageSize)
		switch {
		case refused(err):
			full = span // too long, or too early
		case err != nil:
			return best, err
		case a.Page.HasMore:
			full = span
			if len(a.Page.Facts()) > 0 && (best == nil || !best.complete) {
				best = &sample{end - span, end, a.Page.Facts(), false}
			}
		case len(a.Page.Facts()) < 2:
			empty = span
			if len(a.Page.Facts()) == 1 {
				best = &sample{end - span, end, a.Page.Facts(), true}
			}
		default:
			return &sample{end - span, end, a.Page.Facts(), true}, nil
		}
		switch {
		case full > longest:
			span = min(empty*12, longest)
		case empty == 0:
			span = full / 12
		default:
			span = (empty + full) / 2
		}
		if span <= empty || span >= full {
			break
		}
	}
	return best, nil
}
