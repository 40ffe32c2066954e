// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package altapi

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

// Fault is what goes wrong with a call.
type Fault string

const (
	None Fault = ""
	// Hang: there is no response. Lost: the response does not arrive. Reset: the request
	// does not arrive. Cut: the connection ends in the middle of the response.
	Hang  Fault = "hang"
	Lost  Fault = "lost"
	Reset Fault = "reset"
	Cut   Fault = "cut"
	// Pages that are not the platform's.
	Gateway Fault = "502 HTML"
	Timeout Fault = "504 HTML"
	Portal  Fault = "200 HTML"
	Blank   Fault = "200 empty"
	NoRoute Fault = "404 text"
	Proxy   Fault = "400 HTML"
	Moved   Fault = "307"
	// Errors of the platform.
	Internal   Fault = "1780001"
	Params     Fault = "1780103"
	Busy       Fault = "2200"
	BusyOK     Fault = "2200 as 200"
	Limited    Fault = "1000005"
	Quota      Fault = "99991403"
	Address    Fault = "99991401"
	Scope      Fault = "99991672"
	ScopeURL   Fault = "99991672 with url"
	Disabled   Fault = "99991662"
	Permission Fault = "99991676"
	Unknown    Fault = "1789999"
	NoCode     Fault = "200 {}"
	WrongTypes Fault = "200, code is text"
	// Errors of the token endpoint.
	Secret Fault = "10014"
	BadApp Fault = "10003"
)

// changes reports whether the caller gets something else than what was answered.
func (f Fault) changes() bool { return f == Hang || f == Lost || f == Reset || f == Cut }

var (
	anyFaults  = []Fault{Hang, Reset, Cut, Gateway, Timeout, Portal, Blank, NoRoute, Proxy, Moved, Busy, BusyOK, Unknown, NoCode, WrongTypes}
	listFaults = append(slices.Clone(anyFaults), Lost, Internal, Params, Limited, Quota, Address, Scope, ScopeURL, Disabled, Permission)
	authFaults = append(slices.Clone(anyFaults), Secret, BadApp, Disabled)
)

// Episode is a time in which calls fail, by the caller's clock.
type Episode struct {
	From, Until time.Time
	Fault       Fault
	// Auth: it is the token endpoint's calls, not those of list_data.
	Auth bool
	// Share is how many of the calls fail.
	Share float64
	// Second: only queries whose range has this second fail; 0: any.
	Second int64
	// Later: only calls with a page token fail.
	Later bool
}

// DrawWeather draws what fails within a time.
func DrawWeather(rng *rand.Rand, from, until time.Time) []Episode {
	span := int64(until.Sub(from))
	weather := make([]Episode, rng.IntN(6))
	for i := range weather {
		e := Episode{From: from.Add(time.Duration(rng.Int64N(span))), Share: one(rng, 1, 1, 0.5, 0.2)}
		e.Until = e.From.Add(time.Duration(rng.Int64N(int64(one(rng, 2*time.Minute, 20*time.Minute, 2*time.Hour)))))
		if e.Until.After(until) {
			e.Until = until
		}
		e.Auth = rng.IntN(4) == 0
		if e.Auth {
			e.Fault = one(rng, authFaults...)
		} else {
			e.Fault = one(rng, listFaults...)
			switch rng.IntN(5) {
			case 0:
				e.Second = e.From.Unix() - rng.Int64N(7200)
			case 1:
				e.Later = true
			}
		}
		weather[i] = e
	}
	return weather
}

// met is the fault that a call meets now.
func (a *API) met(auth bool, q query, rng *rand.Rand) Fault {
	now := time.Now()
	for _, e := range a.weather {
		if e.Auth == auth && !now.Before(e.From) && now.Before(e.Until) && (e.Second == 0 || q.start <= e.Second && e.Second <= q.end) &&
			(!e.Later || q.token != "") && rng.Float64() < e.Share {
			return e.Fault
		}
	}
	return None
}

// faulty is the answer of a fault; nil: the call is processed.
func (a *API) faulty(f Fault) *answer {
	switch f {
	case Gateway:
		return html(http.StatusBadGateway)
	case Timeout:
		return html(http.StatusGatewayTimeout)
	case Portal:
		return html(http.StatusOK)
	case Proxy:
		return html(http.StatusBadRequest)
	case Blank:
		return &answer{status: http.StatusOK, code: -1, kind: jsonKind}
	case NoCode:
		return &answer{status: http.StatusOK, code: -1, kind: jsonKind, body: "{}"}
	case WrongTypes:
		return &answer{status: http.StatusOK, code: -1, kind: jsonKind, body: `{"code":"none","msg":[],"data":7}`}
	case NoRoute:
		return notFound()
	case Moved:
		r := html(http.StatusTemporaryRedirect)
		r.header = map[string]string{"Location": "https://login.example/portal"}
		return r
	case Reset:
		return &answer{code: -1, kind: textKind} // not processed, and carry fails
	case Scope, ScopeURL:
		return a.scope(f)
	}
	if e, ok := codes[f]; ok {
		return a.failure(e.status, e.code, e.msg)
	}
	return nil
}

var codes = map[Fault]struct {
	status int
	code   int64
	msg    string
}{
	Internal:   {http.StatusInternalServerError, 1780001, "Internal Server Error"},
	Params:     {http.StatusBadRequest, 1780103, "Request Param Error"},
	Busy:       {http.StatusInternalServerError, 2200, "Internal Error"},
	BusyOK:     {http.StatusOK, 2200, "Internal Error"},
	Limited:    {http.StatusBadRequest, 1000005, "app rate limited"},
	Quota:      {http.StatusTooManyRequests, 99991403, "This month's API call quota has been exceeded"},
	Address:    {http.StatusBadRequest, 99991401, "ip 203.0.113.7 is denied by app setting"},
	Disabled:   {http.StatusBadRequest, 99991662, "the app is disabled"},
	Permission: {http.StatusForbidden, 99991676, "token has no permission"},
	Unknown:    {http.StatusOK, 1789999, "未知错误"},
	Secret:     {http.StatusOK, 10014, "app secret invalid"},
	BadApp:     {http.StatusOK, 10003, "invalid param"},
}

// scope is the refusal of an app without the scope.
func (a *API) scope(f Fault) *answer {
	const scope = "security_and_compliance:audit_log.openapi_log:readonly"
	what := fmt.Sprintf(`{"type":"action_scope_required","subject":%q}`, scope)
	if f == ScopeURL {
		what = fmt.Sprintf(`{"scope":%q,"url":"https://open.feishu.cn/app/%s/auth"}`, scope, AppID)
	}
	return &answer{status: http.StatusBadRequest, code: 99991672, kind: jsonKind, body: fmt.Sprintf(
		`{"code":99991672,"msg":"Access denied. One of the following scopes is required: [%s].应用尚未开通所需的应用身份权限","error":{"log_id":%q,"permission_violations":[%s]}}`,
		scope, a.logID(), what)}
}

// Weather is what fails.
func (a *API) Weather() []Episode { return a.weather }
