// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package altapi is a second model of the two calls that the receiver makes,
// tenant_access_token/internal and openapi_logs/list_data. It is for tests only.
//
// internal/simulator and the receiver were written by the same people, so they share what
// these people took for granted. This package was written from the vendor's page of list_data
// and from a collection of public facts and field reports alone, without a look at either. Where
// those sources are silent, any behaviour that they permit may be drawn: [Traits] lists the
// choices, [Draw] makes them from a seed.
package altapi

import (
	"fmt"
	"time"
)

// Paging is what a page token stands for.
type Paging string

const (
	// Offset: the token is a number of entries to leave out. Each call evaluates the query again.
	Offset Paging = "offset"
	// Snapshot: the token is a place in the result that the first call has fixed.
	Snapshot Paging = "snapshot"
	// Scroll: as Snapshot, with one token for all pages. Each call moves on, even if its
	// response does not arrive.
	Scroll Paging = "scroll"
	// Keyset: the token is the last entry of the page. Each call evaluates the query again.
	Keyset Paging = "keyset"
)

// Order is in which order a query returns entries.
type Order string

const (
	Ascending  Order = "ascending"
	Descending Order = "descending"
	Shuffled   Order = "shuffled"
	ByID       Order = "by id"
)

// Match is which time of an entry the bounds of a query are compared with.
type Match string

const (
	// MatchSecond: the event time that the entry shows.
	MatchSecond Match = "event second"
	// MatchMilli: the event time in milliseconds, of which the entry shows the whole seconds.
	MatchMilli Match = "event millisecond"
	// MatchIngested: when the entry was stored. Its event time may be earlier than the query.
	MatchIngested Match = "ingestion second"
)

// Traits are how an API behaves where its documentation is silent.
type Traits struct {
	Paging Paging
	Order  Order
	Match  Match
	// StartExcluded and EndExcluded: an entry at that bound does not match.
	StartExcluded, EndExcluded bool

	// TokenLife is how long a page token is valid; 0: without end.
	TokenLife time.Duration
	// TokenOnce: a page token is valid for one call.
	TokenOnce bool
	// TokenBound: a page token is refused if the query differs from the one that it is from.
	TokenBound bool
	// DeadToken is the response to a page token that is not valid.
	DeadToken DeadToken
	// PageCap is the most entries of a page, whatever the query asks for; 0: 100.
	PageCap int
	// Hidden is the share of entries that are left out of a page after it was cut: pages
	// are short, or empty.
	Hidden float64
	// Unsure: has_more is true whenever the page was full, so that the last page may be empty.
	Unsure bool
	// LastToken: the last page has a page token, too, as in the official sample.
	LastToken bool
	// Empty is how a page without entries is written.
	Empty Empty

	// MaxSpan is the longest time that a query may cover; 0: any.
	MaxSpan time.Duration
	// Future is how a query is answered whose end is later than now, by the server's clock.
	Future Future
	// Heavy is how many entries a query may match before the server gives up with an
	// internal error; 0: any number.
	Heavy int
	// Deepest is how many pages a query may have before the server gives up with an
	// internal error; 0: any number.
	Deepest int

	// Skew is how far the server's clock is ahead of ours.
	Skew time.Duration
	// Retention is how long an entry is kept after its event; 0: without end.
	Retention time.Duration
	// ExpiredRefused: a query that starts before the retention is refused. If not, it
	// returns what is left.
	ExpiredRefused bool
	Delay          Delay
	// Replicas are how much later each replica of the store shows an entry. Which one
	// answers a call is chance.
	Replicas []time.Duration

	Limit Limit
	// Latency is how long a call takes.
	Latency time.Duration

	Auth  Auth
	IDs   IDs
	Shape Shape
}

// DeadToken is the response to a page token that is not valid.
type DeadToken string

const (
	DeadParam    DeadToken = "1780103"
	DeadGateway  DeadToken = "99992402"
	DeadInternal DeadToken = "1780001"
	DeadRestart  DeadToken = "first page"
)

// Empty is how a page without entries is written.
type Empty string

const (
	EmptyList   Empty = "items:[]"
	EmptyNull   Empty = "items:null"
	EmptyAbsent Empty = "no items"
	EmptyData   Empty = "data:{}" // on a last page only
)

// Future is how a query is answered whose end is in the future.
type Future string

const (
	FutureFine    Future = "fine"
	FutureRefused Future = "refused"
)

// Delay is how long after its event an entry is shown.
type Delay struct {
	// Usual is the least delay, Jitter what is added to it at most.
	Usual, Jitter time.Duration
	// Batch: entries appear at whole multiples of it only; 0: at any time.
	Batch time.Duration
	// Late is what is added for one of LateOneIn entries at most.
	Late      time.Duration
	LateOneIn int
}

// Longest is the largest delay of any entry, by any replica.
func (t Traits) Longest() time.Duration {
	d := t.Delay
	longest := d.Usual + d.Jitter + d.Late + d.Batch
	var slow time.Duration
	for _, r := range t.Replicas {
		slow = max(slow, r)
	}
	return longest + slow
}

// LimitKind is how calls are counted.
type LimitKind string

const (
	FixedWindow   LimitKind = "fixed window"
	SlidingWindow LimitKind = "sliding window"
	TokenBucket   LimitKind = "token bucket"
)

// Limit is the rate limit of list_data.
type Limit struct {
	Kind LimitKind
	// PerMinute are the calls of a minute.
	PerMinute int
	// Status is the HTTP status of a refusal, 429 or 400.
	Status int
	Hint   Hint
	// Counts: refused calls count, too.
	Counts bool
	// Neighbour is the share of the calls that somebody else makes with the same app.
	Neighbour float64
}

// Hint is what a refusal says about when to call again.
type Hint string

const (
	HintNone  Hint = "none"
	HintReset Hint = "x-ogw-ratelimit-reset"
	HintRetry Hint = "Retry-After"
	HintBoth  Hint = "both"
	HintWrong Hint = "nonsense"
)

// Auth is how tenant access tokens behave.
type Auth struct {
	// Life is how long a new token is valid, in seconds.
	Life int64
	// Revoked is how often all tokens become invalid early; 0: never.
	Revoked time.Duration
	// Stale is how long the token endpoint returns the same token after it was revoked.
	Stale time.Duration
	// Code and Status are the answer to a token that is not valid.
	Code   int64
	Status int
	// Long: tokens are JWTs of some 4 KB.
	Long bool
}

// IDs are the ids of entries.
type IDs string

const (
	IDDecimal   IDs = "decimal"
	IDNumber    IDs = "JSON number above 2^53"
	IDHex       IDs = "hex"
	IDOdd       IDs = "with spaces, slashes and non-ASCII characters"
	IDRepeated  IDs = "repeated after a time"
	IDPerSecond IDs = "unique within a second"
	IDMissing   IDs = "sometimes missing"
)

// Shape is how entries are written.
type Shape struct {
	// TextNumbers: event_time and status_code are strings.
	TextNumbers bool
	// AnyOrder: members of an object come in another order in each response.
	AnyOrder bool
	// NoDetail: some entries lack log_detail.
	NoDetail bool
	// Extra: there are members that are not documented, and nulls.
	Extra bool
}

// String is all of them in one line.
func (t Traits) String() string {
	type plain Traits // without this method
	return fmt.Sprintf("%+v", plain(t))
}
