// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
)

// Causes names the cause behind each code of the Open API, from its general error table,
// the page of list_data, and the official CLI's own classification. A code that is
// not in it is retried with a growing backoff, like those of the API's own failures.
var Causes = map[int64]cause.Cause{
	99991400: cause.RateLimit,
	1000004:  cause.RateLimit,
	1000005:  cause.RateLimit,

	99991403: cause.Quota,

	99991661: cause.Token,
	99991663: cause.Token,
	99991664: cause.Token,
	99991665: cause.Token,
	99991668: cause.Token,
	99991671: cause.Token,
	99991677: cause.Token,

	99991401: cause.Address,
	99991672: cause.Scope,
	99991676: cause.Scope,
	99991679: cause.Scope,
	99991662: cause.App,
	99991673: cause.App,
	11207:    cause.App,
	11210:    cause.App,
	99991543: cause.Credential,
	10005:    cause.Credential,
	10012:    cause.Credential,
	10013:    cause.Credential,
	10014:    cause.Credential,
	10015:    cause.Credential,
	20002:    cause.Credential,

	1780103:  cause.Filter,
	99992402: cause.Filter,
	9499:     cause.Filter,
	1000002:  cause.Filter,
	10003:    cause.Filter,

	1780001: cause.API,
	2200:    cause.API,
	1500:    cause.API,
	1663:    cause.API,
	1668:    cause.API,
	5000:    cause.API,
	10101:   cause.API,
	10500:   cause.API,
	55001:   cause.API,
	65001:   cause.API,
	1000003: cause.API,
}
