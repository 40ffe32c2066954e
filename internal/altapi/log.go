// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package altapi

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// BusiestSecond is the most entries that a second has.
const BusiestSecond = 150

// Entry is an entry of the log.
type Entry struct {
	// Mark is in the entry as the API shows it, and in no other one: MarkPattern.
	Mark string
	// Secret is in the payload, as the value of app_secret; empty: there is none.
	Secret string
	// At is when it happened and Stored when it can first be seen, by the server's clock.
	At, Stored time.Time

	id     string // as JSON; empty: absent
	app    string
	key    string
	hidden bool // never shown
	n      int
	order  uint64 // its place where the order is Shuffled
}

// MarkPattern is a regular expression for the marks of entries.
const MarkPattern = `mark-[0-9]+-[0-9a-f]{8}`

// Second is the event time that the entry shows.
func (e *Entry) Second() int64 { return e.At.Unix() }

// Traffic is how much happens, and when.
type Traffic struct {
	From, To  time.Time // by the server's clock
	PerMinute float64
	// Bursts are how many seconds have BusiestSecond entries.
	Bursts int
}

var apps = []string{"cli_a1b2c3", "cli_d4e5f6", "cli_0f0f0f"}

var calls = []string{
	"GET/open-apis/contact/v3/users/:user_id", "POST/open-apis/im/v1/messages",
	"POST/open-apis/auth/v3/tenant_access_token/internal", "PATCH/open-apis/calendar/v4/calendars/:calendar_id",
}

// write makes the log of the whole time, past and future. An entry is shown once it is stored.
func write(rng *rand.Rand, t Traits, traffic Traffic) []*Entry {
	var times []time.Time
	span := traffic.To.Sub(traffic.From)
	for range int(span.Minutes() * traffic.PerMinute) {
		times = append(times, traffic.From.Add(time.Duration(rng.Int64N(int64(span)))))
	}
	for range traffic.Bursts {
		second := traffic.From.Add(time.Duration(rng.Int64N(int64(span)))).Truncate(time.Second)
		for range BusiestSecond - 20 { // chance adds some more
			times = append(times, second.Add(time.Duration(rng.Int64N(int64(time.Second)))))
		}
	}
	if t.Hidden > 0 {
		extra := t.Hidden / (1 - t.Hidden) * float64(len(times))
		for range int(extra) {
			times = append(times, traffic.From.Add(time.Duration(rng.Int64N(int64(span)))))
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	var log []*Entry
	perSecond := 0
	for i, at := range times {
		at = at.Truncate(time.Millisecond)
		if i == 0 || times[i-1].Unix() != at.Unix() {
			perSecond = 0
		}
		perSecond++
		e := &Entry{
			Mark: fmt.Sprintf("mark-%d-%08x", i, rng.Uint32()), At: at, n: i, order: rng.Uint64(),
			app: one(rng, apps...), key: one(rng, calls...), hidden: rng.Float64() < t.Hidden,
		}
		if strings.Contains(e.key, "tenant_access_token") {
			e.Secret = fmt.Sprintf("hush%016x", rng.Uint64())
		}
		e.Stored = at.Add(t.Delay.Usual)
		if t.Delay.Jitter > 0 {
			e.Stored = e.Stored.Add(time.Duration(rng.Int64N(int64(t.Delay.Jitter))))
		}
		if t.Delay.LateOneIn > 0 && rng.IntN(t.Delay.LateOneIn) == 0 {
			e.Stored = e.Stored.Add(time.Duration(rng.Int64N(int64(t.Delay.Late))))
		}
		if t.Delay.Batch > 0 {
			e.Stored = e.Stored.Truncate(t.Delay.Batch).Add(t.Delay.Batch)
		}
		e.id = drawID(rng, t.IDs, e, perSecond)
		log = append(log, e)
	}
	return log
}

func drawID(rng *rand.Rand, ids IDs, e *Entry, perSecond int) string {
	switch ids {
	case IDNumber:
		return strconv.FormatInt(7_300_000_000_000_000_000+int64(e.n), 10)
	case IDHex:
		return fmt.Sprintf(`"%016x%016x"`, rng.Uint64(), rng.Uint64())
	case IDOdd:
		return quote(fmt.Sprintf("日志/%d %%+=\"'\t%c", e.n, 'a'+rune(e.n%26)))
	case IDRepeated:
		return strconv.Quote(strconv.Itoa(10000 + e.n%(2*BusiestSecond))) // not within a second
	case IDPerSecond:
		return strconv.Quote(strconv.Itoa(perSecond))
	case IDMissing:
		if rng.IntN(5) == 0 {
			return one(rng, "", `""`, "null")
		}
	}
	return strconv.Quote(strconv.Itoa(10000 + e.n))
}

func quote(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string can be written
	}
	return string(text)
}

// member is one member of a JSON object.
type member struct{ name, value string }

func object(rng *rand.Rand, shape Shape, members []member) string {
	if shape.AnyOrder {
		rng.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	}
	var b strings.Builder
	for i, m := range members {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(quote(m.name) + ":" + m.value)
	}
	return "{" + b.String() + "}"
}

// JSON is the entry as a response shows it.
func (e *Entry) JSON(rng *rand.Rand, shape Shape) string {
	number := func(n int64) string {
		if shape.TextNumbers {
			return strconv.Quote(strconv.FormatInt(n, 10))
		}
		return strconv.FormatInt(n, 10)
	}
	members := []member{
		{"api_key", quote(e.key)},
		{"event_time", number(e.Second())},
		{"app_id", quote(e.app)},
		{"ip", quote(one(rand.New(rand.NewPCG(e.order, 1)), "192.123.12.1", "fdbd:dc02:ff::17", ""))},
	}
	if e.id != "" {
		members = append(members, member{"id", e.id})
	}
	if shape.Extra {
		members = append(members, member{"region", quote("cn-" + e.app)}, member{"trace", "null"}, member{"tags", `[1,{"a":null}]`})
	}
	if shape.NoDetail && e.n%5 == 0 {
		members = append(members, member{"note", quote(e.Mark)})
		return object(rng, shape, members)
	}
	payload := `{"param1": "val1", "param2": "` + e.Mark + `"}`
	switch {
	case e.Secret != "":
		payload = `{"app_id": "` + e.app + `", "app_secret": "` + e.Secret + `", "trace": "` + e.Mark + `"}`
	case e.n%7 == 0:
		payload = "not JSON, {" + e.Mark
	}
	method, path, _ := strings.Cut(e.key, "/")
	members = append(members, member{"log_detail", object(rng, shape, []member{
		{"path", quote("/" + path)},
		{"method", quote(method)},
		{"query_param", quote("{}")},
		{"payload", quote(payload)},
		{"status_code", number(0)},
		{"response", quote(`{"code": 0, "msg": "ok"}`)},
	})})
	return object(rng, shape, members)
}
