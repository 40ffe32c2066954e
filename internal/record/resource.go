// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"net/url"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
	"github.com/feishuaudit/feishuauditreceiver/internal/jsontext"
	"github.com/feishuaudit/feishuauditreceiver/internal/redact"
)

// maxResource limits the length of each attribute of a resource, in bytes. Feishu's own ids have up to about 60.
const maxResource = 128

// named is a resource that a call names: the variable of its path, or the field, that contains the resource's
// id.
type named struct {
	name, value string
	kind        string // feishu.resource.type
}

// putResource puts what the call touched: a single pair of type and id, however many variables the path has,
// because backends index each attribute name. The parent is the resource that the path names before it. Nothing
// that is masked is put.
func (w *recordWriter) putResource(attrs pcommon.Map, it *entry.Entry, apiKey, path string) {
	touched, parent, variables := fromPath(apiKey, path)
	if !variables {
		touched = w.fromFields(it, apiKey)
	}
	id := w.shown(apiKey, touched)
	if id == "" || touched.kind == "" {
		return
	}
	attrs.PutStr("feishu.resource.type", cutAt(touched.kind, maxResource))
	attrs.PutStr("feishu.resource.id", id)
	if id = w.shown(apiKey, parent); id != "" {
		attrs.PutStr("feishu.resource.parent_id", id)
	}
}

// shown is the value if it may be shown: nothing if it is masked, or if values under its name are masked. The
// path itself is not masked by name.
func (w *recordWriter) shown(apiKey string, n named) string {
	if n.value == "" || w.redactor != nil && (strings.Contains(n.value, redact.Mask) || w.redactor.MasksKey(apiKey, n.name)) {
		return ""
	}
	return cutAt(n.value, maxResource)
}

// fromPath compares the template in an api_key with the path of the call, and returns the last variable and the
// one before it. variables reports whether the template has any. If template and path differ in anything else,
// neither is known.
func fromPath(apiKey, path string) (last, parent named, variables bool) {
	start := strings.IndexByte(apiKey, '/')
	if start < 0 || strings.IndexByte(apiKey[start:], ':') < 0 {
		return last, parent, false
	}
	template := strings.TrimSuffix(apiKey[start:], "/")
	for {
		literal := strings.Index(template, "/:") + 1
		if literal == 0 {
			break
		}
		if len(path) < literal || path[:literal] != template[:literal] {
			return named{}, named{}, true
		}
		variables = true
		name, value := template[literal+1:], path[literal:]
		if end := strings.IndexByte(name, '/'); end >= 0 {
			name = name[:end]
		}
		if end := partEnd(value); end >= 0 {
			value = value[:end]
		}
		before := template[:literal-1]
		template, path = template[literal+1+len(name):], path[literal+len(value):]
		if value != "" && value[0] == ':' && value[1:] == name {
			value = "" // the path is the template
		}
		parent, last = last, named{name, value, kindOf(name, before)}
	}
	if end := strings.IndexByte(path, '?'); end >= 0 {
		path = path[:end]
	}
	if end := strings.IndexByte(path, '#'); end >= 0 {
		path = path[:end]
	}
	if path != template && (path == "" || path[:len(path)-1] != template || path[len(path)-1] != '/') {
		return named{}, named{}, variables
	}
	last.value, parent.value = unescaped(last.value), unescaped(parent.value)
	return last, parent, variables
}

// partEnd is the end of a part of a path, -1 at the end of the text.
func partEnd(path string) int {
	for i := range len(path) {
		if c := path[i]; c == '/' || c == '?' || c == '#' {
			return i
		}
	}
	return -1
}

// unescaped is a part of a path with its percent escapes resolved, as in payloads.
func unescaped(part string) string {
	if strings.IndexByte(part, '%') < 0 {
		return part
	}
	if plain, err := url.PathUnescape(part); err == nil {
		return entry.ValidUTF8(plain)
	}
	return part
}

