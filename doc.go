// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package feishuauditreceiver is an OpenTelemetry Collector receiver that reads the OpenAPI audit log of a
// Feishu or Lark tenant and delivers every entry to a logs pipeline, once.
//
// This package is the component: factory.go has its defaults and construction, config.go its keys, receiver.go
// its life cycle, client.go its use of the Open API's client. The packages below internal/, in the order in
// which an entry passes through them:
//
//	term        from one election, or from Start, to its end
//	poll        the loop of one term: ask, call, deliver, commit
//	handover    which records to deliver next: splits or holds refused ones; pure
//	plan        which page to ask for next; pure
//	pace        calls per minute, across receivers and restarts
//	openapi     the two calls and their classified errors
//	entry       parses an answer of list_data
//	record      turns an entry into a log record
//	redact      masks credentials
//	jsontext    the JSON reader of entry and record
//	checkpoint  what is stored across restarts
//	report      what the operator sees: health, counters, gauges
//	cause       one row for each reason why reading fails
//	metadata    generated from metadata.yaml; metadatatest
//	doctor      examines a tenant before the receiver is set up for it
//
// cmd/feishu-audit is the command-line tool, in a module of its own.
//
// For tests: simulator (the API), altapi (a second model of it), world (disk, pipeline, network, elector), jsonoracle,
// week (a made-up week for the detections), conformance (the official Go SDK), clients (the other official SDKs), mutants, testreport, bench, benchdata, compat, tools and
// backends.
//
// docs/architecture.md explains how they work together.
package feishuauditreceiver

//go:generate make generate
