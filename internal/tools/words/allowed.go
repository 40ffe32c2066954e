// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

// exception is a text in which a word to avoid stays.
type exception struct {
	path string // of the file; empty: of every file
	text string // exactly as it is in the file
	why  string
}

// allowed are all exceptions. One that is no longer needed fails the check.
var allowed = []exception{
	{"", "metric trouble", "the metric's name, which dashboards and alerts of users have"},
	{"docs/runbook.md", "feishu_audit_(trouble|", "the same name, in a command"},
}
