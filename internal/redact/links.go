// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "bytes"

// This file masks the parts of links that are credentials: the password before the host (RFC 3986, 3.2.1), the
// last part of a bot's hook, the code of a temporary download. Signatures of signed links are keys of names.go.

const (
	maxUserinfo = 256
	maxLink     = 512
)

// link masks such a part of a link at a hit. It returns its end, or hit.
func (w *walker) link(text []byte, from, hit int, word span) int {
	switch c := text[hit]; {
	case c == ':' && bytes.HasPrefix(text[hit:], []byte("://")):
		return w.userinfo(text, hit)
	case c == '@':
		return w.dataSource(text, from, hit)
	}
	name := text[word.start:word.end]
	switch {
	case equalFold(name, "hooks") && byteAt(text, word.end) == '.': // of Slack, and hosts like it
		if path := bytes.IndexByte(text[word.end:linkEnd(text, word.end)], '/'); path > 0 {
			return w.hook(text, hit, word.end+path)
		}
	case word.end == len(text) || text[word.end] != '/':
	case hasSuffixFold(name, "hook"), hasSuffixFold(name, "hooks"):
		return w.hook(text, hit, word.end)
	case hasSuffixFold(name, "authcode"):
		return w.downloadCode(text, hit, word.end)
	}
	return hit
}

func hasSuffixFold(word []byte, suffix string) bool {
	return len(word) >= len(suffix) && equalFold(word[len(word)-len(suffix):], suffix)
}

// userinfo masks the password in scheme://user:password@host, or a user without password that looks like a
// token.
func (w *walker) userinfo(text []byte, hit int) int {
	start := hit + len("://")
	end := userinfoEnd(text, start)
	if end == 0 {
		return hit
	}
	if i := bytes.IndexByte(text[start:end], ':'); i >= 0 {
		start += i + 1
	} else if !isStrong(text[start:end], 2*minStrong) {
		return hit
	}
	if value := text[start:end]; len(value) == 0 || isPlaceholder(value) || hasMaskPrefix(value) {
		return hit
	}
	return w.mask(text, start, end, "")
}

// userinfoEnd returns where a user and password that may begin at text[at] end: at the last @ before the host's
// end, or 0. It handles the escapes of @ and of characters that end a host, because the filter uses it, too.
func userinfoEnd[T string | []byte](text T, at int) int {
	end := 0
	for i := at; i < len(text) && i < at+maxUserinfo; i++ {
		switch c := text[i]; {
		case c == '@':
			end = i
		case c == '%' && hasPrefixAt(text, i, "%40"), c == '\\' && hasPrefixAt(text, i, `\u0040`):
			if end == 0 {
				end = i
			}
		case c <= ' ', c == '/', c == '"', c == '<', c == '>', c == '?', c == '#':
			if c == '/' && i == at { // a part of a path of // only
				continue
			}
			return end
		}
	}
	return end
}

// dataSource masks the password in user:password@tcp(host), the form of Go's drivers.
func (w *walker) dataSource(text []byte, from, hit int) int {
	if !hasPrefixAt(text, hit, "@tcp(") && !hasPrefixAt(text, hit, "@unix(") {
		return hit
	}
	start := -1
	for i := hit; i > from && hit-i < maxUserinfo && text[i-1] > ' ' && !isQuoteMark(text[i-1]); i-- {
		if text[i-1] == ':' {
			start = i
		}
		if text[i-1] == '=' {
			break
		}
	}
	if start < 0 || isPlaceholder(text[start:hit]) || hasMaskPrefix(text[start:hit]) {
		return hit
	}
	return w.mask(text, start, hit, "")
}

// hook masks the last part of the path after /hook: whoever knows it can post as the bot. The names of APIs
// below a hook are kept.
func (w *walker) hook(text []byte, hit, at int) int {
	end := linkEnd(text, at)
	path := end
	if i := bytes.IndexAny(text[at:end], "?#"); i >= 0 {
		path = at + i
	}
	start := at + bytes.LastIndexByte(text[at:path], '/') + 1
	if i := bytes.Index(text[at:path], []byte("/IncomingWebhook/")); i >= 0 { // of Microsoft, with two parts
		start = at + i + len("/IncomingWebhook/")
	}
	if last := text[start:path]; isPlaceholder(last) {
		return hit
	} else if isStrong(last, minStrong) || len(last) >= 2*minStrong && last[0] != ':' && last[0] != '{' {
		return w.mask(text, start, path, "")
	}
	if i := bytes.Index(text[path:end], []byte("?key=")); i >= 0 && !hasMaskPrefix(text[path+i+len("?key="):]) {
		return w.mask(text, path+i+len("?key="), parameterEnd(text, path+i+1, end), "")
	}
	return hit
}

// downloadCode masks the code in Feishu's links for a temporary download: V
// drive-v1/media/batch_get_tmp_download_url.md.
func (w *walker) downloadCode(text []byte, hit, at int) int {
	end := linkEnd(text, at)
	for i := at; i < end; i++ {
		if (text[i] == '?' || text[i] == '&') && bytes.HasPrefix(text[i+1:end], []byte("code=")) {
			start := i + 1 + len("code=")
			if hasMaskPrefix(text[start:]) {
				return hit
			}
			return w.mask(text, start, parameterEnd(text, start, end), "")
		}
	}
	return hit
}

// linkEnd returns the end of the link of text[at].
func linkEnd(text []byte, at int) int {
	end := at
	for end < len(text) && end < at+maxLink && text[end] > ' ' && text[end] < 0x80 && bytes.IndexByte([]byte("\"'<>)]}`\\"), text[end]) < 0 {
		end++
	}
	for end > at && bytes.IndexByte([]byte(".,;"), text[end-1]) >= 0 {
		end--
	}
	return end
}

// parameterEnd returns the end of the parameter of a link at text[at].
func parameterEnd(text []byte, at, end int) int {
	if i := bytes.IndexAny(text[at:end], "&#"); i >= 0 {
		return at + i
	}
	return end
}
