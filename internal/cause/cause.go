// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package cause has one name for each reason why reading fails, and one row with everything that log lines,
// statuses, metrics, the runbook and the doctor show about it.
package cause

// Cause is why reading fails, as named in log lines, statuses and the metric trouble. Two failures with one
// cause are one problem. docs/runbook.md has what to do about each.
type Cause string

const (
	Credential Cause = "credential"
	App        Cause = "app"
	Scope      Cause = "scope"
	Address    Cause = "address"
	Quota      Cause = "quota"
	Endpoint   Cause = "endpoint"
	Filter     Cause = "filter"
	Token      Cause = "token"
	RateLimit  Cause = "rate_limit"
	Network    Cause = "network"
	API        Cause = "api"
	AnswerSize Cause = "answer_size"
	Paging     Cause = "paging"
	Pipeline   Cause = "pipeline"
	Storage    Cause = "storage"
	Checkpoint Cause = "checkpoint"
)

// Class decides how a failed call is handled.
type Class int

const (
	// ClassRetry is a temporary fault: make the same call again, after a backoff.
	ClassRetry Class = iota
	// ClassRateLimited: make the same call again after the server's hint to wait.
	ClassRateLimited
	// ClassToken: the access token is refused. The client requests a new one and repeats the call once; if that
	// fails too, the class is ClassRetry.
	ClassToken
	// ClassParameter: the API refuses a parameter of the request: the page token if there is one, otherwise the
	// time range.
	ClassParameter
	// ClassConfig: somebody has to change something, at Feishu or in the configuration. Retried slowly, so that
	// the fix is noticed.
	ClassConfig
	// ClassQuota: the month's calls are used up. Retried rarely.
	ClassQuota
)

// Outcome names the class in the metric of calls. Classes that are retried have more specific labels there.
func (c Class) Outcome() string {
	return [...]string{"failed", "rate_limited", "token", "parameter", "config", "quota"}[c]
}

// Lasts reports whether a failure of the class is retried slowly, because somebody has to do something first.
func (c Class) Lasts() bool { return c == ClassConfig || c == ClassQuota }

// Info has the facts about a cause.
type Info struct {
	Cause Cause
	Title string // text for log lines and statuses
	// Class is the class of a call that fails for this cause.
	Class Class
	// NeedsPerson reports that the problem lasts until somebody acts.
	NeedsPerson bool
	// Advice is what to do; empty if the failure itself has more specific advice, or nothing helps.
	Advice string
}

// ScopeName is the scope that the app needs, from the official page of list_data.
const ScopeName = "security_and_compliance:audit_log.openapi_log:readonly"

// AdviceOldToken is why a scope that was granted recently may still be missing.
const AdviceOldToken = "; an access token that was issued earlier may not carry it, and the API returns the same one for up to 90 minutes"

// All has all causes, in the order of the runbook.
var All = []Info{
	{
		Credential, "app_id or app_secret is wrong", ClassConfig, true,
		"check that app_id and app_secret belong together (developer console, Credentials & Basic Info), and that endpoint is the cloud of the app: Feishu or Lark; after a change of the configuration, restart the collector",
	},
	{
		App, "the app is not enabled or not installed in the tenant", ClassConfig, true,
		"a tenant admin must enable and install the app in this tenant (admin console, Workplace, App Management)",
	},
	{
		Scope, "the app may not read the audit log", ClassConfig, true,
		"grant the app the scope " + ScopeName + " and publish a new version of it" + AdviceOldToken,
	},
	{
		Address, "this collector's IP address is not allowed", ClassConfig, true,
		"add this collector's public IP address to the app's IP whitelist (developer console, Security Settings)",
	},
	{
		Quota, "the tenant's calls of this month are used up", ClassQuota, true,
		"the tenant's calls of this month are used up: an admin can buy more, or poll less often (poll_interval); it resumes next month",
	},
	{Endpoint, "what answers at the endpoint is not the Open API", ClassConfig, true, ""},
	{Filter, "the API refuses the parameters of the call", ClassParameter, true, ""},
	{Token, "the API refuses the access token that it has issued", ClassToken, false, ""},
	{
		RateLimit, "the API's rate limit is reached", ClassRateLimited, false,
		"something else uses the same app: give this collector an app of its own, or lower requests_per_minute",
	},
	{Network, "the API does not answer", ClassRetry, false, ""},
	{API, "the API fails", ClassRetry, false, "if it lasts, ask the support of the Open API, with the log id"},
	{AnswerSize, "an answer is too large", ClassRetry, false, "raise max_response_size or lower page_size"},
	{Paging, "the API's paging does not end", ClassRetry, false, ""},
	{Pipeline, "the pipeline does not take records", ClassRetry, false, ""},
	{Storage, "the position cannot be read or written", ClassRetry, false, ""},
	{Checkpoint, "the stored position must not be used", ClassConfig, true, ""},
}

// Info returns the facts about the cause.
func (c Cause) Info() Info {
	for _, info := range All {
		if info.Cause == c {
			return info
		}
	}
	return Info{Cause: c, Title: string(c)}
}
