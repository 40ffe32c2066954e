// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

// recordMutants break how an entry becomes a log record.
var recordMutants = []mutant{
	{
		"an entry at which redaction panics ends the collector (F20)", "internal/record/record.go",
		"		if recover() != nil {\n",
		"		if false {\n",
	},
	{
		"two calls of one id are one entry (F46)", "internal/entry/entry.go",
		"[...]string{it.ID, at, app, api}",
		"[...]string{it.ID, at, app}",
	},
	{
		"two entries of one id and another time are one (F46)", "internal/entry/entry.go",
		"[...]string{it.ID, at, app, api}",
		"[...]string{it.ID, app, api}",
	},
	{
		"an entry without an id is another one in another order of its members (F46)", "internal/entry/entry.go",
		"		it.ID = hashOf(canonical(it.Text))\n",
		"		it.ID = hashOf(it.Text)\n",
	},
	{
		"of two members with one name the first one counts for the hash (F46)", "internal/entry/canonical.go",
		"slices.SortStableFunc(members, func(x, y member) int { return strings.Compare(x.name, y.name) })",
		"slices.SortStableFunc(members, func(x, y member) int { return strings.Compare(x.name+x.value, y.name+y.value) })",
	},
	{
		"an id of zeros is one (F46)", "internal/entry/entry.go",
		"strings.ContainsRune(\"0-_",
		"strings.ContainsRune(\"-_",
	},
	{
		"a number goes through a float64 (F28)", "internal/entry/lenient.go",
		"	if n, err := strconv.ParseInt(text, 10, 64); err == nil {\n		return n, true\n",
		"	if n, err := strconv.ParseFloat(text, 64); err == nil {\n		return int64(n), true\n",
	},
	{
		"an entry's uid is its place in the page (F27)", "internal/record/record.go",
		"	for _, it := range items {\n		w.write(",
		"	for i, it := range items {\n		it.ID = string(rune('0' + i))\n		w.write(",
	},
	{
		"nothing is redacted (F39)", "internal/record/record.go",
		"	if w.redactor != nil {\n",
		"	if false {\n",
	},
	{
		"attributes are taken from the entry before redaction (F39)", "internal/record/record.go",
		"	if w.detach || text != it.Text {\n",
		"	if w.detach {\n",
	},
	{
		"a failed call is a record like any other", "internal/record/record.go",
		"		record.SetSeverityNumber(plog.SeverityNumberWarn)\n",
		"",
	},
	{
		"an attribute may be of any length", "internal/record/record.go",
		"	if len(text) <= end {\n",
		"	if true {\n",
	},
	{
		"the API's code does not make an error.type", "internal/record/result.go",
		"		if r.code != 0 {\n",
		"		if false {\n",
	},
	{
		"a masked value stands in the resource (F39)", "internal/record/resource.go",
		"strings.Contains(n.value, redact.Mask)",
		"n.value == redact.Mask",
	},
	{
		"a resource token stands in the resource where it is masked (F39)", "internal/record/resource.go",
		" || w.redactor.MasksKey(apiKey, n.name)",
		"",
	},
	{
		"a resource of another path than the API's", "internal/record/resource.go",
		"		if len(path) < literal || path[:literal] != template[:literal] {\n",
		"		if len(path) < literal {\n",
	},
	{
		"the parent of a resource is the resource", "internal/record/resource.go",
		"parent, last = last, named{",
		"parent, last = parent, named{",
	},
	{
		"of two equal keys in a structured body one is lost (F28)", "internal/record/body.go",
		"			tooMany = m.Len() < n // the key was there already\n",
		"			tooMany = m.Len() > n\n",
	},
	{
		"a number that a double rounds is rounded (F28)", "internal/record/body.go",
		"err == nil && digitsOf(text) == digitsOf(strconv.FormatFloat(f, 'e', -1, 64)) {",
		"err == nil {",
	},
}
