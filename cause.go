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

// causeInfo is what a person is told about a cause.
type causeInfo struct {
	cause cause
	title string
	// needsPerson tells that it does not pass until somebody acts.
	needsPerson bool
}

// causes are all of them, in the order of the runbook.
var causes = []causeInfo{
	{causeCredential, "app_id or app_secret is wrong", true},
	{causeApp, "the app is not enabled or not installed in the tenant", true},
	{causeScope, "the app may not read the audit log", true},
	{causeAddress, "this collector's IP address is not allowed", true},
	{causeQuota, "the tenant's calls of this month are used up", true},
	{causeEndpoint, "what answers at the endpoint is not the Open API", true},
	{causeFilter, "the API refuses what it is asked for", true},
	{causeToken, "the API refuses the access token that it has given out", false},
	{causeRateLimit, "the API's rate limit is reached", false},
	{causeNetwork, "the API does not answer", false},
	{causeAPI, "the API fails", false},
	{causeAnswerSize, "an answer is too large", false},
	{causePaging, "the API's pages do not end", false},
	{causePipeline, "the pipeline does not take records", false},
	{causeStorage, "the position cannot be read or written", false},
	{causeCheckpoint, "the stored position must not be used", true},
}

func (c cause) info() causeInfo {
	for _, info := range causes {
		if info.cause == c {
			return info
		}
	}
	return causeInfo{cause: c, title: string(c)}
}
