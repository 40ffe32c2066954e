// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

// receiverMutants break the component itself: its configuration and its terms.
var receiverMutants = []mutant{
	{
		"Start fetches a token (F22)", "receiver.go",
		"	if leader == nil {\n		r.beginTerm(context.Background())",
		"	if req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, r.cfg.ClientConfig.Endpoint+openapi.TokenPath, http.NoBody); err == nil {\n		if res, err := r.http.Do(req); err == nil {\n			_ = res.Body.Close()\n		}\n	}\n	if leader == nil {\n		r.beginTerm(context.Background())",
	},
	{
		"a replica that is no longer elected keeps reporting its problem (F38)", "receiver.go",
		"		if r.leadershipLost(ctx) {\n",
		"		if false {\n",
	},
	{
		"a call without a time limit can be configured (F20)", "internal/openapi/validate.go",
		"	case cfg.Timeout <= 0:\n",
		"	case cfg.Timeout < 0:\n",
	},
	{
		"more filters than the API takes are accepted", "config.go",
		"n > maxFilterAPIKeys {",
		"n > 2*maxFilterAPIKeys {",
	},
	{
		"an authenticator that replaces the access token is accepted (F66)", "internal/openapi/validate.go",
		"	if cfg.Auth.HasValue() {\n",
		"	if false {\n",
	},
	{
		"a header that leaves answers compressed is accepted (F66)", "internal/openapi/validate.go",
		"	case ok:\n		return reserved\n",
		"	case ok && reserved == \"\":\n		return reserved\n",
	},
	{
		"an invisible character in a credential is accepted (F66)", "internal/openapi/credential.go",
		"		case !unicode.IsPrint(r):\n",
		"		case unicode.IsControl(r):\n",
	},
	{
		"a placeholder is accepted as a credential (F66)", "internal/openapi/credential.go",
		"func IsPlaceholder(s string) bool { return placeholder.MatchString(s) }",
		"func IsPlaceholder(s string) bool { return s == \"\" && placeholder.MatchString(s) }",
	},
	{
		"a path may hold nothing but what a host may (F66)", "internal/openapi/credential.go",
		"		case r == ' ' && path:\n",
		"",
	},
	{
		"two spellings of an endpoint have a pace each (F67)", "internal/pace/registry.go",
		"	key := paceKey{CanonicalEndpoint(endpoint), appID}\n",
		"	key := paceKey{endpoint, appID}\n",
	},
	{
		"a checkpoint belongs to the spelling of its endpoint (F67)", "internal/checkpoint/checkpoint.go",
		"	return pace.CanonicalEndpoint(q.Endpoint) == pace.CanonicalEndpoint(other.Endpoint) &&",
		"	return q.Endpoint == other.Endpoint &&",
	},
}
