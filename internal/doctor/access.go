// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
)

// Names of checks.
const (
	checkDomain     = "domain"
	checkNetwork    = "network"
	checkCredential = "credential"
	checkScope      = "scope"
	checkAddress    = "IP address"
	checkQuota      = "plan and quota"
	checkRead       = "reading the log"
	checkClockSkew  = "clock"
	checkLatency    = "latency"
	checkEntries    = "entries"
)

// access finds out whether the log can be read.
type access struct {
	session *session
	opts    *Options
}

func (a *access) examine(ctx context.Context) []Check {
	s := a.session
	s.say("asking for an access token")
	life, err := a.token(ctx)
	if err != nil {
		return a.refusedToken(ctx, err)
	}
	checks := []Check{
		{checkNetwork, OK, "connected to " + a.host(), ""},
		a.domain(),
		{checkCredential, OK, fmt.Sprintf("app_id and app_secret are accepted; the access token has %s to live", short(life)), ""},
	}
	s.say("asking for the newest second of the log")
	if err := a.first(ctx); err != nil {
		return append(checks, a.refusedList(err)...)
	}
	return append(checks,
		Check{checkScope, OK, cause.ScopeName + " is granted", ""},
		Check{checkAddress, OK, "this machine's address is let in; if the receiver will run on another machine, run the doctor there too", ""})
}

// token asks for an access token, again after a passing fault.
func (a *access) token(ctx context.Context) (time.Duration, error) {
	for attempt := 0; ; attempt++ {
		life, err := a.session.client.Token(ctx)
		wait, again := retryAfter(err, attempt)
		if !again {
			return life, err
		}
		a.session.say("no access token yet; trying again in " + short(wait))
		if err := sleep(ctx, wait); err != nil {
			return 0, err
		}
	}
}

// first asks list_data for a second, which is never too long. Where our clock is ahead, the answer tells,
// and the second try is right.
func (a *access) first(ctx context.Context) error {
	s := a.session
	for attempt := 0; ; attempt++ {
		now := s.clock.now()
		_, err := s.window(ctx, now-1, now, pageSize)
		if !refused(err) || attempt > 0 {
			return err
		}
	}
}

func (a *access) host() string {
	u, err := url.Parse(a.opts.Endpoint)
	if err != nil {
		return a.opts.Endpoint
	}
	return u.Host
}

// domain is the check of an endpoint that has answered.
func (a *access) domain() Check {
	cloud := "a deployment of its own"
	switch {
	case a.isAt(openapi.FeishuEndpoint):
		cloud = "Feishu"
	case a.isAt(openapi.LarkEndpoint):
		cloud = "Lark"
	}
	return Check{checkDomain, OK, a.host() + " is " + cloud + ", and knows the app", ""}
}

func (a *access) isAt(endpoint string) bool {
	return strings.TrimRight(strings.ToLower(a.opts.Endpoint), "/") == endpoint
}

// problem is a check that has failed, with all that is known.
func problem(name string, e *openapi.Error, advice string) Check {
	text := e.Reason
	var facts []string
	if e.Code != 0 {
		facts = append(facts, fmt.Sprintf("code %d", e.Code))
	}
	if e.HTTPStatus != 0 {
		facts = append(facts, fmt.Sprintf("HTTP %d", e.HTTPStatus))
	}
	if e.LogID != "" {
		facts = append(facts, "log id "+e.LogID)
	}
	if len(facts) > 0 {
		text += " (" + strings.Join(facts, ", ") + ")"
	}
	return Check{name, Problem, text, advice}
}

const adviceWait = "try again later; if it lasts, give Feishu's support the log id"

// refusedToken sorts a token call that failed.
func (a *access) refusedToken(ctx context.Context, err error) []Check {
	var e *openapi.Error
	if !errors.As(err, &e) {
		return []Check{{checkCredential, Unknown, err.Error(), ""}}
	}
	switch {
	case e.HTTPStatus == 0:
		return []Check{problem(checkNetwork, e, cmp.Or(e.Advice, adviceWait))}
	case e.Code == 0:
		return []Check{problem(checkDomain, e, cmp.Or(e.Advice, adviceWait))}
	case e.Class != cause.ClassConfig:
		return []Check{{checkNetwork, OK, "connected to " + a.host(), ""}, problem(checkCredential, e, cmp.Or(e.Advice, adviceWait))}
	}
	checks := []Check{{checkNetwork, OK, "connected to " + a.host(), ""}}
	c := problem(checkCredential, e, e.Advice)
	if secretOnly(e) {
		return append(checks, c)
	}
	if other, found := a.atOtherCloud(ctx); found {
		checks = append(checks, Check{
			checkDomain, Problem, "the app is not known at " + a.host() + ", but at " + other,
			"use --endpoint " + other + ", and run the doctor again",
		})
		c.Advice = "see the line above"
	}
	return append(checks, c)
}

// notTheSecret is sent to the other cloud, which must not learn the secret of an
// app that it does not have.
const notTheSecret = "feishu-audit-doctor-asks-for-the-app-only"

// atOtherCloud asks the other public cloud whether it has the app. It does if it
// has something against the secret only.
func (a *access) atOtherCloud(ctx context.Context) (string, bool) {
	other := ""
	switch {
	case a.isAt(openapi.FeishuEndpoint):
		other = openapi.LarkEndpoint
	case a.isAt(openapi.LarkEndpoint):
		other = openapi.FeishuEndpoint
	default:
		return "", false
	}
	a.session.say("asking whether the app belongs to " + other)
	client, err := a.opts.dial(ctx, other, notTheSecret)
	if err != nil {
		return "", false
	}
	defer client.closeIdle()
	_, err = client.Token(ctx)
	var e *openapi.Error
	return other, errors.As(err, &e) && secretOnly(e)
}

