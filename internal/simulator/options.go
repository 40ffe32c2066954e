// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// The credential of a server whose Options.Apps is empty.
const (
	DefaultAppID     = "cli_a1b2c3d4e5f60718"
	DefaultAppSecret = "simulator-secret-Zx81Kq27"
)

// DefaultRateLimit is the API's own limit on list_data: calls in a minute, for
// each app (official page, rate level 3).
const DefaultRateLimit = 100

// Order is the order of entries within the answer to one query.
type Order string

const (
	Ascending  Order = "ascending"  // oldest first
	Descending Order = "descending" // newest first
	Shuffled   Order = "shuffled"   // by chance, the same one for all pages of a walk
)

// Paging is what the pages of one walk have in common.
type Paging string

const (
	// Snapshot: all pages show what was visible at the first call.
	Snapshot Paging = "snapshot"
	// Live: a page token is an offset into what is visible at each call, so an
	// entry that turns up in between moves the pages after it.
	Live Paging = "live"
)

// RateWindow is how a minute is measured for the rate limit.
type RateWindow string

const (
	SlidingMinute RateWindow = "sliding" // the 60 s before the call
	FixedMinute   RateWindow = "fixed"   // the current minute of the server's clock
	TokenBucket   RateWindow = "bucket"  // a bucket that holds a minute's calls and fills evenly
)

// RateHint is the header that tells a limited caller how long to wait.
type RateHint string

const (
	HintReset      RateHint = "reset"       // x-ogw-ratelimit-reset, as documented
	HintRetryAfter RateHint = "retry-after" // Retry-After only
	HintNone       RateHint = "none"        // no header at all
)

// Empty is the form of the items of a page without entries.
type Empty string

const (
	EmptyArray   Empty = "array"   // "items":[]
	EmptyNull    Empty = "null"    // "items":null
	EmptyOmitted Empty = "omitted" // no items key
	EmptyNoData  Empty = "no-data" // "data":{}, where no page follows
)

// TokenForm is the form of an answer with an access token.
type TokenForm string

const (
	TokenPlain    TokenForm = "plain"    // as documented
	TokenText     TokenForm = "text"     // code and expire are strings
	TokenFraction TokenForm = "fraction" // code and expire are 0.0 and 7200.0, without msg
	TokenWrapped  TokenForm = "wrapped"  // token and expire are inside of data
	TokenNoLife   TokenForm = "no-life"  // without expire
)

// TokenRefusal is how a call with an access token that is not valid is answered.
type TokenRefusal string

const (
	RefusalCode        TokenRefusal = "code"         // with 99991663 and the like
	RefusalUnknownCode TokenRefusal = "unknown-code" // HTTP 401 with a code that is documented nowhere
	RefusalHTML        TokenRefusal = "html"         // HTTP 401 with a gateway's page
	RefusalEmpty       TokenRefusal = "empty"        // HTTP 401 without a body
)

// StatusCodes is what the entries' status_code holds. It is documented as the HTTP
// status, and every known sample has 0.
type StatusCodes string

const (
	StatusMostlyZero StatusCodes = "mostly-zero" // 0, the HTTP status in one of ten
	StatusZero       StatusCodes = "zero"
	StatusHTTP       StatusCodes = "http" // 200, or 400 for a call that failed
	StatusAbsent     StatusCodes = "absent"
)

// Responses is the form of the entries' response.
type Responses string

const (
	ResponseText   Responses = "text"   // a string that holds JSON, as in the documentation's sample
	ResponseObject Responses = "object" // that JSON itself
	ResponseCut    Responses = "cut"    // a string whose JSON is cut off
	ResponsePlain  Responses = "plain"  // a string that is no JSON
)

