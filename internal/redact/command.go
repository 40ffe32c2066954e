// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"bytes"
	"strings"
)

// shortOptions are options that are credentials in one command and something else in others: -p is a port, a
// path or a password. So the command must be before the option, on the same line.
var shortOptions = []struct {
	command, option string
	attached        bool // -px
	user            bool // user:password
	pair            bool // name=value
}{
	{command: "curl", option: "-u", attached: true, user: true}, // curl(1)
	{command: "curl", option: "--user", user: true},
	{command: "curl", option: "-U", attached: true, user: true},
	{command: "curl", option: "-b", pair: true}, // or a file
	{command: "curl", option: "--cookie", pair: true},
	{command: "curl", option: "--proxy-user", user: true},
	{command: "http", option: "-a", user: true},        // HTTPie
	{command: "sshpass", option: "-p", attached: true}, // sshpass(1)
	{command: "login", option: "-p", attached: true},   // docker, podman, helm registry
	{command: "redis-cli", option: "-a"},               // its manual
	{command: "redis-cli", option: "--pass"},
	{command: "7z", option: "-p", attached: true},
	{command: "zip", option: "-P"}, // zip(1), unzip(1)
	{command: "useradd", option: "-p"},
	{command: "usermod", option: "-p"},
	{command: "mongo", option: "-p"},                   // mongosh, mongodump
	{command: "ldap", option: "-w"},                    // ldapsearch(1)
	{command: "mysql", option: "-p", attached: true},   // mysql's manual: no blank before the password
	{command: "mariadb", option: "-p", attached: true}, // the same
	{command: "clickhouse", option: "--password"},      // listed here because of its short form
	{command: "openssl", option: "-k"},                 // openssl-enc(1)
	{command: "beeline", option: "-p"},
	{command: "sqlcmd", option: "-P"},
	{command: "smbclient", option: "-U", user: true},         // user%password
	{command: "openssl", option: "-passin", attached: false}, // pass:x
	{command: "openssl", option: "-passout", attached: false},
}

const (
	maxCommand = 200 // how far before an option its command may be
	maxCluster = 6   // maximum length of combined one-letter options, with their hyphen
)

// isShortOption reports whether one of shortOptions is at the hyphen text[at].
func isShortOption[T string | []byte](text T, at int) bool { return shortOption(text, at) >= 0 }

func shortOption[T string | []byte](text T, at int) int {
	if at == 0 || at+2 >= len(text) || !isBlank(text[at-1]) && text[at-1] != '"' && text[at-1] != '\'' && text[at-1] != '\n' {
		return -1
	}
	found := -1
	for i := range shortOptions {
		o := &shortOptions[i]
		end := optionEnd(text, at, o.option)
		if end == at {
			continue
		}
		if end == len(text) || !o.attached && !isBlank(text[end]) && text[end] != '=' && text[end] != '\\' && !isQuoteMark(text[end]) {
			continue
		}
		if isCommandBefore(text, at, o.command) {
			found = i
			break
		}
	}
	return found
}

// optionEnd returns the end of the option at text[at], which may follow other one-letter options, as in -su, or
// at.
func optionEnd[T string | []byte](text T, at int, option string) int {
	if hasPrefixAt(text, at, option) {
		return at + len(option)
	}
	if len(option) != 2 || option == "-p" || option == "-P" {
		return at // -p is often attached to its value
	}
	end := at + 1
	for end < len(text) && end < at+maxCluster && isLetter(text[end]) {
		end++
	}
	if end-at > 2 && end < len(text) && isBlank(text[end]) && text[end-1] == option[1] {
		return end
	}
	return at
}

// isCommandBefore reports whether a command stands before text[at] on its line.
func isCommandBefore[T string | []byte](text T, at int, command string) bool {
	line := string(text[max(0, at-maxCommand):at])
	if i := strings.LastIndexByte(line, '\n'); i >= 0 && !strings.HasSuffix(strings.TrimRight(line[:i], " \r"), `\`) {
		line = line[i+1:]
	}
	return strings.Contains(line, command)
}

// option masks the value of a short option, or of SQL's IDENTIFIED BY, at a hit. It
// returns the value's end, or hit.
func (w *walker) option(text []byte, hit int, word span) int {
	if name := text[word.start:word.end]; equalFold(name, "identified") {
		return w.identifiedBy(text, hit, word.end)
	} else if start := word.start - len("identified "); equalFold(name, "by") && start >= 0 && equalFold(text[start:word.start-1], "identified") {
		return w.identifiedBy(text, hit, word.start)
	}
	if text[hit] != '-' {
		return hit
	}
	i := shortOption(text, hit)
	if i < 0 {
		return hit
	}
	o := &shortOptions[i]
	v := optionEnd(text, hit, o.option)
	blank := v
	for v < len(text) && (isBlank(text[v]) || text[v] == '=') {
		v++
	}
	if v == len(text) || o.command == "mysql" && v > blank || o.command == "mariadb" && v > blank {
		return hit
	}
	start, end, quoted := literalAt(text, v)
	if !quoted {
		end = wordEnd(text, v, true, 0)
	}
	if o.user {
		sep := byte(':')
		if o.command == "smbclient" {
			sep = '%'
		}
		i := bytes.IndexByte(text[start:end], sep)
		if i < 0 {
			return hit
		}
		start += i + 1
	}
	if o.pair {
		i := bytes.IndexByte(text[start:end], '=')
		if i < 0 {
			return hit
		}
		if start += i + 1; bytes.IndexByte(text[start:end], '=') > 0 {
			start -= i + 1 // several: all of them
		}
	}
	if bytes.HasPrefix(text[start:end], []byte("pass:")) {
		start += len("pass:")
	}
	if value := text[start:end]; len(value) == 0 || value[0] == '-' || isPlaceholder(value) || hasMaskPrefix(value) || w.isVariable(value) || placeholderEnd(text, start) > start {
		return hit
	} else if o.command == "login" && v == blank && !isStrong(value, minStrong) {
		return hit // another option
	}
	return w.mask(text, start, end, "")
}

// identifiedBy masks the password of a user in SQL.
func (w *walker) identifiedBy(text []byte, hit, at int) int {
	i := skipBlanks(text, at)
	for _, word := range []string{"by", "password"} {
		if len(text)-i > len(word) && equalFold(text[i:i+len(word)], word) {
			i = skipBlanks(text, i+len(word))
		}
	}
	switch start, end, ok := literalAt(text, i); {
	case i == at:
	case ok:
		return w.mask(text, start, end, "")
	case i < len(text) && isAccount(text, hit):
		return w.bareWord(text, hit, i)
	}
	return hit
}
