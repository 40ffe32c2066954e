// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package altapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// authority issues tenant access tokens. A token is returned again while it is valid for at least
// half an hour; later there is a new one, and both are valid.
type authority struct {
	issued  []*issue
	revoked time.Time // when tokens became invalid last
}

// issue is a token.
type issue struct {
	token   string
	until   time.Time
	revoked time.Time // zero: it is not
}

const reissue = 30 * time.Minute

// token answers the token endpoint.
func (a *API) token(body []byte, now time.Time) *answer {
	var in struct {
		ID     string `json:"app_id"`
		Secret string `json:"app_secret"`
	}
	if err := json.Unmarshal(body, &in); err != nil || in.ID == "" || in.Secret == "" {
		return a.failure(http.StatusOK, 10003, "invalid param")
	}
	switch {
	case in.ID != AppID:
		return a.failure(http.StatusOK, 10014, "app id not exists")
	case in.Secret != AppSecret:
		return a.failure(http.StatusOK, 10014, "app secret invalid")
	}
	t := a.auth.current(a, now)
	return &answer{status: http.StatusOK, kind: jsonKind, body: fmt.Sprintf(
		`{"code":0,"msg":"ok","tenant_access_token":%s,"expire":%d}`, quote(t.token), int64(t.until.Sub(now)/time.Second))}
}

// current is the token that is returned now.
func (u *authority) current(a *API, now time.Time) *issue {
	u.age(a, now)
	if n := len(u.issued); n > 0 {
		last := u.issued[n-1]
		usable := last.revoked.IsZero() || now.Sub(last.revoked) < a.traits.Auth.Stale
		if usable && last.until.Sub(now) >= reissue {
			return last
		}
	}
	token := "t-" + a.opaque("tenant", a.tokensOf("tenant"))
	if a.traits.Auth.Long {
		token = "eyJ" + strings.Repeat("hbGciOiJF", 450) + token
	}
	u.issued = append(u.issued, &issue{token: token, until: now.Add(time.Duration(a.traits.Auth.Life) * time.Second)})
	return u.issued[len(u.issued)-1]
}

// age revokes tokens when the time has come.
func (u *authority) age(a *API, now time.Time) {
	every := a.traits.Auth.Revoked
	if every == 0 {
		return
	}
	if last := now.Truncate(every); last.After(u.revoked) {
		u.revoked = last
		for _, t := range u.issued {
			if t.revoked.IsZero() {
				t.revoked = last
			}
		}
	}
}

// check returns what is wrong with an Authorization header, or nil.
func (u *authority) check(a *API, header string, now time.Time) *answer {
	u.age(a, now)
	token, ok := strings.CutPrefix(header, "Bearer ")
	if !ok || token == "" {
		return a.failure(http.StatusBadRequest, 99991661, "Missing access token for authorization")
	}
	for _, t := range u.issued {
		if t.token == token && t.revoked.IsZero() && now.Before(t.until) {
			return nil
		}
	}
	return a.failure(a.traits.Auth.Status, a.traits.Auth.Code, "Invalid access token for authorization")
}