// Options are the server's switches. The zero value is a well-behaved server
// without entries and without a rate limit. Empty strings mean the first of
// their type's values.
type Options struct {
	// Apps are the known apps, secret by app id. Empty: DefaultAppID with
	// DefaultAppSecret. Rate limits count for each app, the quota for all.
	Apps map[string]string
	// Seed decides everything random: faults, page tokens, access tokens, log
	// ids and the shuffled order.
	Seed uint64
	// ClockSkew is how far the server's clock is ahead of time.Now.
	ClockSkew time.Duration
	// Tenant generates entries, besides those added with Add.
	Tenant Tenant
	// LogOwnCalls adds an entry to the log for each list_data call answered with
	// success, for a tenant whose log shows its own reading.
	LogOwnCalls bool

	// TokenLife is the life of a new access token. Zero: 2 h. A token is handed
	// out again while it has 30 min or more to live; with less, a new one is
	// issued and both are valid.
	TokenLife time.Duration
	// JWTTokens makes access tokens JWTs of 4 KB, as the newer token endpoint does.
	JWTTokens bool
	// TokenErrorStatus is the HTTP status of an answer that refuses the access
	// token (99991661 to 99991671). Zero: 400.
	TokenErrorStatus int

	// TokenForm is the form of an answer with an access token.
	TokenForm TokenForm
	// TokenRefusal is how a call with an invalid one is answered.
	TokenRefusal TokenRefusal

	// Order is the order of entries.
	Order Order
	// StartExclusive and EndExclusive leave out entries exactly at start_time
	// and end_time. Both bounds are inclusive otherwise.
	StartExclusive, EndExclusive bool
	// Paging is snapshot or live.
	Paging Paging
	// PageTokenLife is how long a page token can be used. Zero: without a limit.
	PageTokenLife time.Duration
	// LenientPageTokens accepts a page token with other bounds or filters than
	// those it was given out for. They are refused with 1780103 otherwise.
	LenientPageTokens bool
	// PageOverlap is how many entries of a page are shown again at the beginning
	// of the next one.
	PageOverlap int
	// MostPerPage is how many entries a page has at most, whatever the request asks for.
	// Zero: what it asks for.
	MostPerPage int
	// FullPageHasMore sends has_more=true with every full page, as a server does that does not
	// look ahead: the last page may be empty.
	FullPageHasMore bool
	// OncePageTokens takes a page token once: a page cannot be asked for again.
	OncePageTokens bool
	// LastPageToken sends a page_token with has_more=false too, as the official
	// sample does.
	LastPageToken bool
	// Empty is how a page without entries looks.
	Empty Empty
	// SilentEnd leaves out has_more where it is false.
	SilentEnd bool
	// MaxWindow is the longest time range of one query; a longer one is refused
	// with 1780103. Zero: any length.
	MaxWindow time.Duration
	// Retention is how long entries are kept. Zero: without a limit.
	Retention time.Duration
	// RefuseExpired refuses a start_time before the retention with 1780103. It
	// is answered with what there is otherwise.
	RefuseExpired bool
	// RefuseFuture refuses an end_time later than the server's clock with 1780103.
	RefuseFuture bool
	// NumericIDs sends ids of digits as JSON numbers.
	NumericIDs bool
	// StatusCodes and Responses are the forms of these two fields, but in entries
	// that have a Raw text.
	StatusCodes StatusCodes
	Responses   Responses
	// Gzip compresses answers for callers that accept it.
	Gzip bool

	// RateLimit is the number of list_data calls allowed in a minute for each
	// app. Zero: no limit.
	RateLimit int
	// RateCountsRefused counts the calls that were refused, too.
	RateCountsRefused bool
	// RateWindow is how that minute is measured.
	RateWindow RateWindow
	// RateStatus is the HTTP status of a rate-limited answer, 429 or, as with
	// older APIs, 400. Zero: 429.
	RateStatus int
	// RateHint is the header of a rate-limited answer.
	RateHint RateHint
	// RateHintValue is sent instead of the true number of seconds, for example
	// -1, 0.5, soon or 99999999.
	RateHintValue string
	// RateHeadersAlways sends the x-ogw-ratelimit headers with successes too.
	RateHeadersAlways bool
	// MonthlyQuota is the number of successful list_data calls in a month of
	// China's time, for all apps together; then 99991403 is the answer. Zero: no
	// quota.
	MonthlyQuota int

	// Faults are what goes wrong, see Fault.
	Faults []Fault

	// Observe, if set, is called after each answer was decided, in the goroutine
	// of the request and outside of the server's lock.
	Observe func(Call)
}

