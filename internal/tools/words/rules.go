// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"regexp"
	"strings"
)

// rule is a word or a phrase to avoid, and what to write in its place.
type rule struct {
	avoid *regexp.Regexp
	write string
}

// rules find sentences that need a second reading. A space in a pattern also matches a line break.
var rules = compile([][2]string{
	{`anew`, "write again, or restart"},
	{`for good`, "write permanently"},
	{`for ever|forever`, "write without a limit, or never ends"},
	{`in vain`, "write without success, or unused"},
	{`mend(s|ed|ing)?`, "write fix or repair"},
	{`begun`, "write started"},
	{`(by|of) (itself|themselves)`, "write automatically, or on its own"},
	{`troubles?`, "write problem, failure or error"},
	{`told`, "write reported, logged, shown or known"},
	{`who wants`, "write users who need, or to"},
	{`it is asked for|what is absent is absent`, "name the subject and what it does"},
	{`stand(s|ing)? still|stood still`, "write stops"},
	{`(is|are|was|were|be|been|being|goes|went|while|days|with \w+) away`, "write down, unavailable or lost"},
	{`side by side`, "write concurrently"},
	{`in mid-\w+`, "write during, or in the middle of"},
	{`hand(s|ed|ing)? over|hand-overs?`, "write deliver"},
	{`one's own`, "write your own, or separate"},
	{`in the midst`, "write in the middle, or during"},
	{`ask(s|ed|ing)? for again`, "write request again"},
	{`(comes?|came|coming) (again|twice)`, "write is delivered again, or is duplicated"},
	{`pass(es|ed|ing) over`, "write skip"},
	{`but for`, "write except"},
	{`(lies?|lying|lay|stands?|puts?|comes?|something|somewhere|right|at or|off|garbage|quote|remark|place|what|those|that) behind`, "write after"},
})

// compile makes rules of patterns, of whole words in any case.
func compile(patterns [][2]string) []rule {
	var all []rule
	for _, p := range patterns {
		all = append(all, rule{regexp.MustCompile(`(?i)\b(` + strings.ReplaceAll(p[0], " ", `\s+`) + `)\b`), p[1]})
	}
	return all
}