// secretOnly reports whether a cloud knows the app and refuses the secret. The code
// is the same for both; the texts were seen, and one that has changed since only
// means that the other cloud is not found.
func secretOnly(e *openapi.Error) bool {
	return e.Cause == cause.Credential && strings.Contains(e.Reason, "secret invalid")
}

// refusedList sorts a first call of list_data that failed.
func (a *access) refusedList(err error) []Check {
	var e *openapi.Error
	if !errors.As(err, &e) {
		return []Check{{checkRead, Unknown, err.Error(), ""}}
	}
	granted := Check{checkScope, Unknown, "could not tell before the address is let in", ""}
	switch {
	case e.HTTPStatus == 0:
		return []Check{problem(checkNetwork, e, cmp.Or(e.Advice, adviceWait))}
	case e.Cause == cause.Address:
		advice := "add this address to the app's IP whitelist: " + a.console("") + ", Security Settings. If it is there already, try again in a few minutes."
		return []Check{problem(checkAddress, e, advice), granted}
	case e.Cause == cause.Scope:
		advice := "1. grant the scope: " + a.console("/auth?q="+cause.ScopeName+"&op_from=openapi&token_type=tenant") +
			"\n2. create a version of the app and publish it: " + a.console("") + ", Version Management & Release" +
			"\n3. have a tenant admin approve it. If all of this is done, try again: an access token that was issued before may lack the scope until it is replaced. The API gives out the same one for up to 90 minutes, and it lives for two hours at most; whether it takes that long is not documented."
		// The server's own message is long, bilingual, and cut off in the middle of its link.
		told := *e
		told.Reason = "the app lacks the scope " + cause.ScopeName
		return []Check{problem(checkScope, &told, advice)}
	case e.Cause == cause.App:
		return []Check{problem(checkCredential, e, e.Advice)}
	case e.Class == cause.ClassQuota:
		return []Check{problem(checkQuota, e, e.Advice)}
	case e.Class == cause.ClassRateLimited:
		return []Check{problem(checkRead, e, "another program uses this app up to its rate limit: stop it for the time of the examination, or try again later")}
	}
	return []Check{problem(checkRead, e, cmp.Or(e.Advice, adviceWait))}
}

// console is a page of the app in the developer console, which is on the host of
// the API in both public clouds. The page auth is the one that the API's own message
// links to.
func (a *access) console(page string) string {
	return strings.TrimRight(a.opts.Endpoint, "/") + "/app/" + a.opts.AppID + page
}

// skewLimit is from when on a skew is worth fixing.
const skewLimit = 5 * time.Second

func (s *session) checkClock() Check {
	c := &s.clock
	switch {
	case !c.known:
		return Check{checkClockSkew, Unknown, "the answers have no Date header", ""}
	case c.disagree:
		return Check{checkClockSkew, Unknown, "the Date headers of the answers contradict each other, or a clock was set in between", ""}
	case c.low > skewLimit:
		return Check{checkClockSkew, Warning, fmt.Sprintf("this machine's clock is behind the server's by %s to %s", short(c.low), short(c.high)), "synchronize it (NTP); the receiver goes by the server's clock, but times in logs and metrics will be wrong"}
	case c.high < -skewLimit:
		return Check{checkClockSkew, Warning, fmt.Sprintf("this machine's clock is ahead of the server's by %s to %s", short(-c.high), short(-c.low)), "synchronize it (NTP); the receiver goes by the server's clock, but times in logs and metrics will be wrong"}
	}
	return Check{checkClockSkew, OK, fmt.Sprintf("this machine's clock agrees with the server's: the difference lies between %s and %s", short(c.low), short(c.high)), ""}
}

// checkEntries is about a log in which nothing was seen.
func (s *session) checkEntries() []Check {
	if s.anyEntry || s.broken != nil {
		return nil
	}
	return []Check{{
		checkEntries, Unknown, "not one was seen: nothing that the log keeps has happened, or none of it is shown to this app",
		"call the Open API with any app of the tenant, wait some minutes, and run the doctor again",
	}}
}

func (s *session) checkLatency() Check {
	if len(s.latency) == 0 {
		return Check{checkLatency, Unknown, "no page was answered", ""}
	}
	sorted := slices.Sorted(slices.Values(s.latency))
	return Check{checkLatency, OK, fmt.Sprintf("%s of list_data took a median of %s and a maximum of %s", count(len(sorted), "call", "calls"), milli(s.typical()), milli(sorted[len(sorted)-1])), ""}
}

func milli(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

// typical is the median of the latencies.
func (s *session) typical() time.Duration {
	if len(s.latency) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(s.latency))[len(s.latency)/2]
}

func (s *session) checkPlan() Check {
	if s.rate.quota {
		return Check{checkQuota, Warning, "the tenant's calls of this month were used up in the middle of the examination: it has the free (Basic) plan", "an admin can buy more; the recommended configuration polls seldom"}
	}
	return Check{checkQuota, Unknown, "no call was refused for the quota of the month; the API does not tell the plan. Only the free (Basic) plan has a quota", "on the Basic plan use poll_interval: 6m and recheck_after: [1h] instead of what is recommended below"}
}
