// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Endpoint is one of the simulated endpoints.
type Endpoint string

const (
	EndpointList  Endpoint = "list"  // openapi_logs/list_data
	EndpointToken Endpoint = "token" // tenant_access_token/internal
	EndpointNone  Endpoint = "none"  // a path or method that does not exist, in Calls only
)

// FaultKind is a kind of failure.
type FaultKind string

// Kinds of faults. FaultKinds describes them.
const (
	// Before the access token is checked, on both endpoints:
	FaultHTML     FaultKind = "html"
	FaultEmpty    FaultKind = "empty"
	FaultBareJSON FaultKind = "bare_json"
	FaultProxy    FaultKind = "proxy_400"
	FaultReset    FaultKind = "reset"
	FaultHang     FaultKind = "hang"
	FaultRedirect FaultKind = "redirect"
	FaultNotFound FaultKind = "not_found"
	FaultRevoke   FaultKind = "revoke_tokens"

	// Errors of the API, after access token and rate limit were checked:
	FaultError            FaultKind = "error"
	FaultInternal         FaultKind = "internal_error"
	FaultInvalidParam     FaultKind = "invalid_param"
	FaultUnknownApp       FaultKind = "unknown_app"
	FaultWrongSecret      FaultKind = "wrong_secret"
	FaultTokenInvalid     FaultKind = "token_invalid"
	FaultIPRefused        FaultKind = "ip_refused"
	FaultMissingScope     FaultKind = "missing_scope"
	FaultMissingScopeOld  FaultKind = "missing_scope_documented"
	FaultRateLimited      FaultKind = "rate_limited"
	FaultQuotaExceeded    FaultKind = "quota_exceeded"
	FaultPageTokenRefused FaultKind = "page_token_refused"

	// Unusual pages; the answer is a success:
	FaultEmptyPage   FaultKind = "empty_page"
	FaultRepeatToken FaultKind = "repeat_page_token"
	FaultEndless     FaultKind = "endless_page_tokens"
	FaultRefusedEnd  FaultKind = "refused_end"
	FaultNoData      FaultKind = "no_data"
	FaultNullData    FaultKind = "null_data"
	FaultEmptyData   FaultKind = "empty_data"
	FaultNoHasMore   FaultKind = "no_has_more"

	// Changes of an answer in transit, whatever it is:
	FaultDelay     FaultKind = "delay"
	FaultSlowBody  FaultKind = "slow_body"
	FaultResetBody FaultKind = "reset_body"
	FaultTruncated FaultKind = "truncated"
	FaultHuge      FaultKind = "huge"
	FaultWrongDate FaultKind = "wrong_date"
)

// Fault is a failure that occurs always, at intervals, by chance, or a number of times. Each fault counts the
// calls that reach its stage; of several faults in the same stage (before the token, API error, unusual page, in
// transit) the first one in the list that applies occurs.
type Fault struct {
	// Kind is what happens.
	Kind FaultKind
	// Endpoint is where it happens. Empty: the only endpoint that the kind applies to, or list_data.
	Endpoint Endpoint
	// After is how many calls pass first.
	After int
	// Every makes it occur at each n-th of the calls after that. Zero: at every one.
	Every int
	// Probability, from 0 to 1, then decides by chance. Zero: always.
	Probability float64
	// Count ends the fault after it has occurred this often. Zero: never.
	Count int
	// Bounds exclude calls that the fault neither applies to nor counts.
	Bounds

	// Status is the HTTP status instead of the kind's own.
	Status int
	// Code and Msg are the body's code and msg of the kind "error".
	Code int
	Msg  string
	// Delay is the wait of "delay" (zero: 5 s) and the pause before each byte of "slow_body" (zero: 10 ms).
	Delay time.Duration
	// Size is the number of bytes that "huge" adds. Zero: 64 MiB.
	Size int
	// By is how far the Date of "wrong_date" is ahead of the server's clock. Zero: 8 h.
	By time.Duration
	// Location is the target of "redirect". Zero: a host that does not exist.
	Location string
}

// stage is the stage of making an answer at which a fault occurs.
type stage int

const (
	stageGateway stage = iota // before anything is checked
	stageAPI                  // instead of the answer
	stagePage                 // while a page is made
	stageBody                 // while the answer is sent
)

