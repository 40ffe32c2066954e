// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"slices"
	"time"
)

// lateProbe reads the same time ranges again and again. Entries that are new in a later reading have appeared in
// between.
type lateProbe struct {
	session *session
	windows []*watched
	newest  *watched        // the one of them that ends at the time of its first read, if there is one
	entries map[string]bool // all that were seen
	shown   map[string]appearance
	failed  Message
}

// watched is a time range that fits into one page.
type watched struct {
	from, to int64
	known    map[string]bool
	read     time.Time // earliest server time of the last read
	whole    bool      // the last read was complete, so entries that are new in the next one have appeared since
}

// appearance limits how long after its event time an entry appeared. Event times are whole seconds, so an entry
// at the end of its second seems a second late.
type appearance struct{ least, most time.Duration }

// lateFrom is the delay from which on an entry counts as late.
const lateFrom = 2 * time.Second

// The windows: the newest entries, and the ages at which the receiver rechecks by default.
var watchAges = []time.Duration{2 * time.Minute, 15 * time.Minute, time.Hour}

// roomy is how many entries a window may have at first, so that there is room for more.
const roomy = 60

// open starts to watch.
func (p *lateProbe) open(ctx context.Context, from *sample) {
	p.entries, p.shown = map[string]bool{}, map[string]appearance{}
	if !p.session.clock.known || p.session.clock.disagree {
		p.failed = msg("the server's clock could not be read from its Date headers")
		return
	}
	span, err := p.openNewest(ctx)
	if err != nil {
		p.failed = why(err)
		return
	}
	if from == nil {
		return
	}
	width := max(1, int64(roomy/max(from.density(), 1e-3)))
	for _, age := range watchAges {
		if age <= time.Duration(span)*time.Second {
			continue
		}
		to := p.session.clock.now() - int64(age.Seconds())
		if err := p.try(ctx, to-min(width, int64(age.Seconds())), to); err != nil {
			p.failed = why(err)
			return
		}
	}
}

// openNewest watches the longest range up to now that fits, and returns its length
// in seconds.
func (p *lateProbe) openNewest(ctx context.Context) (int64, error) {
	s := p.session
	now := s.clock.now()
	spans := []int64{1, 3, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600}
	fits := func(span int64) (*watched, error) {
		w := &watched{from: now - span, to: now, known: map[string]bool{}}
		n, err := p.look(ctx, w)
		if refused(err) || err == nil && (!w.whole || n > roomy) {
			return nil, nil
		}
		return w, err
	}
	var best *watched
	low, high := 0, len(spans) // spans[:low] fit, spans[high:] do not
	for low < high {
		mid := (low + high) / 2
		w, err := fits(spans[mid])
		switch {
		case err != nil:
			return 0, err
		case w != nil:
			best, low = w, mid+1
		default:
			high = mid
		}
	}
	// Entries may begin between two spans.
	if best != nil && low < len(spans) {
		from, to := spans[low-1], spans[low]
		for range 4 {
			mid := (from + to) / 2
			if mid == from {
				break
			}
			w, err := fits(mid)
			switch {
			case err != nil:
				return 0, err
			case w != nil:
				best, from = w, mid
			default:
				to = mid
			}
		}
	}
	if best == nil {
		return 0, nil
	}
	p.windows, p.newest = append(p.windows, best), best
	return best.to - best.from, nil
}

// try watches a range, or its newest part.
func (p *lateProbe) try(ctx context.Context, from, to int64) error {
	for range 2 {
		w := &watched{from: from, to: to, known: map[string]bool{}}
		_, err := p.look(ctx, w)
		switch {
		case err != nil && !refused(err):
			return err
		case err == nil && w.whole:
			p.windows = append(p.windows, w)
			return nil
		}
		from = to - (to-from)/4
	}
	return nil
}

// again reads windows once more: only the newest one, or all.
func (p *lateProbe) again(ctx context.Context, all bool) {
	for i, w := range p.windows {
		if p.failed != none || !w.whole || i > 0 && !all {
			continue
		}
		if _, err := p.look(ctx, w); err != nil {
			p.failed = why(err)
		}
	}
}

// look reads a window and notes what has appeared since the previous read.
func (p *lateProbe) look(ctx context.Context, w *watched) (entries int, err error) {
	a, err := p.session.window(ctx, w.from, w.to, pageSize)
	if err != nil {
		return 0, err
	}
	clock := &p.session.clock
	for _, e := range a.Page.Facts() {
		if !e.HasTime || e.Second < w.from || e.Second > w.to {
			continue
		}
		p.entries[e.ID] = true
		if _, dated := p.shown[e.ID]; !w.known[e.ID] && w.whole && !dated {
			second := time.Unix(e.Second, 0)
			p.shown[e.ID] = appearance{w.read.Sub(second), clock.latest(a.Received).Sub(second)}
		}
		w.known[e.ID] = true
	}
	w.read, w.whole = clock.earliest(a.Sent), !a.Page.HasMore
	return len(a.Page.Facts()), nil
}

// enoughFresh is how many entries must have been there at once for "none appeared later" to mean anything.
const enoughFresh = 10

func (p *lateProbe) finding() Finding {
	s := p.session
	switch {
	case p.failed != none && len(p.shown) == 0:
		return unknown(Lateness, p.failed)
	case len(p.windows) == 0:
		return unknown(Lateness, msg("even one second has more entries than a page, or the API refused a window of one second"))
	case len(p.shown) == 0 && (p.newest == nil || len(p.newest.known) < enoughFresh):
		return unknown(Lateness, s.withFreshest(msg("nothing new appeared on a second reading of %s with %s", count(len(p.windows), "time range", "time ranges"), count(len(p.entries), "entry", "entries"))))
	}
	var late []appearance
	for _, a := range p.shown {
		if a.least > lateFrom {
			late = append(late, a)
		}
	}
	f := Finding{Question: Lateness, Answer: "none seen"}
	f.Evidence = msg("%s appeared on a second reading of %s, %d of them more than %s after their event time",
		count(len(p.shown), "entry", "entries"), count(len(p.windows), "time range", "time ranges"), len(late), short(lateFrom))
	if len(p.shown) == 0 {
		f.Evidence = msg("nothing new appeared on a second reading of %s with %s", count(len(p.windows), "time range", "time ranges"), count(len(p.entries), "entry", "entries"))
	}
	f.Evidence = s.withFreshest(f.Evidence)
	if len(late) == 0 {
		f.Text = msg("no entry appeared late; rare ones, and ones later than the doctor waited, cannot be excluded")
		return f
	}
	slowest := slices.MaxFunc(late, func(a, b appearance) int { return int(a.least - b.least) })
	f.Answer, f.AtLeast, f.LessThan = "late", bound(slowest.least), bound(slowest.most)
	f.Text = msg("entries appear late: the slowest one took between %s and %s", short(slowest.least), short(slowest.most))
	return f
}

// withFreshest adds the age of the newest entry that was seen.
func (s *session) withFreshest(m Message) Message {
	if !s.anyEntry {
		return m
	}
	return m.and(msg("the freshest entry seen was at most %s old", short(max(s.newest, 0))))
}
