// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTokenRefusals(t *testing.T) {
	for name, tt := range map[string]struct {
		body any
		code int
		msg  string
	}{
		"malformed app id": {m{"app_id": "app 1", "app_secret": "x"}, 10003, "invalid param"},
		"no app id":        {m{"app_secret": "x"}, 10003, "invalid param"},
		"no secret":        {m{"app_id": DefaultAppID}, 10003, "invalid param"},
		"wrong type":       {m{"app_id": 1, "app_secret": "x"}, 10003, "invalid param"},
		"no JSON":          {[]byte("app_id=x"), 10003, "invalid param"},
		"empty body":       {[]byte{}, 10003, "invalid param"},
		"unknown app":      {m{"app_id": "cli_unknown", "app_secret": "x"}, 10014, "app id not exists"},
		"wrong secret":     {m{"app_id": DefaultAppID, "app_secret": "x"}, 10014, "app secret invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			c := inProcess(t, New(Options{}))
			r := c.do(c.request(http.MethodPost, TokenPath, tt.body))
			require.Equal(t, http.StatusOK, r.status)
			require.Equal(t, tt.code, r.Code)
			require.Equal(t, tt.msg, r.Msg)
			require.Empty(t, r.Token)
		})
	}
}

func TestTokenIsReusedUntilHalfAnHourBeforeItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inProcess(t, New(Options{}))
		first := c.authorize()
		require.Equal(t, 7200, first.Expire)
		require.True(t, strings.HasPrefix(first.Token, "t-"))

		time.Sleep(90 * time.Minute)
		again := c.authorize()
		require.Equal(t, first.Token, again.Token)
		require.Equal(t, 1800, again.Expire)

		time.Sleep(time.Second)
		second := c.authorize()
		require.NotEqual(t, first.Token, second.Token)
		require.Equal(t, 7200, second.Expire)

		for _, c.token = range []string{first.Token, second.Token} {
			require.Equal(t, 0, c.list(m{}).Code, "both are valid")
		}
		time.Sleep(29*time.Minute + 59*time.Second)
		c.token = first.Token
		require.Equal(t, 99991663, c.list(m{}).Code, "the first has expired")
		c.token = second.Token
		require.Equal(t, 0, c.list(m{}).Code)
	})
}

func TestShortTokenIsNotReused(t *testing.T) {
	for _, life := range []time.Duration{time.Minute, 1700 * time.Second} {
		c := inProcess(t, New(Options{TokenLife: life}))
		a, b := c.authorize(), c.authorize()
		require.Equal(t, int(life.Seconds()), a.Expire)
		require.NotEqual(t, a.Token, b.Token)
	}
}

func TestTokensOfAppsAreTheirOwn(t *testing.T) {
	s := New(Options{Apps: map[string]string{"cli_one": "1", "cli_two": "2"}})
	c := inProcess(t, s)
	c.app, c.secret = "cli_one", "1"
	one := c.authorize()
	c.app, c.secret = "cli_two", "2"
	two := c.authorize()
	require.NotEqual(t, one.Token, two.Token)
	c.token = two.Token
	c.list(m{})
	require.Equal(t, "cli_two", s.Calls()[2].AppID)
}

func TestSecretRotation(t *testing.T) {
	s := New(Options{})
	c := inProcess(t, s)
	s.Update(func(o *Options) { o.Apps[DefaultAppID] = "rotated" })
	require.Equal(t, 10014, c.authorize().Code)
	c.secret = "rotated"
	require.Equal(t, 0, c.authorize().Code)
}

func TestJWTToken(t *testing.T) {
	s := New(Options{JWTTokens: true})
	c := inProcess(t, s)
	c.token = c.authorize().Token
	require.Len(t, strings.Split(c.token, "."), 3)
	require.Greater(t, len(c.token), 3500)
	require.Equal(t, 0, c.list(m{}).Code)
	s.RevokeTokens()
	require.Equal(t, 99991663, c.list(m{}).Code)
}

func TestAuthorization(t *testing.T) {
	s := New(Options{})
	c := inProcess(t, s)
	token := c.authorize().Token
	for header, code := range map[string]int{
		"Bearer " + token:                   0,
		"":                                  99991661,
		token:                               99991661,
		"bearer " + token:                   99991661,
		"Bearer ":                           99991661,
		"Bearer t-7f1bcd13fc57d46bac21793a": 99991663,
		"Bearer u-7f1bcd13fc57d46bac21793a": 99991668,
		"Bearer eyJhbGciOiJFUzI1NiJ9.e30.x": 99991668,
		"Bearer 7f1bcd13fc57d46bac21793a18": 99991671,
	} {
		for _, status := range []int{400, 200} {
			s.Update(func(o *Options) { o.TokenErrorStatus = status })
			req := c.request(http.MethodPost, ListPath, m{})
			req.Header.Set("Authorization", header)
			r := c.do(req)
			require.Equal(t, code, r.Code, header)
			if code != 0 {
				require.Equal(t, status, r.status, header)
				require.Equal(t, r.header.Get("X-Tt-Logid"), r.Error.LogID)
				require.NotEmpty(t, r.Msg)
			}
		}
	}
}

func TestRevokedTokenIsReplaced(t *testing.T) {
	s := New(Options{})
	c := inProcess(t, s)
	require.Equal(t, 0, c.list(m{}).Code)
	s.RevokeTokens()
	require.Equal(t, 99991663, c.list(m{}).Code)
	c.token = ""
	require.Equal(t, 0, c.list(m{}).Code)
}

// The forms of an answer with a token, and of the refusal of one.
func TestTokenForms(t *testing.T) {
	for form, want := range map[TokenForm]string{
		"":            `{"code":0,"expire":7200,"msg":"ok","tenant_access_token":"t-`,
		TokenText:     `{"code":"0","expire":"7200","msg":"ok","tenant_access_token":"t-`,
		TokenFraction: `{"code":0.0,"expire":7200.0,"tenant_access_token":"t-`,
		TokenWrapped:  `{"code":0,"msg":"success","data":{"expire":7200,"tenant_access_token":"t-`,
		TokenNoLife:   `{"code":0,"msg":"ok","tenant_access_token":"t-`,
	} {
		c := inProcess(t, New(Options{TokenForm: form}))
		r := c.do(c.request(http.MethodPost, TokenPath, m{"app_id": DefaultAppID, "app_secret": DefaultAppSecret}))
		require.True(t, strings.HasPrefix(string(r.body), want), "%s", r.body)
	}
	for form, want := range map[TokenRefusal]struct {
		status int
		body   string
	}{
		"":                 {400, `{"code":99991663,`},
		RefusalUnknownCode: {401, `{"code":4010001,`},
		RefusalHTML:        {401, "<html>"},
		RefusalEmpty:       {401, ""},
	} {
		c := inProcess(t, New(Options{TokenRefusal: form}))
		c.token = "t-of-nobody"
		r := c.list(m{})
		require.Equal(t, want.status, r.status)
		require.True(t, strings.HasPrefix(string(r.body), want.body), "%s", r.body)
		require.Equal(t, want.body == "", len(r.body) == 0)
	}
}
