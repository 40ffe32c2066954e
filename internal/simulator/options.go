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

// The credential of a server without Options.Apps:
const (
	DefaultAppID     = "cli_a1b2c3d4e5f60718"
	DefaultAppSecret = "simulator-secret-Zx81Kq27"
)

// DefaultRateLimit is the API's own limit on list_data: calls a minute for each app (official page, rate level
// 3).
const DefaultRateLimit = 100

// Order is the order of entries in the answer to one query.
type Order string

const (
	Ascending  Order = "ascending"  // oldest first
	Descending Order = "descending" // newest first
	Shuffled   Order = "shuffled"   // random, the same for all pages of a walk
)

// Paging is the state of the log that the pages of one walk show.
type Paging string

const (
	// Snapshot: all pages show what was visible at the first call.
	Snapshot Paging = "snapshot"
	// Live: a page token is an offset into what is visible at each call, so an entry that appears in between
	// shifts the pages after it.
	Live Paging = "live"
)

// RateWindow is how the rate limit counts a minute.
type RateWindow string

const (
	SlidingMinute RateWindow = "sliding" // the 60 s before the call
	FixedMinute   RateWindow = "fixed"   // the current minute of the server's clock
	TokenBucket   RateWindow = "bucket"  // a bucket with a minute's calls that is filled evenly
)

// RateHint is the header that tells a limited caller how long to wait.
type RateHint string

const (
	HintReset      RateHint = "reset"       // x-ogw-ratelimit-reset, as documented
	HintRetryAfter RateHint = "retry-after" // Retry-After only
	HintNone       RateHint = "none"        // no header at all
)

// Empty is the form of the items in a page without entries.
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

// TokenRefusal is the answer to a call with an invalid access token.
type TokenRefusal string

const (
	RefusalCode        TokenRefusal = "code"         // with 99991663 and the like
	RefusalUnknownCode TokenRefusal = "unknown-code" // HTTP 401 with a code that is documented nowhere
	RefusalHTML        TokenRefusal = "html"         // HTTP 401 with a gateway's page
	RefusalEmpty       TokenRefusal = "empty"        // HTTP 401 without a body
)

// StatusCodes are the values of the entries' status_code. It is documented as the HTTP status, and every known
// sample has 0.
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
	ResponseText   Responses = "text"   // a string with JSON in it, as in the documentation's sample
	ResponseObject Responses = "object" // that JSON itself
	ResponseCut    Responses = "cut"    // a string whose JSON is cut off
	ResponsePlain  Responses = "plain"  // a string without JSON
)

// Options are the server's switches. The zero value is a well-behaved server without entries and without a rate
// limit. An empty string means the first value of its type.
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
	// LogOwnCalls adds an entry to the log for each successful list_data call, for a tenant whose log has the
	// calls that read it.
	LogOwnCalls bool

	// TokenLife is the lifetime of a new access token. Zero: 2 h. The same token is returned while it has 30 min
	// or more left; after that a new one is issued, and both are valid.
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
	// StartExclusive and EndExclusive omit entries exactly at start_time and end_time. Otherwise both bounds are
	// inclusive.
	StartExclusive, EndExclusive bool
	// Paging is snapshot or live.
	Paging Paging
	// PageTokenLife is how long a page token can be used. Zero: without a limit.
	PageTokenLife time.Duration
	// LenientPageTokens accepts a page token with other bounds or filters than those of its first request.
	// Otherwise they are refused with 1780103.
	LenientPageTokens bool
	// PageOverlap is how many entries of a page are shown again at the start of the next one.
	PageOverlap int
	// MostPerPage is the largest number of entries in a page, whatever the request has. Zero: the requested
	// number.
	MostPerPage int
	// FullPageHasMore sends has_more=true with every full page, like a server that does not look ahead: the last
	// page may be empty.
	FullPageHasMore bool
	// OncePageTokens accepts a page token once: a page cannot be requested again.
	OncePageTokens bool
	// LastPageToken sends a page_token with has_more=false too, as the official
	// sample does.
	LastPageToken bool
	// Empty is the form of a page without entries.
	Empty Empty
	// SilentEnd omits has_more if it is false.
	SilentEnd bool
	// MaxWindow is the longest time range of one query; a longer one is refused
	// with 1780103. Zero: any length.
	MaxWindow time.Duration
	// Retention is how long entries are kept. Zero: without a limit.
	Retention time.Duration
	// RefuseExpired refuses a start_time before the retention with 1780103. Otherwise the answer has the entries
	// that are left.
	RefuseExpired bool
	// RefuseFuture refuses an end_time later than the server's clock with 1780103.
	RefuseFuture bool
	// NumericIDs sends ids of digits as JSON numbers.
	NumericIDs bool
	// StatusCodes and Responses are the forms of these two fields, except in entries with a Raw text.
	StatusCodes StatusCodes
	Responses   Responses
	// Gzip compresses answers for callers that accept it.
	Gzip bool

	// RateLimit is the number of list_data calls allowed in a minute for each app. Zero: no limit.
	RateLimit int
	// RateCountsRefused also counts refused calls.
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
	// MonthlyQuota is the number of successful list_data calls in a month in China's time zone, for all apps
	// together; after that the answer is 99991403. Zero: no quota.
	MonthlyQuota int

	// Faults are the failures, see Fault.
	Faults []Fault

	// Observe, if set, is called after each answer was decided, in the goroutine of the request and outside the
	// server's lock.
	Observe func(Call)
}

// Validate reports values without a meaning.
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

// withDefaults returns a copy with the defaults filled in.
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
