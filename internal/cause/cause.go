// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package cause has one name for each reason why reading fails, and one row with all that
// log lines, statuses, metrics, the runbook and the doctor say of it.
package cause

// Cause is why reading fails, as named in log lines, statuses and the
// metric trouble. Two failures of one cause are one problem. docs/runbook.md says for
// each what to do.
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

// Class says what becomes of a failed call.
type Class int

const (
	// ClassRetry is a passing fault: the same call again, after a backoff.
	ClassRetry Class = iota
	// ClassRateLimited: the same call again, when the server said so.
	ClassRateLimited
	// ClassToken: the access token is refused. The client asks for a new one and repeats
	// the call once; if that fails too, this is ClassRetry.
	ClassToken
	// ClassParameter: the API refuses a parameter of the request. With a page token that
	// means the token, without one the time range.
	ClassParameter
	// ClassConfig: nothing helps until somebody changes something, at Feishu or in the
	// configuration. Retried slowly, so that the fix is noticed.
	ClassConfig
	// ClassQuota: the calls of this month are used up. Retried rarely.
	ClassQuota
)

// Outcome names the class in the metric of calls. Of what is retried the metric says more.
func (c Class) Outcome() string {
	return [...]string{"failed", "rate_limited", "token", "parameter", "config", "quota"}[c]
}

// Info is what there is to know of a cause.
type Info struct {
	Cause Cause
	Title string // what log lines and statuses say
	// Class is that of a call that fails for this cause.
	Class Class
	// NeedsPerson tells that it does not pass until somebody acts.
	NeedsPerson bool
	// Advice says what to do; empty where the failure itself says more, or nothing helps.
	Advice string
}

// ScopeName is the scope that the app needs, from the official page of list_data.
const ScopeName = "security_and_compliance:audit_log.openapi_log:readonly"

// AdviceOldToken is why a scope that was granted just now may still be missing.
const AdviceOldToken = "; an access token that was given out before may not carry it, and the same one is given out for up to 90 minutes"

// All are all of them, in the order of the runbook.
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
	{Token, "the API refuses the access token that it has given out", ClassToken, false, ""},
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

// Info is what there is to know of a cause.
func (c Cause) Info() Info {
	for _, info := range All {
		if info.Cause == c {
			return info
		}
	}
	return Info{Cause: c, Title: string(c)}
}