// Validate reports values that have no meaning.
func (o *Options) Validate() error {
	var errs []error
	errs = append(errs,
		oneOf("token form", o.TokenForm, TokenPlain, TokenText, TokenFraction, TokenWrapped, TokenNoLife),
		oneOf("token refusal", o.TokenRefusal, RefusalCode, RefusalUnknownCode, RefusalHTML, RefusalEmpty),
		oneOf("order", o.Order, Ascending, Descending, Shuffled),
		oneOf("paging", o.Paging, Snapshot, Live),
		oneOf("empty", o.Empty, EmptyArray, EmptyNull, EmptyOmitted, EmptyNoData),
		oneOf("status codes", o.StatusCodes, StatusMostlyZero, StatusZero, StatusHTTP, StatusAbsent),
		oneOf("responses", o.Responses, ResponseText, ResponseObject, ResponseCut, ResponsePlain),
		oneOf("rate window", o.RateWindow, SlidingMinute, FixedMinute, TokenBucket),
		oneOf("rate hint", o.RateHint, HintReset, HintRetryAfter, HintNone),
		httpStatus("token error status", o.TokenErrorStatus),
		httpStatus("rate status", o.RateStatus),
		o.Tenant.validate(),
	)
	for name, d := range map[string]time.Duration{
		"token life": o.TokenLife, "page token life": o.PageTokenLife, "max window": o.MaxWindow, "retention": o.Retention,
	} {
		if d < 0 {
			errs = append(errs, fmt.Errorf("%s: %s is negative", name, d))
		}
	}
	for name, n := range map[string]int{"page overlap": o.PageOverlap, "most per page": o.MostPerPage, "rate limit": o.RateLimit, "monthly quota": o.MonthlyQuota} {
		if n < 0 {
			errs = append(errs, fmt.Errorf("%s: %d is negative", name, n))
		}
	}
	if o.RefuseExpired && o.Retention == 0 {
		errs = append(errs, errors.New("refuse expired: has no meaning without a retention"))
	}
	for app, secret := range o.Apps {
		if app == "" || secret == "" {
			errs = append(errs, errors.New("apps: an app needs an id and a secret"))
		}
	}
	for i := range o.Faults {
		if err := o.Faults[i].validate(); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func oneOf[T ~string](name string, value T, allowed ...T) error {
	if value == "" || slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("%s: %q is unknown, use one of %v", name, value, allowed)
}

func httpStatus(name string, status int) error {
	if status == 0 || status >= 200 && status <= 599 {
		return nil
	}
	return fmt.Errorf("%s: %d is not an HTTP status", name, status)
}

// withDefaults returns a copy of its own with the defaults filled in.
func (o Options) withDefaults() Options {
	o.Faults = slices.Clone(o.Faults)
	o.Apps = maps.Clone(o.Apps)
	if len(o.Apps) == 0 {
		o.Apps = map[string]string{DefaultAppID: DefaultAppSecret}
	}
	setDefault(&o.TokenLife, 2*time.Hour)
	setDefault(&o.TokenErrorStatus, 400)
	setDefault(&o.TokenForm, TokenPlain)
	setDefault(&o.TokenRefusal, RefusalCode)
	setDefault(&o.Order, Ascending)
	setDefault(&o.Paging, Snapshot)
	setDefault(&o.Empty, EmptyArray)
	setDefault(&o.StatusCodes, StatusMostlyZero)
	setDefault(&o.Responses, ResponseText)
	setDefault(&o.RateWindow, SlidingMinute)
	setDefault(&o.RateStatus, 429)
	setDefault(&o.RateHint, HintReset)
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