// FaultInfo describes a kind of fault.
type FaultInfo struct {
	Kind  FaultKind
	Help  string
	stage stage
	only  Endpoint // the one endpoint where it can happen, "" for both
}

var faultInfos = []FaultInfo{
	{FaultHTML, "a gateway's HTML page, HTTP 502 (or status=)", stageGateway, ""},
	{FaultEmpty, "HTTP 200 without a body", stageGateway, ""},
	{FaultBareJSON, "HTTP 200 with the body {}", stageGateway, ""},
	{FaultProxy, "HTTP 400 in plain text from a broken proxy", stageGateway, ""},
	{FaultReset, "the connection is reset before the answer", stageGateway, ""},
	{FaultHang, "no answer until the caller gives up", stageGateway, ""},
	{FaultRedirect, "HTTP 307 to location=", stageGateway, ""},
	{FaultNotFound, "HTTP 404 in plain text, as on a wrong path", stageGateway, ""},
	{FaultRevoke, "all access tokens are revoked, so the call is refused with 99991663", stageGateway, EndpointList},
	{FaultError, "an API error with code=, msg= and status=", stageAPI, ""},
	{FaultInternal, "1780001 with HTTP 500; token endpoint: 2200", stageAPI, ""},
	{FaultInvalidParam, "1780103 with HTTP 400; token endpoint: 10003 with HTTP 200", stageAPI, ""},
	{FaultUnknownApp, "10014 app id not exists", stageAPI, EndpointToken},
	{FaultWrongSecret, "10014 app secret invalid", stageAPI, EndpointToken},
	{FaultTokenInvalid, "99991663, while the token endpoint keeps returning the same token", stageAPI, EndpointList},
	{FaultIPRefused, "99991401, the caller's address is not on the app's list", stageAPI, EndpointList},
	{FaultMissingScope, "99991672 with permission_violations of {type, subject}, as observed", stageAPI, EndpointList},
	{FaultMissingScopeOld, "99991672 with permission_violations of {scope, url}, as documented", stageAPI, EndpointList},
	{FaultRateLimited, "99991400, in the style of the rate switches", stageAPI, EndpointList},
	{FaultQuotaExceeded, "99991403 with HTTP 429, the month's quota is gone", stageAPI, EndpointList},
	{FaultPageTokenRefused, "1780103 for a call with a page_token", stageAPI, EndpointList},
	{FaultEmptyPage, "a page without entries and has_more=true; its page_token leads to the right place", stagePage, EndpointList},
	{FaultRepeatToken, "has_more=true with the page_token of the request", stagePage, EndpointList},
	{FaultEndless, "has_more=true with a new page_token, after the last entry too", stagePage, EndpointList},
	{FaultRefusedEnd, "has_more=true after the last entry too, with a page_token that is then refused", stagePage, EndpointList},
	{FaultNoData, "success without data, at most twice in a row for one page", stagePage, EndpointList},
	{FaultNullData, "success with data null, at most twice in a row for one page", stagePage, EndpointList},
	{FaultEmptyData, "success with data {}, at most twice in a row for one page", stagePage, EndpointList},
	{FaultNoHasMore, "the right page without has_more, at most twice in a row for one page", stagePage, EndpointList},
	{FaultDelay, "the answer comes delay= late (5s)", stageBody, ""},
	{FaultSlowBody, "the body comes byte by byte, delay= apart (10ms)", stageBody, ""},
	{FaultResetBody, "the connection is reset within the body", stageBody, ""},
	{FaultTruncated, "a body that ends in the middle of its JSON", stageBody, ""},
	{FaultHuge, "the right answer followed by size= bytes of white space (64 MiB)", stageBody, ""},
	{FaultWrongDate, "the Date header is by= ahead (8h; may be negative); never twice in a row for one filter::app_id", stageBody, EndpointList},
}

// FaultKinds lists all kinds of faults, with a line of help each.
func FaultKinds() []FaultInfo { return slices.Clone(faultInfos) }

func (f *Fault) info() (FaultInfo, bool) {
	i := slices.IndexFunc(faultInfos, func(info FaultInfo) bool { return info.Kind == f.Kind })
	if i < 0 {
		return FaultInfo{}, false
	}
	return faultInfos[i], true
}

// at reports whether the fault belongs to this stage.
func (f *Fault) at(endpoint Endpoint, st stage) bool {
	info, _ := f.info()
	where := f.Endpoint
	if where == "" {
		where = EndpointList
		if info.only != "" {
			where = info.only
		}
	}
	return where == endpoint && info.stage == st
}

