// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package entry parses an answer of list_data leniently: a page and its entries, in any form.
package entry

import (
	"fmt"
	"iter"
	"strings"

	"github.com/feishuaudit/feishuauditreceiver/internal/jsontext"
)

// Page is one parsed answer of list_data. The texts of its entries are parts of one
// copy of the answer.
//
// The names of members are read leniently, see Members. Absent or null members are zero: without data or items a
// page is empty. Whether a page without has_more is the last one is decided by its reader, see SaysMore.
type Page struct {
	// Code is the Open API's own result code; 0 is success.
	Code int64
	// HasCode is false if this is not an answer of the Open API: code is not a whole number, quoted or not; or
	// it is 0, but data, items, has_more or page_token has a type that cannot be read or occurs twice. Such an
	// answer must not count as an empty or last page.
	HasCode bool
	HasMore bool
	// SaysMore is false if has_more is absent, null or empty: the answer does not say whether more pages follow.
	// According to the documentation it always does.
	SaysMore bool
	// PageToken is the token of the next page. It is a copy, so that it does not keep the page in memory while
	// the next one is requested.
	PageToken string
	Entries   []Entry

	size    int  // of the answer, bytes
	tooMany bool // more than maxPageEntries
	odd     bool // a member that leads to entries cannot be read, or occurred twice
}

// ParsePage parses an answer in one pass. It fails if body is not JSON, with a *jsontext.SyntaxError, which
// never quotes the body, or if it has too many entries.
func ParsePage(body []byte) (*Page, error) {
	p := &Page{size: len(body)}
	s := jsontext.NewScanner(string(body))
	if s.Peek() == '{' {
		p.read(s)
	} else {
		s.Value()
	}
	s.End()
	if err := s.Err(); err != nil {
		return nil, err
	}
	if p.tooMany {
		return nil, errTooManyEntries
	}
	if p.odd && p.Code == 0 {
		p.HasCode = false
	}
	return p, nil
}

func (p *Page) read(s *jsontext.Scanner) {
	var seen Members
	for ok := s.Open('{'); ok; ok = s.More('}') {
		switch seen.Next(s.Key(), pageMember) {
		case memberCode:
			p.Code, p.HasCode = ParseCode(s.Value())
		case memberData:
			if s.Peek() == '{' {
				p.readData(s)
			} else if !isNothing(s.Value()) {
				p.odd = true
			}
		default:
			s.Value()
		}
	}
	p.odd = p.odd || seen.repeated
}

// isNothing reports whether a JSON text that should be an object or an array holds nothing: null, or how
// languages without types write it if it is empty.
func isNothing(text string) bool {
	if len(text) < 2 || text[0] != '[' && text[0] != '{' && text[0] != '"' {
		return text == "null"
	}
	return strings.TrimSpace(text[1:len(text)-1]) == ""
}

func (p *Page) readData(s *jsontext.Scanner) {
	var seen Members
	for ok := s.Open('{'); ok; ok = s.More('}') {
		switch seen.Next(s.Key(), pageMember) {
		case memberItems:
			if s.Peek() == '[' {
				p.readItems(s)
			} else if !isNothing(s.Value()) {
				p.odd = true
			}
		case memberHasMore:
			text := s.Value()
			more, ok := parseBool(text)
			p.HasMore, p.SaysMore, p.odd = more, !IsEmpty(text), p.odd || !ok
		case memberPageToken:
			token, ok := ParseText(s.Value())
			p.PageToken, p.odd = strings.Clone(token), p.odd || !ok
		default:
			s.Value()
		}
	}
	p.odd = p.odd || seen.repeated
}

// IDs are the identities of the items.
func (p *Page) IDs() iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range p.Entries {
			if !yield(p.Entries[i].Identity()) {
				return
			}
		}
	}
}

// MaxPageSize is the largest number of entries that the API returns in one page (official page of list_data:
// page_size).
const MaxPageSize = 100

// minEntrySize is less than the size of the entry in the official sample, which has no unnecessary field. In
// bytes.
const minEntrySize = 256

// maxPageEntries limits the number of entries of one answer. It is a thousand times what a page may have
// (MaxPageSize), and more real entries than fit into 32 MiB.
const maxPageEntries = 1 << 17

var errTooManyEntries = fmt.Errorf("a page of more than %d entries", maxPageEntries)

func (p *Page) readItems(s *jsontext.Scanner) {
	var known KnownKeys
	for ok := s.Open('['); ok; ok = s.More(']') {
		if len(p.Entries) == maxPageEntries {
			p.tooMany = true
			s.Value()
			continue
		}
		if p.Entries == nil {
			p.Entries = make([]Entry, 0, min(MaxPageSize, (p.size-s.Pos())/minEntrySize+1))
		}
		p.Entries = append(p.Entries, Entry{PageBytes: p.size})
		p.Entries[len(p.Entries)-1].Read(s, &known)
	}
}

// Members of an answer that are read:
const (
	memberCode = iota + 1
	memberData
	memberItems
	memberHasMore
	memberPageToken
)

func pageMember(name string) int {
	switch name {
	case "code":
		return memberCode
	case "data":
		return memberData
	case "items":
		return memberItems
	case "has_more":
		return memberHasMore
	case "page_token":
		return memberPageToken
	}
	return 0
}
