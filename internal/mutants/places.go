// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

// placeMutants break what redaction reads in commands, in other languages and in references to values.
var placeMutants = []mutant{
	{
		"variables are masked (F70)", "internal/redact/value.go",
		"	case !k.extra && w.refersTo(text, k, sep, v, end):\n",
		"	case k.extra && w.refersTo(text, k, sep, v, end):\n",
	},
	{
		"any value after a dollar sign is a variable (F70)", "internal/redact/reference.go",
		"		return isVariableName(name) || w.namesCredential(name)\n	case first == '@':",
		"		return len(name) > 0\n	case first == '@':",
	},
	{
		"the other side of a comparison is masked (F70)", "internal/redact/reference.go",
		"	case bytes.HasSuffix(before, []byte(\"==\")):\n",
		"	case bytes.HasSuffix(before, []byte(\"===\")):\n",
	},
	{
		"a token of four digits stays in forms (F70)", "internal/redact/reference.go",
		" && isQuantity(word, false) && isProseAt(text, end)\n",
		" && isQuantity(word, false)\n",
	},
	{
		"what is said about cookies is masked (F70)", "internal/redact/header.go",
		"isKeyNamed(text, k, \"cookie\") && isWordy(line)",
		"isKeyNamed(text, k, \"cookie\") && len(line) == 0",
	},
	{
		"an account that is given to chpasswd stays (F72)", "internal/redact/place.go",
		"	if account {\n		if w.account(text, start, end) == 0 {\n",
		"	if account {\n		if true {\n",
	},
	{
		"the password before the user of net use stays (F72)", "internal/redact/place.go",
		"	w.mask(text, start, end, \"\")\n	return hit + 1\n",
		"	return hit + 1\n",
	},
	{
		"/user: is noticed at every second place only (F72)", "internal/redact/special.go",
		"	{\"rR\", \":\"},\n",
		"",
	},
	{
		"a password in Oracle's form stays (F73)", "internal/redact/place.go",
		"	if slash <= 0 || !isWordByte(text[at+slash-1]) {\n",
		"	if slash >= 0 || !isWordByte(text[at+slash-1]) {\n",
	},
	{
		"a semicolon in the password of a network ends it (F73)", "internal/redact/place.go",
		"			if text[end] == '\\\\' && end+1 < len(text) {\n",
		"			if text[end] == 0 && end+1 < len(text) {\n",
	},
	{
		"every number after PIN is one (F70)", "internal/redact/place.go",
		" || isMeasure(text, v, end) || nextIsWordy(text, end) {\n		return 0\n	}\n	return w.mask(text, v, end, \"\")\n}\n",
		" {\n		return 0\n	}\n	return w.mask(text, v, end, \"\")\n}\n",
	},
	{
		"the token of a bot of Telegram stays (F73)", "internal/redact/forms.go",
		"	case text[hit] == ':' && telegramEnd(text, hit) > 0:\n",
		"	case text[hit] == ';' && telegramEnd(text, hit) > 0:\n",
	},
	{
		"keys of two-byte characters are noticed at every second place only (F70)", "internal/redact/stride.go",
		"		t.pair(key[2:3], key[3:4], wideNearby)\n",
		"",
	},
	{
		"words of other languages are passwords (F70)", "internal/redact/prose.go",
		"isMeasure(text, v, end), isForeign(word):\n",
		"isMeasure(text, v, end):\n",
	},
	{
		"any word in brackets after a key is its value (F70)", "internal/redact/loose.go",
		"looksLoose(text[at+1:end-1], minStrong) && isMixed(text[at+1:end-1])",
		"looksLoose(text[at+1:end-1], minStrong)",
	},
}