// kindOf is the type that a variable of a path names: file_token is a file, spreadsheetToken a spreadsheet. For
// id and token it is the part of the path before them.
func kindOf(name, path string) string {
	switch name {
	case "id", "token":
		before := path[strings.LastIndexByte(path, '/')+1:]
		if before == "permissions" {
			return "file" // drive: permissions of anything in Drive
		}
		if kind, ok := strings.CutSuffix(before, "ies"); ok {
			return kind + "y"
		}
		return strings.TrimSuffix(before, "s")
	}
	for _, suffix := range [...]string{"_id", "_token", "Id", "Token"} {
		if kind, ok := strings.CutSuffix(name, suffix); ok && kind != "" {
			return kind
		}
	}
	return name
}

// fromFields finds what a call without a variable in its path touched, for the APIs in resourceFields.
func (w *recordWriter) fromFields(it *entry.Entry, apiKey string) named {
	for _, f := range resourceFields[apiKey] {
		if value := fieldOf(it.Fields[f.in], f.name); value != "" {
			return named{lastName(f.name), value, f.kindOf(value)}
		}
	}
	return named{}
}

func lastName(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// fieldOf finds the value of a member in query_param or payload, which may be a string with JSON or a query
// string in it, or JSON itself. Dots in name lead into objects. If several members have one name, the first one
// counts; of an array, the first element. If the text is broken, what comes before the break counts.
func fieldOf(field, name string) string {
	if entry.IsEmpty(field) {
		return ""
	}
	if value, ok := firstMember(field, name); ok {
		return value
	}
	copied := field[0] == '"'
	if copied && !mayHave(field, name) {
		return ""
	}
	if copied {
		field = jsontext.Unquote(field)
		if field == "" {
			return ""
		}
	}
	s := jsontext.NewScanner(field)
	if s.Peek() != '{' {
		return parameter(field, name)
	}
	text := find(s, name)
	value, _ := entry.ParseText(text)
	if copied {
		value = strings.Clone(value) // so that it does not keep the whole payload
	}
	return value
}

// mayHave reports whether a string may have a member of that name: it contains the name, or escapes that may
// hide it.
func mayHave(field, name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	return strings.Contains(field, last) || strings.Contains(field, `\u`)
}

// firstMember reads a member that is the first one of an object in a string and has a plain value. Most are like
// this, and nothing is copied.
func firstMember(field, name string) (string, bool) {
	rest, ok := strings.CutPrefix(field, `"{\"`)
	if !ok {
		return "", false
	}
	if rest, ok = strings.CutPrefix(rest, name); !ok {
		return "", false
	}
	if rest, ok = strings.CutPrefix(rest, `\":\"`); !ok {
		return "", false
	}
	end := strings.IndexByte(rest, '\\')
	if end < 0 || !strings.HasPrefix(rest[end:], `\"`) {
		return "", false
	}
	return entry.ValidUTF8(rest[:end]), true
}

// find returns the JSON text of the member that name leads to, "" if there is none.
func find(s *jsontext.Scanner, name string) string {
	for s.Peek() == '[' {
		if !s.Open('[') {
			return ""
		}
	}
	if name == "" {
		text := s.Value()
		if s.Err() != nil || text == "" || s.Pos() == 0 {
			return ""
		}
		return text
	}
	if s.Peek() != '{' {
		return ""
	}
	first, rest, _ := strings.Cut(name, ".")
	for ok := s.Open('{'); ok; ok = s.More('}') {
		if s.Key() == first {
			return find(s, rest)
		}
		s.Value()
	}
	return ""
}

// parameter returns the value of a query string's parameter.
func parameter(query, name string) string {
	for pair := range strings.SplitSeq(strings.TrimPrefix(query, "?"), "&") {
		if value, ok := strings.CutPrefix(pair, name); ok && strings.HasPrefix(value, "=") {
			if plain, err := url.QueryUnescape(value[1:]); err == nil {
				return strings.Clone(entry.ValidUTF8(plain))
			}
		}
	}
	return ""
}
