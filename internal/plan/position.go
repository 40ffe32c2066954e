// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
)

// The timeline is whole seconds of event time (Unix). It is not known in which order list_data returns entries,
// whether its bounds are inclusive, or how late an entry may appear, and nothing here depends on it.

// Overlap is how many seconds before a watermark a window starts. With one second less, an API with an exclusive
// lower bound would skip a second; the other second is for servers of Feishu whose clocks disagree.
const Overlap = 2

// window is a time range to read: once it is finished, every entry of the seconds from (inclusive) to to
// (exclusive) has been read.
type window struct{ from, to int64 }

func (w window) seconds() int64 { return w.to - w.from }

// position is what has been read. Pass 0 reads up to now; pass k reads the same time again once it is recheck[k]
// old. Each has a watermark: the pipeline has accepted every entry before it that was visible when the pass read
// it.
type position struct {
	begin   int64   // where the timeline begins
	end     int64   // where it ends, exclusive; 0: never
	recheck []int64 // seconds; recheck[0] is 0, ascending
	marks   []int64 // the watermark of each pass, descending
	kept    kept
	// covered was read in all passes before the begin was moved to an earlier time. A pass that reaches it
	// continues at its end.
	covered window
}

func newPosition(begin, end int64, recheck []int64) *position {
	p := &position{begin: begin, end: end, recheck: recheck, marks: make([]int64, len(recheck))}
	for i := range p.marks {
		p.marks[i] = begin
	}
	return p
}

// target is how far a pass can be read, with the server's clock at now.
func (p *position) target(pass int, now int64) int64 {
	t := now - p.lateness(pass)
	if end := p.stop(p.marks[pass]); end != 0 {
		t = min(t, end)
	}
	return t
}

// stop is where a pass that has reached a second must stop: at the end of the timeline, or at a range that was
// read before; 0: nowhere.
func (p *position) stop(second int64) int64 {
	if second < p.covered.from && (p.end == 0 || p.covered.from < p.end) {
		return p.covered.from
	}
	return p.end
}

// passOver skips a range that was read before.
func (p *position) passOver(covered [2]int64) {
	if p.covered = (window{covered[0], covered[1]}); p.covered.seconds() <= 0 {
		p.covered = window{}
	}
	p.jump()
}

// jump moves watermarks that have reached a range that was read before to its end.
func (p *position) jump() {
	for pass, mark := range p.marks {
		if mark >= p.covered.from && mark < p.covered.to {
			p.marks[pass] = p.covered.to
		}
	}
}

// coveredNow is the range that some pass has not reached yet.
func (p *position) coveredNow() [2]int64 {
	if p.marks[p.last()] >= p.covered.to {
		return [2]int64{}
	}
	return [2]int64{p.covered.from, p.covered.to}
}

// crosses reports whether a time overlaps a range that was read before.
func (p *position) crosses(from, to int64) bool {
	return p.covered.seconds() > 0 && from < p.covered.from && to > p.covered.from
}

// lateness is the least age in seconds at which a pass reads a time.
func (p *position) lateness(pass int) int64 { return p.kept.lateness(p.recheck[pass]) }

// expires reports whether the API will soon stop showing what the last pass still has to read.
func (p *position) expires(now int64) bool {
	return p.kept.seconds > 0 && now-p.marks[p.last()] >= p.kept.seconds-p.kept.spare()/2
}

// behind is how many seconds a pass is behind its target.
func (p *position) behind(pass int, now int64) int64 {
	return max(0, p.target(pass, now)-p.marks[pass])
}

// What finds late entries, as the metric late_entries names it.
const (
	FoundByRecheck = "recheck"
	FoundByLast    = "last_recheck" // of several
	FoundByChance  = "chance"       // in the overlap, or because the API ignores a bound
)

// foundBy names the pass that finds an entry of a second that pass 0 has read.
func (p *position) foundBy(second int64) string {
	switch last := p.last(); {
	case second < p.marks[last]:
		return FoundByChance
	case last > 1 && second < p.marks[last-1]:
		return FoundByLast
	}
	return FoundByRecheck
}

// last is the pass that reads the latest.
func (p *position) last() int { return len(p.marks) - 1 }

// finish moves the watermarks past a window that has been read to its end. asOf is the server's clock when its
// first page was requested, or earlier.
//
// An entry of second t that appears at most r seconds late was visible at asOf if t <= asOf - r. So one window
// serves every pass up to asOf minus that pass's recheck, whichever pass it was read for: a backlog older than
// the last recheck is read once, not once for every pass.
//
// But a window that was read in several pages (paged) and extends beyond readOnce does not serve the last
// recheck.
func (p *position) finish(w window, asOf int64, paged bool) {
	edge, last := p.readOnce(asOf), p.last()
	mixed := paged && last > 0 && w.from < edge && edge < w.to
	for pass := range p.marks {
		if mixed && pass == last {
			continue
		}
		if w.from <= p.marks[pass] {
			p.marks[pass] = max(p.marks[pass], min(w.to, asOf-p.lateness(pass)))
		}
	}
	p.jump()
}

// once reports whether at least a part of a window that is read as of then is not read again: what is older than
// the last recheck is read once for all passes.
func (p *position) once(w window, asOf int64) bool { return w.from < p.readOnce(asOf) }

// readOnce is the time up to which nothing that is read as of then is read again. If a window has time on both
// sides of it, only a single page is relied on (finish). The reason: if a page token is a number of entries to
// skip, each entry that appears in the newest time between two pages, or that another server of the API does not
// show yet, moves others to another page, and no recheck would find those that are older than this.
func (p *position) readOnce(asOf int64) int64 { return asOf - p.lateness(p.last()) }

// done reports whether a bounded export is complete.
func (p *position) done() bool {
	return p.end != 0 && p.marks[p.last()] >= p.end
}

// outside reports whether an entry is just outside the timeline, where the overlap and inclusive bounds return
// entries that were not requested. An entry further away was returned for another reason, and is kept.
func (p *position) outside(eventTime int64) bool {
	before := eventTime < p.begin && eventTime >= p.begin-Overlap
	behind := p.end != 0 && eventTime >= p.end && eventTime <= p.end+Overlap
	covered := p.covered.seconds() > 0 && eventTime >= p.covered.from && eventTime <= p.covered.from+Overlap
	return before || behind || covered
}

// adopt takes over the watermarks of a stored position whose rechecks may have been different. A pass inherits
// what has been read at least as late as it reads. One that reads later than any before starts at the last
// watermark, because older ids are forgotten. The last pass always does so: answers to earlier passes may have
// been believed because a later pass was going to read that time again, and that pass may no longer exist.
func (p *position) adopt(recheck, marks []int64) {
	for i, r := range p.recheck {
		p.marks[i] = marks[len(marks)-1]
		if j := slices.IndexFunc(recheck, func(old int64) bool { return old >= r }); j >= 0 && i < p.last() {
			p.marks[i] = marks[j]
		}
	}
}
