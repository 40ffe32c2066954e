// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package pace

import "time"

// The server may allow less than is configured: it has a lower limit, or another program uses the same app. What
// it allows is learned from two things:
//
//   - the limit that the server states (x-ogw-ratelimit-limit), if that can be a number of calls a minute:
//     the window that it counts in is not documented;
//   - the number of calls in a minute after which it refuses, once two refusals agree on it.
//
// A refusal that neither explains may have any reason: it lowers the pace a little, but not below half of what
// is configured. If far more calls are answered soon after it, it was chance, and what was concluded from
// refusals is dropped. Without refusals the pace is raised step by step, first after firstProbe, and less often
// if a step is refused, up to lastProbe.
const (
	firstProbe = time.Minute
	lastProbe  = 10 * time.Minute
	// evidenceLasts is how long another refusal may agree with a refusal, and mostLasts how long the number of
	// calls answered in a minute counts as evidence.
	evidenceLasts = 30 * time.Minute
	mostLasts     = 5 * time.Minute
	// lowStreak is how many refusals in a row have to agree that fewer than lowCalls are allowed.
	lowStreak, lowCalls = 3, 12
	// maxCounts limits the stored answers since the last refusal.
	maxCounts = 1000
)

// learned is what is known about the server's limit. Everything is zero if nothing is known.
type learned struct {
	limit int  // calls a minute; 0: as configured
	said  bool // stated by the server, not concluded from refusals
	// changed is when the limit last changed, and probe how long after that it is raised.
	changed time.Time
	probe   time.Duration
	raised  bool // the last change was a step up

	header int // the last limit that the server stated

	allowed   []time.Time // when the calls of the last minute were answered, without a refusal
	counts    []int       // the number of those at each answer since the last refusal
	most      int         // the largest number of those recently,
	mostAt    time.Time   // and when that was
	refusedAt int         // the number of those at the last refusal,
	refused   time.Time   // and when that was
	streak    int         // refusals in a row that agreed with the one before
	chances   chances
}

// Present is how many calls a minute are allowed at the moment.
func (p *Pace) Present() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.adapt(time.Now())
	return p.limit
}

// Allowed notes an answer that is not a refusal, and the limit that it states, if any.
func (p *Pace) Allowed(limit int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	l := &p.learned
	l.allowed = append(l.since(now), now)
	n := len(l.allowed)
	if n >= l.most || now.Sub(l.mostAt) >= mostLasts {
		l.most, l.mostAt = n, now
	}
	if len(l.counts) < maxCounts {
		l.counts = append(l.counts, n)
	}
	if l.chances.allowed(now, n, l.refused) && l.limit > 0 && !l.said {
		p.unlearn(now)
	}
	if limit == 0 || limit == l.header {
		return // the same limit again shows nothing new: a step up may have shown that it is too low
	}
	l.header = limit
	p.adapt(now)
	if l.credible(limit) && (limit < p.limit || l.said && limit > p.limit) {
		p.set(now, limit, true)
	}
}

// Refused notes that the server's rate limit refused a call, how long the call took, and the limit that the
// refusal states, if any.
func (p *Pace) Refused(took time.Duration, limit int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	l := &p.learned
	if now.Add(-took).Before(l.refused) {
		return // sent concurrently with the one that was refused before
	}
	p.adapt(now)
	n := len(l.since(now))
	agrees := !l.refused.IsZero() && now.Sub(l.refused) < evidenceLasts && alike(n, l.refusedAt) &&
		(now.Sub(l.mostAt) >= mostLasts || n >= l.most || alike(n, l.most))
	// A limit of n calls does not let many pass at that rate before it refuses one.
	held := l.held(n) > max(5, n/2)
	if l.chances.refused(now, n, l.limit) && !l.said {
		p.unlearn(now)
	}
	if l.streak++; !agrees {
		l.streak = 0
	}
	before := max(n, l.refusedAt)
	l.counts = l.counts[:0]
	if limit > 0 {
		l.header = limit
	}
	l.refused, l.refusedAt = now, n
	// The step up was refused, and not sooner than the limit before it.
	if l.raised && now.Sub(l.changed) < 2*paceWindow && 5*n >= 3*l.limit {
		l.probe = min(2*l.probe, lastProbe)
	}
	switch {
	case limit > 0 && limit < p.limit && l.credible(limit):
		p.set(now, limit, true)
	case l.chances.are(now): // fewer calls would not help
	case agrees && n < lowCalls && l.streak < lowStreak: // so few can agree by chance, too
	case agrees && n < p.limit:
		p.set(now, max(1, before), false)
	case agrees: // at the pace itself: the server counts its window in another way
		p.set(now, p.lower(9, 10), false)
	case p.limit > p.configured()/2:
		p.set(now, max(1, p.configured()/2, p.limit*4/5), false)
	case held: // it looks the same just above a limit of fixed minutes
		p.set(now, p.lower(19, 20), false)
	default:
		p.set(now, p.limit, l.said)
	}
}

// unlearn drops what was concluded from refusals.
func (p *Pace) unlearn(now time.Time) {
	l := &p.learned
	l.limit, l.raised, l.probe = 0, false, firstProbe
	p.adapt(now)
	p.tell()
}

// lower returns the limit lowered by a part of it. A limit above a quarter of what is configured is not lowered
// below that quarter, because chance refusals could lead there.
func (p *Pace) lower(of, parts int) int {
	quarter := p.configured() / 4
	if p.limit <= quarter {
		quarter = 0
	}
	return max(1, quarter, p.limit*of/parts)
}

// held is how many calls were answered since the last refusal at about that rate.
func (l *learned) held(n int) (held int) {
	for _, count := range l.counts {
		if 5*count >= 4*n {
			held++
		}
	}
	return held
}

// alike reports whether two numbers of calls differ by a quarter at most.
func alike(a, b int) bool { return 4*max(a, b) <= 5*max(1, min(a, b)) }

// since are the answers of the last minute.
func (l *learned) since(now time.Time) []time.Time {
	for len(l.allowed) > 0 && now.Sub(l.allowed[0]) >= paceWindow {
		l.allowed = l.allowed[1:]
	}
	return l.allowed
}

// credible reports whether a limit that the server states can be one for a minute: recently it has allowed no
// more than twice that in a minute.
func (l *learned) credible(limit int) bool { return l.most <= 2*limit }

// set changes the learned limit.
func (p *Pace) set(now time.Time, limit int, said bool) {
	l := &p.learned
	if l.probe == 0 {
		l.probe = firstProbe
	}
	more := limit > p.limit
	l.limit, l.said, l.changed, l.raised = limit, said, now, false
	p.adapt(now)
	if more {
		p.tell()
	}
}

// adapt raises the learned limit when it is time to, and sets the limit to the smaller of the learned and the
// configured one.
func (p *Pace) adapt(now time.Time) {
	l := &p.learned
	configured := p.configured()
	for l.limit > 0 {
		wait := l.probe
		if l.raised {
			wait = firstProbe // the step before was not refused
		}
		if l.limit < configured && now.Sub(l.changed) < wait {
			break
		}
		if l.limit >= configured {
			l.limit, l.said = 0, false
			break
		}
		if l.raised {
			l.probe = firstProbe
		}
		l.limit = max(l.limit+1, l.limit*5/4)
		l.changed, l.raised = l.changed.Add(wait), true
	}
	if p.limit = configured; l.limit > 0 {
		p.limit = min(configured, l.limit)
	}
}
