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
	s.say(msg("asking for an access token"))
	life, err := a.token(ctx)
	if err != nil {
		return a.refusedToken(ctx, err)
	}
	checks := []Check{
		{checkNetwork, OK, msg("connected to %s", a.host()), none},
		a.domain(),
		{checkCredential, OK, msg("app_id and app_secret are accepted; the access token expires in %s", short(life)), none},
	}
	s.say(msg("asking for the newest second of the log"))
	if err := a.first(ctx); err != nil {
		return append(checks, a.refusedList(err)...)
	}
	return append(checks,
		Check{checkScope, OK, msg("%s is granted", cause.ScopeName), none},
		Check{checkAddress, OK, msg("this machine's address is allowed; if the receiver will run on another machine, run the doctor there too"), none})
}

// token requests an access token, and retries after a temporary fault.
func (a *access) token(ctx context.Context) (time.Duration, error) {
	for attempt := 0; ; attempt++ {
		life, err := a.session.client.Token(ctx)
		wait, again := retryAfter(err, attempt)
		if !again {
			return life, err
		}
		a.session.say(msg("no access token yet; trying again in %s", short(wait)))
		if err := sleep(ctx, wait); err != nil {
			return 0, err
		}
	}
}

// first requests a second of the log, which is never too long. If our clock is ahead, the answer shows it, and
// the second try is right.
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
	cloud := msg("a private deployment")
	switch {
	case a.isAt(openapi.FeishuEndpoint):
		cloud = msg("Feishu")
	case a.isAt(openapi.LarkEndpoint):
		cloud = verbatim("Lark")
	}
	return Check{checkDomain, OK, msg("%s is %s, and knows the app", a.host(), cloud), none}
}

func (a *access) isAt(endpoint string) bool {
	return strings.TrimRight(strings.ToLower(a.opts.Endpoint), "/") == endpoint
}

// problem is a failed check, with everything that is known.
func problem(name string, e *openapi.Error, advice Message) Check {
	return Check{name, Problem, reason(e), advice}
}

// reason is what happened to a call, with its codes.
func reason(e *openapi.Error) Message {
	text := known(e.Reason)
	var facts []Message
	if e.Code != 0 {
		facts = append(facts, msg("code %d", e.Code))
	}
	if e.HTTPStatus != 0 {
		facts = append(facts, verbatim(fmt.Sprintf("HTTP %d", e.HTTPStatus)))
	}
	if e.LogID != "" {
		facts = append(facts, msg("log id %s", e.LogID))
	}
	if len(facts) > 0 {
		text = msg("%s (%s)", text, join(", ", facts...))
	}
	return text
}

// none is no text.
var none Message

// advice is the client's advice, or to wait.
func advice(e *openapi.Error) Message {
	return cmp.Or(known(e.Advice), msg("try again later; if it lasts, give Feishu's support the log id"))
}

// refusedToken classifies a token call that failed.
func (a *access) refusedToken(ctx context.Context, err error) []Check {
	var e *openapi.Error
	if !errors.As(err, &e) {
		return []Check{{checkCredential, Unknown, verbatim(err.Error()), none}}
	}
	switch {
	case e.HTTPStatus == 0:
		return []Check{problem(checkNetwork, e, advice(e))}
	case e.Code == 0:
		return []Check{problem(checkDomain, e, advice(e))}
	case e.Class != cause.ClassConfig:
		return []Check{{checkNetwork, OK, msg("connected to %s", a.host()), none}, problem(checkCredential, e, advice(e))}
	}
	checks := []Check{{checkNetwork, OK, msg("connected to %s", a.host()), none}}
	c := problem(checkCredential, e, known(e.Advice))
	if secretOnly(e) {
		return append(checks, c)
	}
	if other, found := a.atOtherCloud(ctx); found {
		checks = append(checks, Check{
			checkDomain, Problem, msg("%s does not know the app, but %s does", a.host(), other),
			msg("use --endpoint %s, and run the doctor again", other),
		})
		c.Advice = msg("see the line above")
	}
	return append(checks, c)
}

// notTheSecret is sent to the other cloud, which must not learn the secret of an app that it does not have.
const notTheSecret = "feishu-audit-doctor-asks-for-the-app-only"

// atOtherCloud asks the other public cloud whether it has the app. It has the app if it refuses only the secret.
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
	a.session.say(msg("asking whether the app belongs to %s", other))
	client, err := a.opts.dial(ctx, other, notTheSecret)
	if err != nil {
		return "", false
	}
	defer client.closeIdle()
	_, err = client.Token(ctx)
	var e *openapi.Error
	return other, errors.As(err, &e) && secretOnly(e)
}

// secretOnly reports whether a cloud knows the app and refuses the secret. The code is the same in both cases,
// so the text decides. The texts were seen; if one has changed since, the other cloud is not found.
func secretOnly(e *openapi.Error) bool {
	return e.Cause == cause.Credential && strings.Contains(e.Reason, "secret invalid")
}

