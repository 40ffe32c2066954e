// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// reuseAbove is the remaining lifetime down to which a token is returned again.
const reuseAbove = 30 * time.Minute

// token is an issued access token.
type token struct {
	value   string
	app     string
	expires time.Time
}

// appIDPattern is the form of a valid app_id.
var appIDPattern = regexp.MustCompile(`^cli_[0-9A-Za-z_]+$`)

// serveToken answers tenant_access_token/internal. Refused credentials are HTTP
// 200 with a code.
func (s *Server) serveToken(a *answer, body []byte) {
	if s.strikeGateway(a) {
		return
	}
	defer s.strikeBody(a)

	var req struct {
		AppID     string `json:"app_id"`
		AppSecret string `json:"app_secret"`
	}
	err := json.Unmarshal(body, &req)
	a.call.AppID = req.AppID
	secret, known := s.opts.Apps[req.AppID]

	if f := s.strike(a, stageAPI, nil); f != nil {
		switch f.Kind {
		case FaultError:
			a.failShort(statusOr(f.Status, http.StatusOK), f.Code, f.Msg)
		case FaultInternal:
			a.failShort(statusOr(f.Status, http.StatusOK), 2200, "Internal Error")
		case FaultInvalidParam:
			a.failShort(statusOr(f.Status, http.StatusOK), 10003, "invalid param")
		case FaultUnknownApp:
			a.failShort(statusOr(f.Status, http.StatusOK), 10014, "app id not exists")
		case FaultWrongSecret:
			a.failShort(statusOr(f.Status, http.StatusOK), 10014, "app secret invalid")
		}
		return
	}
	switch {
	case err != nil, req.AppSecret == "", !known && !appIDPattern.MatchString(req.AppID):
		a.failShort(http.StatusOK, 10003, "invalid param")
	case !known:
		a.failShort(http.StatusOK, 10014, "app id not exists")
	case secret != req.AppSecret:
		a.failShort(http.StatusOK, 10014, "app secret invalid")
	default:
		t := s.issue(req.AppID, a.now)
		a.body(http.StatusOK, s.opts.TokenForm.answer(t.value, int64(t.expires.Sub(a.now)/time.Second)))
		a.call.Code = 0
	}
}

// answer is the body for an issued token, with its lifetime in seconds.
func (f TokenForm) answer(value string, life int64) []byte {
	switch f {
	case TokenText:
		return fmt.Appendf(nil, `{"code":"0","expire":"%d","msg":"ok","tenant_access_token":"%s"}`, life, value)
	case TokenFraction:
		return fmt.Appendf(nil, `{"code":0.0,"expire":%d.0,"tenant_access_token":"%s"}`, life, value)
	case TokenWrapped:
		return fmt.Appendf(nil, `{"code":0,"msg":"success","data":{"expire":%d,"tenant_access_token":"%s"}}`, life, value)
	case TokenNoLife:
		return fmt.Appendf(nil, `{"code":0,"msg":"ok","tenant_access_token":"%s"}`, value)
	}
	return fmt.Appendf(nil, `{"code":0,"expire":%d,"msg":"ok","tenant_access_token":"%s"}`, life, value)
}

// issue returns the app's newest token while it has enough life left, otherwise a new one. Older ones stay valid
// until they expire.
func (s *Server) issue(app string, now time.Time) token {
	valid := s.tokens[:0]
	for _, t := range s.tokens {
		if now.Before(t.expires) {
			valid = append(valid, t)
		}
	}
	s.tokens = valid
	for _, t := range slices.Backward(valid) {
		if t.app == app {
			if t.expires.Sub(now) >= reuseAbove {
				return t
			}
			break
		}
	}
	t := token{value: s.newToken(app), app: app, expires: now.Add(s.opts.TokenLife)}
	s.tokens = append(s.tokens, t)
	return t
}

func (s *Server) newToken(app string) string {
	g := generator{state: s.rng.Uint64()}
	if !s.opts.JWTTokens {
		return "t-g104" + g.letters("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 35)
	}
	encode := base64.RawURLEncoding.EncodeToString
	head := encode([]byte(`{"alg":"ES256","typ":"JWT"}`))
	claims := encode(fmt.Appendf(nil, `{"sub":"%s","jti":"%s","scope":"%s"}`, app, g.hex(32), g.letters(alphanum, 2800)))
	return head + "." + claims + "." + g.letters(alphanum, 86)
}

// authorize finds the app of the call's access token, or answers with the refusal.
func (s *Server) authorize(a *answer, authorization string) bool {
	const (
		missing = "Missing access token for authorization. Please make a request with token attached."
		invalid = "Invalid access token for authorization. Please make a request with token attached."
	)
	value, bearer := strings.CutPrefix(authorization, "Bearer ")
	if !bearer || value == "" {
		a.fail(s.opts.TokenErrorStatus, 99991661, missing)
		return false
	}
	for _, t := range s.tokens {
		if t.value == value && a.now.Before(t.expires) {
			a.call.AppID = t.app
			return true
		}
	}
	switch s.opts.TokenRefusal {
	case RefusalUnknownCode:
		a.fail(http.StatusUnauthorized, 4010001, "unauthorized")
		return false
	case RefusalHTML:
		a.html(http.StatusUnauthorized)
		return false
	case RefusalEmpty:
		a.body(http.StatusUnauthorized, nil)
		return false
	}
	switch jwt := strings.HasPrefix(value, "eyJ"); {
	case strings.HasPrefix(value, "t-"), jwt && s.opts.JWTTokens:
		a.fail(s.opts.TokenErrorStatus, 99991663, invalid)
	case strings.HasPrefix(value, "u-"), jwt: // a user's token, which this API does not accept
		a.fail(s.opts.TokenErrorStatus, 99991668, invalid)
	default:
		a.fail(s.opts.TokenErrorStatus, 99991671, "Invalid access token for authorization. The token must start with 't-' or 'u-'.")
	}
	return false
}
