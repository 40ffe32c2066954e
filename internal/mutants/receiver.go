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
		"a call without a time limit can be configured (F20)", "config.go",
		"	if c.ClientConfig.Timeout <= 0 {\n",
		"	if c.ClientConfig.Timeout < 0 {\n",
	},
	{
		"more filters than the API takes are accepted", "config.go",
		"n > maxFilterAPIKeys {",
		"n > 2*maxFilterAPIKeys {",
	},
}