func (f *Fault) validate() error {
	info, ok := f.info()
	bad := func(format string, args ...any) error {
		return fmt.Errorf("fault %q: %w", f.Kind, fmt.Errorf(format, args...))
	}
	switch {
	case !ok:
		return bad("there is no such kind")
	case f.Endpoint != "" && f.Endpoint != EndpointList && f.Endpoint != EndpointToken:
		return bad("endpoint %q is unknown, use list or token", f.Endpoint)
	case info.only != "" && f.Endpoint != "" && f.Endpoint != info.only:
		return bad("happens at the endpoint %s only", info.only)
	case f.After < 0 || f.Every < 0 || f.Count < 0 || f.Delay < 0 || f.Size < 0:
		return bad("after, every, count, delay and size cannot be negative")
	case !(f.Probability >= 0 && f.Probability <= 1):
		return bad("probability %v is not between 0 and 1", f.Probability)
	case f.Status != 0 && !f.hasStatus(info):
		return bad("has no status of its own")
	case f.Bounds != (Bounds{}) && f.Endpoint == EndpointToken, f.Bounds != (Bounds{}) && info.only == EndpointToken:
		return bad("from, to, deeper, longer and older are of list_data only")
	case f.Delay != 0 && f.Kind != FaultDelay && f.Kind != FaultSlowBody:
		return bad("has no delay")
	case f.Size != 0 && f.Kind != FaultHuge:
		return bad("has no size")
	case f.By != 0 && f.Kind != FaultWrongDate:
		return bad("has no by")
	case f.Location != "" && f.Kind != FaultRedirect:
		return bad("has no location")
	case f.Kind == FaultError && f.Code == 0:
		return bad("needs a code other than 0")
	case f.Kind != FaultError && (f.Code != 0 || f.Msg != ""):
		return bad("takes no code or msg, use the kind %q", FaultError)
	}
	if err := errors.Join(httpStatus("status", f.Status), f.Bounds.validate()); err != nil {
		return bad("%w", err)
	}
	return nil
}

// hasStatus reports whether the kind produces an answer whose status can be changed.
func (f *Fault) hasStatus(info FaultInfo) bool {
	switch f.Kind {
	case FaultReset, FaultHang, FaultRevoke:
		return false
	}
	return info.stage == stageGateway || info.stage == stageAPI
}

// ParseFault reads a fault written as kind=html,every=5,status=504. The first item can also be only the kind.
func ParseFault(text string) (Fault, error) {
	var f Fault
	for i, item := range strings.Split(text, ",") {
		key, value, found := strings.Cut(strings.TrimSpace(item), "=")
		if !found {
			if i > 0 {
				return Fault{}, fmt.Errorf("fault %q: %q is not key=value", text, item)
			}
			key, value = "kind", key
		}
		if err := f.set(key, value); err != nil {
			return Fault{}, fmt.Errorf("fault %q: %w", text, err)
		}
	}
	return f, f.validate()
}

func (f *Fault) set(key, value string) (err error) {
	switch key {
	case "kind":
		f.Kind = FaultKind(value)
	case "endpoint":
		f.Endpoint = Endpoint(value)
	case "msg":
		f.Msg = value
	case "location":
		f.Location = value
	case "after":
		f.After, err = strconv.Atoi(value)
	case "every":
		f.Every, err = strconv.Atoi(value)
	case "count":
		f.Count, err = strconv.Atoi(value)
	case "status":
		f.Status, err = strconv.Atoi(value)
	case "code":
		f.Code, err = strconv.Atoi(value)
	case "size":
		f.Size, err = strconv.Atoi(value)
	case "probability":
		f.Probability, err = strconv.ParseFloat(value, 64)
	case "delay":
		f.Delay, err = time.ParseDuration(value)
	case "by":
		f.By, err = time.ParseDuration(value)
	default:
		var known bool
		if known, err = f.Bounds.set(key, value); !known {
			return fmt.Errorf("%q is not one of kind, endpoint, after, every, probability, count, from, to, deeper, longer, older, status, code, msg, delay, by, size, location", key)
		}
	}
	if err != nil {
		return fmt.Errorf("%s=%s: %w", key, value, err)
	}
	return nil
}