// refusedList classifies a first call of list_data that failed.
func (a *access) refusedList(err error) []Check {
	var e *openapi.Error
	if !errors.As(err, &e) {
		return []Check{{checkRead, Unknown, verbatim(err.Error()), none}}
	}
	granted := Check{checkScope, Unknown, msg("unknown until the address is allowed"), none}
	switch {
	case e.HTTPStatus == 0:
		return []Check{problem(checkNetwork, e, advice(e))}
	case e.Cause == cause.Address:
		return []Check{problem(checkAddress, e, msg("add this address to the app's IP whitelist: %s, Security Settings. If it is there already, try again in a few minutes.", a.console(""))), granted}
	case e.Cause == cause.Scope:
		steps := join("\n", msg("1. grant the scope: %s", a.console("/auth?q="+cause.ScopeName+"&op_from=openapi&token_type=tenant")),
			msg("2. create a version of the app and publish it: %s, Version Management & Release", a.console("")),
			msg("3. have a tenant admin approve it. If all of this is done, try again: an access token that was issued before may lack the scope until it is replaced. The API returns the same one for up to 90 minutes, and it is valid for two hours at most; whether it takes that long is not documented."))
		// The server's own message is long, bilingual, and cut off in the middle of its link.
		short := *e
		short.Reason = "the app lacks the scope " + cause.ScopeName
		return []Check{problem(checkScope, &short, steps)}
	case e.Cause == cause.App:
		return []Check{problem(checkCredential, e, known(e.Advice))}
	case e.Class == cause.ClassQuota:
		return []Check{problem(checkQuota, e, known(e.Advice))}
	case e.Class == cause.ClassRateLimited:
		return []Check{problem(checkRead, e, msg("another program uses up the rate limit of this app: stop it during the examination, or try again later"))}
	}
	return []Check{problem(checkRead, e, advice(e))}
}

// console is a page of the app in the developer console, which in both public clouds is on the API's host. The
// page auth is the one that the API's own message links to.
func (a *access) console(page string) string {
	return strings.TrimRight(a.opts.Endpoint, "/") + "/app/" + a.opts.AppID + page
}

// skewLimit is the skew from which on somebody should correct it.
const skewLimit = 5 * time.Second

func (s *session) checkClock() Check {
	c := &s.clock
	synchronize := msg("synchronize it (NTP); the receiver uses the server's clock, but times in logs and metrics will be wrong")
	switch {
	case !c.known:
		return Check{checkClockSkew, Unknown, msg("the answers have no Date header"), none}
	case c.disagree:
		return Check{checkClockSkew, Unknown, msg("the Date headers of the answers contradict each other, or a clock was set in between"), none}
	case c.low > skewLimit:
		return Check{checkClockSkew, Warning, msg("this machine's clock is behind the server's by %s to %s", short(c.low), short(c.high)), synchronize}
	case c.high < -skewLimit:
		return Check{checkClockSkew, Warning, msg("this machine's clock is ahead of the server's by %s to %s", short(-c.high), short(-c.low)), synchronize}
	}
	return Check{checkClockSkew, OK, msg("this machine's clock agrees with the server's: the difference lies between %s and %s", short(c.low), short(c.high)), none}
}

// checkEntries is the check of a log in which no entry was seen.
func (s *session) checkEntries() []Check {
	if s.anyEntry || s.broken != nil {
		return nil
	}
	return []Check{{
		checkEntries, Unknown, msg("none was seen: nothing has happened that is logged, or this app may not see it"),
		msg("call the Open API with any app of the tenant, wait some minutes, and run the doctor again"),
	}}
}

func (s *session) checkLatency() Check {
	if len(s.latency) == 0 {
		return Check{checkLatency, Unknown, msg("no page was received"), none}
	}
	sorted := slices.Sorted(slices.Values(s.latency))
	return Check{checkLatency, OK, msg("%s of list_data took a median of %s and a maximum of %s", count(len(sorted), "call", "calls"), milli(s.typical()), milli(sorted[len(sorted)-1])), none}
}

func milli(d time.Duration) Message { return msg("%d ms", d.Milliseconds()) }

// typical is the median of the latencies.
func (s *session) typical() time.Duration {
	if len(s.latency) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(s.latency))[len(s.latency)/2]
}

func (s *session) checkPlan() Check {
	if s.rate.quota {
		return Check{checkQuota, Warning, msg("the tenant's calls of this month were used up during the examination: it has the free (Basic) plan"), msg("an admin can buy more; the recommended configuration polls rarely")}
	}
	return Check{checkQuota, Unknown, msg("no call was refused for a monthly quota; the API does not tell the plan. Only the free (Basic) plan has a quota"), msg("on the Basic plan use poll_interval: 6m and recheck_after: [1h] instead of what is recommended below")}
}
