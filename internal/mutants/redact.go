// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

// redactMutants break what is masked and what is kept.
var redactMutants = []mutant{
	{
		"text is read for credentials only once (F39)", "internal/redact/redact.go",
		"		if !guessed {\n",
		"		if !guessed || masked > 0 {\n",
	},
	{
		"a credential in a call that names it stays (F72)", "internal/redact/loose.go",
		"	if end := w.setter(text, k); end > 0 {\n",
		"	if end := w.setter(text, k); end > len(text) {\n",
	},
	{
		"code that says where a credential comes from is masked (F70)", "internal/redact/value.go",
		"	if !k.extra && !k.parameter && o.lines == 0 {\n",
		"	if k.extra && !k.parameter && o.lines == 0 {\n",
	},
	{
		"a credential with dots in it is taken for code (F70)", "internal/redact/expression.go",
		"	if byteAt(text, end) == '&' || ",
		"	if len(names) == 0 && ",
	},
	{
		"the default of a variable of the environment stays (F70)", "internal/redact/expression.go",
		"looksLoose(literal, minStrong) && !isEnvName(literal)",
		"looksLoose(literal, len(text)) && !isEnvName(literal)",
	},
	{
		"the type of a key is its value (F70)", "internal/redact/value.go",
		"	if sep == colon && o.lines == 0 && !k.extra {\n",
		"	if sep == noSeparator && o.lines == 0 && !k.extra {\n",
	},
	{
		"of an INSERT only the first row is read (F72)", "internal/redact/insert.go",
		"		if at = skipSpace(text, row); byteAt(text, at) == ',' {\n",
		"		if at = skipSpace(text, row); byteAt(text, at) == ';' {\n",
	},
	{
		"parameters of SQL are masked (F70)", "internal/redact/insert.go",
		"q < cell.end && isQuoteMark(text[q]) {",
		"q < cell.end {",
	},
	{
		"defaults of Terraform's variables stay (F72)", "internal/redact/apart.go",
		"		return w.defaulted(text, k, c)\n",
		"		return 0\n",
	},
	{
		"hooks of other bots stay (F73)", "internal/redact/links.go",
		"	case hasSuffixFold(name, \"hook\"), hasSuffixFold(name, \"hooks\"):\n",
		"	case hasSuffixFold(name, \"hook\"):\n",
	},
	{
		"the secret beside a key id of Alibaba's cloud stays (F73)", "internal/redact/forms.go",
		"	case bytes.HasPrefix(id, []byte(\"LTAI\")) && (len(id) == 24 || len(id) == 16):\n",
		"	case bytes.HasPrefix(id, []byte(\"LTAI\")) && len(id) == 16:\n",
	},
	{
		"keys beyond ASCII are noticed at every second place only (F70)", "internal/redact/stride.go",
		"			t.pair(key[4:5], key[5:6], wideNearby)\n",
		"",
	},
	{
		"stems are distinguished by the letter after them only where they resemble each other (F39)", "internal/redact/stride.go",
		"			group.after[i] |= afterBit\n",
		"			group.after[i] = afterBit\n",
	},
	{
		"a line end of another script breaks JSON (F70)", "internal/redact/json.go",
		"			if p.lines {\n",
		"			if p.form && p.lines && p.entry {\n",
	},
	{
		"a built-in credential key is missing (F39)", "internal/redact/names.go",
		"	{suffix: \"signingkey\", kind: secret},\n",
		"",
	},
	{
		"configured keys are not masked (F39)", "internal/redact/keys.go",
		"			k.extra[name] = struct{}{}\n",
		"",
	},
	{
		"keys are compared with their case (F39)", "internal/redact/keys.go",
		"	if 'A' <= c && c <= 'Z' {\n",
		"	if false {\n",
	},
	{
		"resource tokens are masked (F74)", "internal/redact/keys.go",
		"	case k.keep && isKept(stem):\n",
		"	case false:\n",
	},
	{
		"a token of any name is kept (F74)", "internal/redact/keys.go",
		"	return isOneOf(stem, cursors) || isResource(stem, false)\n",
		"	return len(stem) > 0\n",
	},
	{
		"booleans are masked (F74)", "internal/redact/words.go",
		"\"none\", \"true\", \"false\", \"undefined\"",
		"\"none\", \"undefined\"",
	},
	{
		"counts are masked (F74)", "internal/redact/words.go",
		"	return k == plural && len(value) <= maxCount && isCount(value)\n",
		"	return false\n",
	},
	{
		"token is a credential in every API (F74)", "internal/redact/api.go",
		"	if found, ok := byAPI[string(w.api())][string(name)]; ok {\n",
		"	if found, ok := byAPI[\"\"][string(name)]; ok {\n",
	},
	{
		"the caller names the API (F74)", "internal/redact/api.go",
		"			case depth != 1:\n",
		"			case depth < 1:\n",
	},
	{
		"text is searched as it is written (F70)", "internal/redact/walk.go",
		"	if nextFoldable(text, 0) == len(text) {\n",
		"	if true {\n",
	},
	{
		"prose about a password is masked (F70)", "internal/redact/words.go",
		"	_, ok := proseWords[string(buf[:n])]\n	return ok\n",
		"	return false\n",
	},
	{
		"a marked key is no key (F70)", "internal/redact/cursor.go",
		"		case ']', ')', '*', '`', '~':\n			next = i + 1\n",
		"		case ']', ')', '*', '`', '~':\n			next = i\n",
	},
	{
		"of a passphrase the first word is masked (F71)", "internal/redact/prose.go",
		"	case k.password:\n		return c.end\n",
		"	case k.password:\n		return end\n",
	},
	{
		"of a block in YAML nothing is masked (F71)", "internal/redact/value.go",
		"		if end := w.yamlBlock(text, k, v); end > 0 {\n",
		"		if end := 0; end > 0 {\n",
	},
	{
		"a private key is masked up to its first line (F71)", "internal/redact/forms.go",
		"	if end := bytes.Index(rest[i:], []byte(\"-----END \")); end >= 0 {\n",
		"	if end := bytes.IndexByte(rest[i:], '\\n'); end >= 0 {\n",
	},
	{
		"a name and its value apart are no pair (F72)", "internal/redact/pairs.go",
		"	if pair.kind == plain || v.end <= 0 {\n",
		"	if true {\n",
	},
	{
		"an element of XML is no key (F72)", "internal/redact/apart.go",
		"	return at > 0 && text[at-1] == '<'\n",
		"	return at > 0 && text[at-1] == '>'\n",
	},
	{
		"a password in a URL stays (F73)", "internal/redact/links.go",
		"		return w.userinfo(text, hit)\n",
		"		return hit\n",
	},
	{
		"a credential under a kept name stays (F74)", "internal/redact/forms.go",
		"		return w.mask(text, start, tokenEnd(text, start), \"\")\n",
		"		return hit\n",
	},
	{
		"keys are compared with their case beyond ASCII (F70)", "internal/redact/normal.go",
		"func foldCase(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }\n",
		"func foldCase(r rune) rune { _ = unicode.MaxRune; return r }\n",
	},
	{
		"the record does not say how much was masked (F74)", "internal/record/record.go",
		"	if masked > 0 {\n",
		"	if false {\n",
	},
	{
		"the lines below a line of names are not read (F72)", "internal/redact/text.go",
		"		if end := w.columns(text, &k); end > 0 {\n",
		"		if false {\n			end := 0\n",
	},
	{
		"a line of names may have another number of cells than the lines below (F72)", "internal/redact/columns.go",
		"splitCells(text, at, line, mark, &cells) != count",
		"splitCells(text, at, line, mark, &cells) <= column",
	},
	{
		"a list of names is not read with its values (F72)", "internal/redact/tables.go",
		"	if pair.columns.names != 0 {\n",
		"	if pair.columns.names == 1<<32-1 {\n",
	},
	{
		"an authorization code alone is not masked in its API (F72)", "internal/redact/redact.go",
		"	if !codes && clean(r.filter, text) {\n		return text, 0\n	}\n	return r.redact(text, codes)\n}\n\n// redact is",
		"	if clean(r.filter, text) {\n		return text, 0\n	}\n	return r.redact(text, codes)\n}\n\n// redact is",
	},
	{
		"a password ends at its & (F71)", "internal/redact/ends.go",
		"			if endsField(text, i) {\n",
		"			if i >= start || endsField(text, i) {\n",
	},
	{
		"a key with a space between its Chinese characters is no key (F70)", "internal/redact/special.go",
		"	case text[at] == ' ':\n		return 1\n",
		"	case text[at] == ' ':\n		return 0\n",
	},
	{
		"a sentence between a Chinese key and its value hides it (F70)", "internal/redact/loose.go",
		"	if start, end := afterSentence(text, c.end); end > 0 {\n",
		"	if start, end := afterSentence(text, c.end); end > len(text) {\n",
	},
	{
		"what a sentence says about a password hides it (F70)", "internal/redact/loose.go",
		"	if at := qualifierEnd(text, k, c.end); at > 0 {\n",
		"	if at := qualifierEnd(text, k, c.end); at > len(text) {\n",
	},
	{
		"the label of a password is masked (F70)", "internal/redact/json.go",
		"(isNothing(content, k) || isLabel(content))",
		"isNothing(content, k)",
	},
	{
		"the schema of a password is masked (F74)", "internal/redact/json.go",
		"		if k > weak && isSchema(p.text[p.pos:]) {\n",
		"		if k < plain && isSchema(p.text[p.pos:]) {\n",
	},
	{
		"tokens of other services stay (F73)", "internal/redact/issued.go",
		"	if at < from {\n",
		"	if at >= 0 || at < from {\n",
	},
	{
		"the secret in a call of the vendor's SDK stays (F72)", "internal/redact/text.go",
		"	if end = w.client(text, word); end > hit {\n",
		"	if end = w.client(text, word); end > len(text) {\n",
	},
	{
		"the value of an option in a list of arguments stays (F72)", "internal/redact/rows.go",
		"	case r.option > weak && ",
		"	case r.option > header && ",
	},
	{
		"an element with the prefix of a namespace is no key (F72)", "internal/redact/apart.go",
		"	if at > 1 && text[at-1] == ':' {\n",
		"	if at > len(text) && text[at-1] == ':' {\n",
	},
	{
		"of a code and a comma more than the code is masked (F70)", "internal/redact/value.go",
		"	if !assigned && k.digits && !k.password {\n",
		"	if assigned && k.digits && !k.password {\n",
	},
	{
		"Chinese keys in JSON that is escaped are not noticed (F70)", "internal/redact/wide.go",
		">>(low&7)&1 != 0 && escapedWide(text, at) {\n",
		">>(low&7)&1 != 0 && len(text) == 0 {\n",
	},
	{
		"Chinese keys in a form that is escaped are not noticed (F70)", "internal/redact/special.go",
		"		if c := text[at+1] | 0x20; c == 'e' || c == 'd' {\n			return escapedWide(text, at)\n",
		"		if c := text[at+1] | 0x20; c == 'e' || c == 'd' {\n			return false\n",
	},
	{
		"a broken object hides the credentials in it (F70)", "internal/redact/value.go",
		"		w.resume = v + 1 // broken",
		"		w.resume = 0 // broken",
	},
	{
		"a quote in a string of strings is written in one way (F70)", "internal/redact/ends.go",
		"	if opening.mark == '\"' {\n",
		"	if opening.mark == 0 {\n",
	},
	{
		"the element after the one that names a credential stays (F72)", "internal/redact/apart.go",
		"		return w.sibling(text, k)\n",
		"		return 0\n",
	},
	{
		"the columns of a card's table have no names (F70)", "internal/redact/json.go",
		"		k = p.columnKind(raw, depth)\n",
		"		k = plain\n",
	},
	{
		"the ids of a table's columns count outside of it (F71)", "internal/redact/tables.go",
		"	if depth != p.rowDepth && depth != p.rowDepth+1 {\n",
		"	if depth < p.rowDepth {\n",
	},
	{
		"tables in tables are read any number of times (F39)", "internal/redact/tables.go",
		"p.repeated <= maxFailed*(p.pos-p.first)",
		"p.repeated >= 0",
	},
	{
		"what is read a second time is read a third time (F39)", "internal/redact/tables.go",
		"	if p.second {\n",
		"	if p.second && len(p.ids) > maxIDs {\n",
	},
	{
		"a plain password below its column's name stays (F70)", "internal/redact/rows.go",
		"below && p.isPasswordCell(content)",
		"false",
	},
	{
		"a word after a dollar sign is a variable (F70)", "internal/redact/reference.go",
		"		return isVariableName(name) || ",
		"		return isLowerName(name) || ",
	},
	{
		"what a sentence in Russian or German says hides the password after it (F70)", "internal/redact/loose.go",
		"	if at := saidEnd(text, k, c.end); at > 0 {\n",
		"	if at := saidEnd(text, k, c.end); at > len(text) {\n",
	},
	{
		"who changed a password is taken for one (F71)", "internal/redact/sentence.go",
		" || isOneOf(word, actors):",
		":",
	},
	{
		"a code in groups stays (F70)", "internal/redact/value.go",
		"code > 0 && k.digits && !k.extra {",
		"code > len(text) {",
	},
	{
		"a sentence about users is taken for SQL (F71)", "internal/redact/account.go",
		" && !hasDigit(text[v:wordEnd(text, v, true, 0)]) {",
		" && len(text) == 0 {",
	},
	{
		"a word that goes on after its line crashes (F39)", "internal/redact/value.go",
		"	end = min(end, stop) // a word",
		"	end = max(end, v) // a word",
	},
}
