// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/fnv"
	"slices"
	"time"
)

// samplePageToken is the page_token of the official sample request. It counts as none, so that the request works
// as printed.
const samplePageToken = "xxx"

// cursor is a place in a walk. A page token is a sealed cursor, so the server stores nothing about walks, and
// tokens survive its restart.
type cursor struct {
	Issued int64  `json:"i"` // Unix milliseconds of the server's clock
	Nonce  uint32 `json:"x"` // makes each token unique
	Query  uint64 `json:"q"` // hash of the request and its app
	Walk   uint64 `json:"w"` // seed of the shuffled order
	AsOf   int64  `json:"a"` // Unix nanoseconds: the snapshot
	Seq    int64  `json:"e"` // of the snapshot's last explicit entry
	Next   *ref   `json:"n,omitempty"`
	Page   int    `json:"p,omitempty"` // pages before it
	Offset int    `json:"o,omitempty"` // in shuffled order and with live paging
}

// cursorOf opens the request's page token, or starts a walk.
func (s *Server) cursorOf(a *answer, req listRequest) (cursor, error) {
	asked := hashRequest(req, a.call.AppID)
	if req.PageToken == "" || req.PageToken == samplePageToken {
		return cursor{Query: asked, Walk: s.rng.Uint64(), AsOf: a.now.UnixNano(), Seq: s.log.store.seq}, nil
	}
	c, err := unseal(req.PageToken)
	switch {
	case err != nil:
		return c, err
	case s.opts.PageTokenLife > 0 && a.now.Sub(time.UnixMilli(c.Issued)) > s.opts.PageTokenLife:
		return c, errors.New("page token expired")
	case c.Query != asked && !s.opts.LenientPageTokens:
		return c, errors.New("page token of another query")
	case s.opts.OncePageTokens && s.useToken(req.PageToken):
		return c, errors.New("page token was used")
	}
	return c, nil
}

// keptTokens limits how many used page tokens are remembered.
const keptTokens = 1000

// useToken remembers a page token and reports whether it was used before.
func (s *Server) useToken(token string) bool {
	if slices.Contains(s.usedTokens, token) {
		return true
	}
	s.usedTokens = append(s.usedTokens, token)
	s.usedTokens = s.usedTokens[max(0, len(s.usedTokens)-keptTokens):]
	return false
}

// hashRequest covers everything that must be the same on all pages.
func hashRequest(req listRequest, app string) uint64 {
	req.PageSize, req.PageToken = 0, ""
	h := fnv.New64a()
	_ = json.NewEncoder(h).Encode(req) // no part of this can fail
	h.Write([]byte(app))
	return h.Sum64()
}

// seal makes a page token. Like real ones it may have characters that need escaping in a URL.
func (s *Server) seal(c cursor, now time.Time) string {
	c.Issued, c.Nonce = now.UnixMilli(), s.rng.Uint32()
	c.Page++
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // a struct of numbers can always be marshalled
	}
	return base64.StdEncoding.EncodeToString(append(checksum(b), b...))
}

func unseal(token string) (cursor, error) {
	var c cursor
	b, err := base64.StdEncoding.DecodeString(token)
	if err != nil || len(b) < 8 || string(checksum(b[8:])) != string(b[:8]) || json.Unmarshal(b[8:], &c) != nil {
		return c, errors.New("page token is invalid")
	}
	return c, nil
}

// checksum distinguishes our page tokens from other texts; it need not prevent forgery.
func checksum(b []byte) []byte {
	h := fnv.New64a()
	h.Write([]byte("page token"))
	h.Write(b)
	return binary.LittleEndian.AppendUint64(nil, mix(h.Sum64()))
}

// page is one page of a walk. Token leads to the next page, even if there is none.
type page struct {
	refs  []ref
	token string
	more  bool
	// silent omits whether there is more.
	silent bool
}

// page reads the page at the cursor.
func (s *Server) page(q query, c cursor, size int, now time.Time) (page, error) {
	v := view{asOf: time.Unix(0, c.AsOf), seq: c.Seq}
	if s.opts.MostPerPage > 0 {
		size = min(size, s.opts.MostPerPage)
	}
	live := s.opts.Paging == Live
	if live {
		v = view{asOf: now, seq: s.log.store.seq}
	}
	var refs []ref // the page and, if there is one, the entry after it
	switch s.opts.Order {
	case Shuffled:
		all, ok := s.shuffled(q, v, c, live)
		if !ok {
			return page{}, errTooMany
		}
		refs = all[min(c.Offset, len(all)):min(c.Offset+size+1, len(all))]
	default:
		skip, start := 0, c.Next
		if live {
			skip, start = c.Offset, nil
		}
		s.log.scan(q, v, s.opts.Order == Descending, start, func(r ref) bool {
			if skip--; skip >= 0 {
				return true
			}
			refs = append(refs, r)
			return len(refs) <= size
		})
	}

	p := page{refs: refs, more: len(refs) > size || s.opts.FullPageHasMore && len(refs) == size}
	next := c
	if len(refs) > size {
		p.refs = refs[:size]
		// A page advances by at least one entry, otherwise the walk would not end.
		overlap := min(s.opts.PageOverlap, size-1)
		next.Next = &refs[size-overlap]
		next.Offset += size - overlap
	} else {
		next.Offset += len(refs)
		next.Next = s.after(refs, c)
	}
	p.token = s.seal(next, now)
	return p, nil
}

// after is the place after the last entry of a walk, where nothing follows.
func (s *Server) after(refs []ref, c cursor) *ref {
	if len(refs) == 0 {
		return c.Next
	}
	last := refs[len(refs)-1]
	if s.opts.Order == Descending {
		last.N--
	} else {
		last.N++
	}
	return &last
}

// shuffle is the order of a walk, cached because it is expensive to compute.
type shuffle struct {
	walk uint64
	refs []ref
}

// keptShuffles limits how many walks in shuffled order are cached.
const keptShuffles = 4

func (s *Server) shuffled(q query, v view, c cursor, live bool) ([]ref, bool) {
	if live { // changes from call to call
		return s.log.shuffled(q, v, c.Walk)
	}
	// A lenient server accepts the page token with other bounds.
	key := c.Walk ^ mix(c.Query) ^ mix(uint64(q.from))*3 ^ mix(uint64(q.to))*5
	if i := slices.IndexFunc(s.shuffles, func(sh shuffle) bool { return sh.walk == key }); i >= 0 {
		return s.shuffles[i].refs, true
	}
	refs, ok := s.log.shuffled(q, v, c.Walk)
	if ok {
		s.shuffles = append(s.shuffles, shuffle{key, refs})
		s.shuffles = s.shuffles[max(0, len(s.shuffles)-keptShuffles):]
	}
	return refs, ok
}
