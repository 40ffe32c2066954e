// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

// cause is why reading fails, as told in log lines, statuses and the metric
// trouble. Two failures of one cause are one trouble. docs/runbook.md says for each
// what to do.
type cause string

const (
	causeCredential cause = "credential"
	causeApp        cause = "app"
	causeScope      cause = "scope"
	causeAddress    cause = "address"
	causeQuota      cause = "quota"
	causeEndpoint   cause = "endpoint"
	causeFilter     cause = "filter"
	causeToken      cause = "token"
	causeRateLimit  cause = "rate_limit"
	causeNetwork    cause = "network"
	causeAPI        cause = "api"
	causeAnswerSize cause = "answer_size"
	causePaging     cause = "paging"
	causePipeline   cause = "pipeline"
	causeStorage    cause = "storage"
	causeCheckpoint cause = "checkpoint"
)

// class says what becomes of a failed call.
type class int

const (
	// classRetry is a passing fault: the same call again, after a backoff.
	classRetry class = iota
	// classRateLimited: the same call again, when the server said so.
	classRateLimited
	// classToken: the access token is refused. The client asks for a new one and repeats
	// the call once; if that fails too, this is classRetry.
	classToken
	// classParameter: the API refuses a parameter of the request. With a page token that
	// means the token, without one the time range.
	classParameter
	// classConfig: nothing helps until somebody changes something, at Feishu or in the
	// configuration. Retried slowly, so that the fix is noticed.
	classConfig
	// classQuota: the calls of this month are used up. Retried rarely.
	classQuota
)

// outcome names the class in the metric of calls. Of what is retried the metric says more.
func (c class) outcome() string {
	return [...]string{"failed", "rate_limited", "token", "parameter", "config", "quota"}[c]
}

// causeInfo is what there is to know of a cause.
type causeInfo struct {
	cause cause
	title string // what a person is told
	// class is that of a call that fails for this cause.
	class class
	// needsPerson tells that it does not pass until somebody acts.
	needsPerson bool
	// advice says what to do; empty where the failure itself says more, or nothing helps.
	advice string
}

// scopeName is the scope that the app needs, from the official page of list_data.
const scopeName = "security_and_compliance:audit_log.openapi_log:readonly"

// causes are all of them, in the order of the runbook.
var causes = []causeInfo{
	{
		causeCredential, "app_id or app_secret is wrong", classConfig, true,
		"check that app_id and app_secret belong together (developer console, Credentials & Basic Info), and that endpoint is the cloud of the app: Feishu or Lark; after a change of the configuration, restart the collector",
	},
	{
		causeApp, "the app is not enabled or not installed in the tenant", classConfig, true,
		"a tenant admin must enable and install the app in this tenant (admin console, Workplace, App Management)",
	},
	{
		causeScope, "the app may not read the audit log", classConfig, true,
		"grant the app the scope " + scopeName + " and publish a new version of it; an access token that was given out before may not carry it, and the same one is given out for up to 90 minutes",
	},
	{
		causeAddress, "this collector's IP address is not allowed", classConfig, true,
		"add this collector's public IP address to the app's IP whitelist (developer console, Security Settings)",
	},
	{
		causeQuota, "the tenant's calls of this month are used up", classQuota, true,
		"the tenant's calls of this month are used up: an admin can buy more, or poll less often (poll_interval); it goes on by itself next month",
	},
	{causeEndpoint, "what answers at the endpoint is not the Open API", classConfig, true, ""},
	{causeFilter, "the API refuses what it is asked for", classParameter, true, ""},
	{causeToken, "the API refuses the access token that it has given out", classToken, false, ""},
	{
		causeRateLimit, "the API's rate limit is reached", classRateLimited, false,
		"something else uses the same app: give this collector an app of its own, or lower requests_per_minute",
	},
	{causeNetwork, "the API does not answer", classRetry, false, ""},
	{causeAPI, "the API fails", classRetry, false, "if it lasts, ask the support of the Open API, with the log id"},
	{causeAnswerSize, "an answer is too large", classRetry, false, "raise max_response_size or lower page_size"},
	{causePaging, "the API's pages do not end", classRetry, false, ""},
	{causePipeline, "the pipeline does not take records", classRetry, false, ""},
	{causeStorage, "the position cannot be read or written", classRetry, false, ""},
	{causeCheckpoint, "the stored position must not be used", classConfig, true, ""},
}

func (c cause) info() causeInfo {
	for _, info := range causes {
		if info.cause == c {
			return info
		}
	}
	return causeInfo{cause: c, title: string(c)}
}
