// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxPerSecond limits the generated entries of one second: their number within it has 20 bits in the id.
const maxPerSecond = 1 << 20

// Tenant is a generated log. Its entries are a pure function of the seed and the second, so any length of
// history and live arrival need no memory, and a restarted simulator shows the same entries with the same ids.
// The zero value has no entries.
type Tenant struct {
	// Seed chooses the tenant: its apps and all its entries.
	Seed uint64
	// PerSecond is the mean number of entries in a second; it may be less than 1.
	PerSecond float64
	// BurstEvery and BurstSize add BurstSize entries in each second that is a
	// multiple of BurstEvery since 1970.
	BurstEvery time.Duration
	BurstSize  int
	// Start and End are the first and the last second with entries. Zero: no limit. Without Start, a call
	// without start_time gets the last 24 hours.
	Start, End int64
	// Apps is the number of apps that make calls. Zero: 8.
	Apps int
	// Delay is how long after its event time each entry becomes visible. Within a second, entries become visible
	// one by one, at the times of the calls.
	Delay time.Duration
	// LateFraction is the fraction of entries, 0 to 1, that become visible up to MaxLateness later than Delay.
	LateFraction float64
	MaxLateness  time.Duration
	// FailureFraction is the fraction of failed calls. Zero: 0.08; negative: none.
	FailureFraction float64
	// OddFraction is the fraction of entries in an odd form, see oddities. They keep their Entry.ID, if the form
	// has one.
	OddFraction float64
	// SharedIDs numbers the entries of each second from 1, so that entries of different seconds have the same
	// ids.
	SharedIDs bool
	// Canary is a word in each payload, except in odd entries, to search for where no payload may be.
	Canary string
}

func (t *Tenant) validate() error {
	fraction := func(name string, f float64) error {
		if f >= 0 && f <= 1 {
			return nil
		}
		return fmt.Errorf("tenant: %s %v is not between 0 and 1", name, f)
	}
	var errs []error
	if !(t.PerSecond >= 0 && t.PerSecond+float64(t.BurstSize) < maxPerSecond-1) {
		errs = append(errs, fmt.Errorf("tenant: %v entries a second and %d in a burst is out of range, 0 to %d", t.PerSecond, t.BurstSize, maxPerSecond))
	}
	if t.BurstSize < 0 || t.BurstEvery < 0 || t.BurstEvery%time.Second != 0 || (t.BurstSize > 0) != (t.BurstEvery > 0) {
		errs = append(errs, errors.New("tenant: a burst needs both a size and whole seconds between bursts"))
	}
	if t.Start < 0 || t.End < 0 || t.End > 0 && t.End < t.Start || t.Start >= maxSecond || t.End >= maxSecond {
		errs = append(errs, fmt.Errorf("tenant: start %d and end %d are not a time range", t.Start, t.End))
	}
	if t.Apps < 0 || t.Delay < 0 || t.MaxLateness < 0 || t.LateFraction > 0 && t.MaxLateness == 0 {
		errs = append(errs, errors.New("tenant: apps, delay and lateness cannot be negative, and late entries need a lateness"))
	}
	return errors.Join(append(errs,
		fraction("late fraction", t.LateFraction),
		fraction("odd fraction", t.OddFraction),
		fraction("failure fraction", max(t.FailureFraction, 0)))...)
}

// maxSecond is the first second that does not fit into an id.
const maxSecond = 1 << 33

// span is the range of seconds with entries, up to now.
func (t *Tenant) span(now time.Time) (begin, end int64, ok bool) {
	end = min(now.Unix(), maxSecond-1)
	if t.End != 0 {
		end = min(end, t.End)
	}
	return t.Start, end, (t.PerSecond > 0 || t.BurstSize > 0) && t.Start <= end
}

// endless reports whether entries go back to 1970.
func (t *Tenant) endless() bool {
	return t.Start == 0 && (t.PerSecond > 0 || t.BurstSize > 0)
}

// count is the number of entries of a second.
func (t *Tenant) count(second int64) int64 {
	whole, fraction := math.Modf(t.PerSecond)
	n := int64(whole)
	if fraction > 0 && unit(mix(t.Seed^mix(uint64(second)))) < fraction {
		n++
	}
	if t.BurstSize > 0 && second%int64(t.BurstEvery/time.Second) == 0 {
		n += int64(t.BurstSize)
	}
	return n
}

// Entries returns the entries with from <= event time < to, oldest first, including those that are not visible
// yet: see VisibleAt.
func (t *Tenant) Entries(from, to int64) []Entry {
	begin, end, ok := t.span(time.Unix(to-1, 0))
	if !ok {
		return nil
	}
	var entries []Entry
	for second := max(from, begin); second <= end; second++ {
		for n := range t.count(second) {
			entries = append(entries, t.entry(second, n))
		}
	}
	return entries
}

// draw is what is drawn for one entry. The part that decides whether a query returns the entry is drawn first
// and separately, because it is needed far more often than the rest.
type draw struct {
	second, n int64
	hash      uint64
}

func (t *Tenant) draw(second, n int64) draw {
	return draw{second, n, mix(mix(t.Seed^mix(uint64(second))) ^ mix(uint64(n)+0x5851f42d4c957f2d))}
}

// visibleAt spreads the entries of a second over that second, and the late ones over the time after it.
func (d draw) visibleAt(t *Tenant) time.Time {
	h := mix(d.hash ^ 1)
	delay := t.Delay + time.Duration(h%uint64(time.Second))
	if t.LateFraction > 0 && unit(mix(d.hash^2)) < t.LateFraction {
		delay = t.Delay + time.Duration(unit(mix(d.hash^3))*float64(t.MaxLateness))
	}
	return time.Unix(d.second, 0).Add(delay)
}

func (d draw) api() *api { return pickAPI(mix(d.hash ^ 4)) }

func (d draw) appID(t *Tenant) string {
	apps := uint64(t.Apps)
	if apps == 0 {
		apps = 8
	}
	// The square makes some apps much busier than others.
	u := unit(mix(d.hash ^ 5))
	return appID(t.Seed, uint64(u*u*float64(apps)))
}

func appID(seed, n uint64) string {
	return fmt.Sprintf("cli_%016x", mix(seed^mix(n+0xa99)))
}

// id is unique for a seed and, like Feishu's ids, a number with 19 digits: too large for a float64.
func (d draw) id(seed uint64) string {
	return strconv.FormatInt(d.second<<30|d.n<<10|int64(mix(seed)&1023), 10)
}

// unit maps a hash to [0, 1).
func unit(h uint64) float64 { return float64(h>>11) / (1 << 53) }

// entry makes the n-th entry of a second.
func (t *Tenant) entry(second, n int64) Entry {
	d := t.draw(second, n)
	g := generator{state: d.hash ^ 6, app: d.appID(t)}
	e := d.api().entry(&g, t.failures())
	if t.Canary != "" {
		e.Payload = strings.Replace(`{"canary":`+string(appendString(nil, t.Canary))+`,`+e.Payload[1:], ",}", "}", 1)
	}
	e.ID = d.id(t.Seed)
	if t.SharedIDs {
		e.ID = strconv.FormatInt(n+1, 10)
	}
	e.EventTime = second
	e.VisibleAt = d.visibleAt(t)
	if t.OddFraction > 0 && unit(mix(d.hash^7)) < t.OddFraction {
		oddities[mix(d.hash^8)%uint64(len(oddities))](&e)
	}
	return e
}

func (t *Tenant) failures() float64 {
	if t.FailureFraction == 0 {
		return 0.08
	}
	return max(0, t.FailureFraction)
}
