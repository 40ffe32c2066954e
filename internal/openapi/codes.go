// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"net/http"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
)

// The sources of the codes. If a comment quotes a message, the message is from that source; it may change at any
// time, only the code counts (official page "Calling APIs").
//
//	list    the official page of list_data, its table of errors
//	table   the official page "General error codes"
//	limit   the official page "Rate limits" (frequency control)
//	quota   the official notice "API call limit of custom apps"
//	ip      the official page "IP whitelist"
//	cli     the table of codes of the official command line tool (internal/errclass/codemeta.go)
//	seen    reports from the field, of what the API answers today

// Causes has the cause of each known code of the Open API. Any other code is retried with a growing backoff,
// like the API's own failures.
var Causes = map[int64]cause.Cause{
	99991400: cause.RateLimit, // "request trigger frequency limit" (limit, cli)
	1000004:  cause.RateLimit, // the method is called too often, older wording (table)
	1000005:  cause.RateLimit, // the app calls too often, older wording (table)

	99991403: cause.Quota, // the tenant's calls of this month are used up (quota)

	99991661: cause.Token, // "Missing access token for authorization" (table, cli, seen)
	99991663: cause.Token, // "Invalid access token for authorization": a tenant token (table, cli, seen)
	99991664: cause.Token, // app_access_token invalid (table)
	99991665: cause.Token, // "invalid tenant code" (table)
	99991668: cause.Token, // a user token is invalid; also the answer to a JWT (table, cli, seen)
	99991671: cause.Token, // the token must start with t- or u- (table, cli)
	99991677: cause.Token, // a user token has expired (table, cli)

	99991401: cause.Address,    // "ip ... is denied by app setting" (ip, seen)
	99991672: cause.Scope,      // "Access denied. One of the following scopes is required" (table, cli, seen)
	99991676: cause.Scope,      // the token has no permission (table, cli)
	99991679: cause.Scope,      // a user has not granted the scope (table, cli)
	99991662: cause.App,        // the app is not enabled (table, cli)
	99991673: cause.App,        // the app is not installed in the tenant (table, cli)
	11207:    cause.App,        // the app is not enabled in the tenant (table)
	11210:    cause.App,        // the app is not installed in the tenant (table)
	99991543: cause.Credential, // app_id or app_secret is wrong (table, cli)
	10005:    cause.Credential, // the app's information is wrong (table)
	10012:    cause.Credential, // the tenant's information is wrong (table)
	10013:    cause.Credential, // no token could be issued (table)
	10014:    cause.Credential, // "app id not exists", "app secret invalid" (seen), "app unauthorized" (table)
	10015:    cause.Credential, // "wrong app secret" (table; today's code is 10014)
	20002:    cause.Credential, // app_id and app_secret do not belong together (table, cli)

	1780103:  cause.Filter, // "Request Param Error", HTTP 400 (list)
	99992402: cause.Filter, // the gateway's validation, mostly with field_violations (table)
	9499:     cause.Filter, // a bad parameter (table)
	1000002:  cause.Filter, // a bad parameter (table)
	10003:    cause.Filter, // "invalid param" (table, seen at the token endpoint)

	1780001: cause.API, // "Internal Server Error", HTTP 500 (list)
	2200:    cause.API, // "Internal Error", usually under frequent calls (table, seen)
	1500:    cause.API, // internal (table)
	1663:    cause.API, // internal (table)
	1668:    cause.API, // internal (table)
	5000:    cause.API, // internal (table)
	10101:   cause.API, // internal (table)
	10500:   cause.API, // internal (table)
	55001:   cause.API, // internal (table)
	65001:   cause.API, // internal (table)
	1000003: cause.API, // internal (table)
}

// The gateway uses the codes 99991660 to 99991679 for problems with an access token. A code of that range that
// is not in the table costs one new token, and is retried.
const firstTokenCode, lastTokenCode = 99991660, 99991679

// causeOf classifies a code. An HTTP 401 of list_data is about the access token, unless the code is known to
// mean something else. The token call does not send one.
func causeOf(operation string, code int64, status int) cause.Cause {
	if known, ok := Causes[code]; ok {
		return known
	}
	if operation == OpList && (status == http.StatusUnauthorized || firstTokenCode <= code && code <= lastTokenCode) {
		return cause.Token
	}
	return cause.API
}
