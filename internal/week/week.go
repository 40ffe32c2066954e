// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package week makes up a week of a tenant's audit log, to test the detections: ordinary life, with weekly and
// monthly jobs, late entries and an outage of three hours, and attacks. A seed decides everything.
package week

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// Reader is the app that reads the log, and stands for the tenant. SilentReader is the one of a second tenant,
// whose log becomes silent on Friday.
const (
	Reader       = "cli_reader"
	SilentReader = "cli_reader_two"
)

// Times of the week. It begins on a Monday, and the first of a month lies in it.
var (
	zone = time.FixedZone("UTC+8", 8*3600)
	// Start is the first Monday's midnight, UTC+8.
	Start = time.Date(2026, 3, 30, 0, 0, 0, 0, zone)
	// OutageFrom and OutageTo are when nothing arrives. Calls in between arrive just afterwards.
	OutageFrom = Start.AddDate(0, 0, 3).Add(10 * time.Hour)
	OutageTo   = OutageFrom.Add(3 * time.Hour)
)

// History is how long before Start the made-up log begins.
const History = 40 * 24 * time.Hour

// Entry is one entry of the log, with the tenant that it belongs to and the time at which the receiver has it.
type Entry struct {
	simulator.Entry
	Tenant  string
	Arrives time.Time
}

// Week is the log. Its entries are in the order in which they arrive.
type Week struct {
	Entries []Entry
	// Attacks are the attacks in the week. Without them the log is ordinary.
	Attacks []Attack

	random *rand.Rand
}

// call is the content of one entry.
type call struct {
	app, key, ip, payload, query string
	code                         int // of the response
	tenant                       string
}

// New makes up a week, with attacks or without.
func New(seed uint64, attacks bool) *Week {
	w := &Week{random: rand.New(rand.NewPCG(seed, 22))}
	w.live()
	w.attack(attacks)
	slices.SortStableFunc(w.Entries, func(a, b Entry) int { return a.Arrives.Compare(b.Arrives) })
	for i := range w.Entries {
		w.Entries[i].ID = "7" + fmt.Sprintf("%018d", i)
	}
	return w
}

// variables are the names of the variables in a template.
func variables(template string) []string {
	var names []string
	for part := range strings.SplitSeq(template, "/") {
		if strings.HasPrefix(part, ":") {
			names = append(names, part)
		}
	}
	return names
}

// path fills the variables of a template in, with ids of the number given.
func path(template string, n int) string {
	for _, name := range variables(template) {
		id := strings.TrimSuffix(strings.TrimSuffix(name[1:], "_id"), "_token") + "_" + strconv.FormatInt(int64(n)*7919+100003, 36)
		template = strings.Replace(template, name, id, 1)
	}
	return template
}

// add puts n calls into the log, within the span after at, on resources of their own.
func (w *Week) add(at time.Time, span time.Duration, n int, c call) {
	for i := range n {
		w.one(at.Add(time.Duration(i)*span/time.Duration(n)), i, c)
	}
}

func (w *Week) one(at time.Time, resource int, c call) *Entry {
	method, template, _ := strings.Cut(c.key, "/")
	template = "/" + template
	status, msg := 200, "success"
	if c.code != 0 {
		status, msg = 400, "refused"
	}
	if at.Before(Start.Add(-History)) || !at.Before(Start.AddDate(0, 0, 7)) {
		return &Entry{}
	}
	w.Entries = append(w.Entries, Entry{
		Tenant: cmp.Or(c.tenant, Reader),
		Entry: simulator.Entry{
			APIKey: c.key, EventTime: at.Unix(), AppID: c.app, IP: c.ip, Method: method, Path: path(template, resource), Payload: c.payload, QueryParam: c.query,
			StatusCode: status, Response: fmt.Sprintf(`{"code":%d,"msg":%q}`, c.code, msg),
		},
	})
	e := &w.Entries[len(w.Entries)-1]
	e.Arrives = at.Add(time.Minute)
	if at.After(OutageFrom) && at.Before(OutageTo) {
		e.Arrives = OutageTo.Add(time.Duration(w.random.IntN(600)) * time.Second)
	} else if w.random.IntN(100) == 0 {
		e.late(at)
	}
	e.VisibleAt = e.Arrives.Add(-time.Minute)
	return e
}

// late lets an entry arrive with the last recheck.
func (e *Entry) late(at time.Time) {
	e.Arrives = at.Add(time.Hour + time.Minute)
	e.VisibleAt = e.Arrives.Add(-time.Minute)
}
