// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package entry takes an answer of list_data apart, leniently: a page and its entries,
// whatever their shape.
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
// The names of members are read leniently, see Members. What is absent or null is
// zero: without data or items a page is empty. Whether a page without has_more is the last
// one is for its reader to decide, see SaysMore.
type Page struct {
	// Code is the Open API's own result code, 0 is success.
	Code int64
	// HasCode is false if this is no answer of the Open API: there is no whole number
	// as code, quoted or not, or it is 0 while data, items, has_more or page_token are of a type
	// that cannot be read, or one of these stands in the answer twice. Such an
	// answer must not count as an empty or last page.
	HasCode bool
	HasMore bool
	// SaysMore is false if there is no has_more, or it is null or empty: the answer does not
	// say whether more pages follow. The API documents that it always does.
	SaysMore bool
	// PageToken asks for the next page. It is a copy, so that it does not keep
	// the page in memory while the next one is fetched.
	PageToken string
	Entries   []Entry

	size    int  // of the answer, bytes
	tooMany bool // more than maxPageEntries
	odd     bool // a member that leads to entries cannot be read, or came twice
}

// ParsePage takes an answer apart in one pass. It fails if body is not JSON, with
// a *jsontext.SyntaxError, which never quotes the body, or if it holds too many
// entries.
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
			} else if s.Value() != "null" {
				p.odd = true
			}
		default:
			s.Value()
		}
	}
	p.odd = p.odd || seen.repeated
}

func (p *Page) readData(s *jsontext.Scanner) {
	var seen Members
	for ok := s.Open('{'); ok; ok = s.More('}') {
		switch seen.Next(s.Key(), pageMember) {
		case memberItems:
			if s.Peek() == '[' {
				p.readItems(s)
			} else if s.Value() != "null" {
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

// MaxPageSize is how many entries the API returns in one page at the most (official
// page of list_data: page_size).
const MaxPageSize = 100

// minEntrySize is less than the size of the entry in the official sample, which
// has no field to spare. In bytes.
const minEntrySize = 256

// maxPageEntries bounds what is kept of one answer. It is a thousand times what a
// page may hold (MaxPageSize), and more than fit into 32 MiB of real entries.
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

// Members of an answer that are read.
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
