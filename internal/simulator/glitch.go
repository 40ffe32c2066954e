// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"fmt"
	"net/http"
	"strconv"
)

// glitches is the server's state of temporary faults: an answer that has less than it should, and is correct
// when it is requested again.
type glitches struct {
	// silent counts answers without data or has_more in a row, by the page asked for. Once it has maxSilent pages,
	// it becomes older, so that the pages that are being asked for are not forgotten.
	silent, older map[string]int
	// wrongDate has the receivers, by the app_id of their filter, whose last answer had a wrong Date: receivers
	// that share an app each have their own answers.
	wrongDate map[string]bool
}

// mostSilent is how often in a row a page is answered without data, or without has_more. An answer that never
// changes is the API's own way to write that there is nothing.
const mostSilent = 2

// maxSilent limits the pages that are remembered.
const maxSilent = 1 << 10

// strikePage finds the fault that applies while a page is made.
func (s *Server) strikePage(a *answer, req listRequest) *Fault {
	number := func(n *int64) string {
		if n == nil {
			return ""
		}
		return strconv.FormatInt(*n, 10)
	}
	// The page with any token: a token for one use is different each time.
	place := 0
	if c, err := unseal(req.PageToken); err == nil {
		place = c.Page
	}
	asked := fmt.Sprint(a.call.AppID, " ", number(req.StartTime), " ", number(req.EndTime), " ", req.AppID, req.APIKeys, req.PageSize, " ", place)
	f := s.strike(a, stagePage, func(f *Fault) bool { return f.isSilent() && s.glitches.inARow(asked) >= mostSilent })
	if f == nil || !f.isSilent() {
		delete(s.glitches.silent, asked)
		delete(s.glitches.older, asked)
		return f
	}
	s.glitches.note(asked)
	return f
}

// inARow is how many answers in a row for a page were without data or has_more.
func (g *glitches) inARow(asked string) int { return max(g.silent[asked], g.older[asked]) }

func (g *glitches) note(asked string) {
	n := g.inARow(asked) + 1
	if g.silent == nil || len(g.silent) >= maxSilent {
		g.silent, g.older = map[string]int{}, g.silent
	}
	g.silent[asked] = n
}

// isSilent reports whether the fault omits whether more pages follow.
func (f *Fault) isSilent() bool {
	switch f.Kind {
	case FaultNoData, FaultNullData, FaultEmptyData, FaultNoHasMore:
		return true
	}
	return false
}

// withoutData answers with a success without contents, if that is what the kind does.
func (a *answer) withoutData(kind FaultKind) bool {
	texts := map[FaultKind]string{
		FaultNoData:    `{"code":0,"msg":"success"}`,
		FaultNullData:  `{"code":0,"msg":"success","data":null}`,
		FaultEmptyData: `{"code":0,"msg":"success","data":{}}`,
	}
	text, ok := texts[kind]
	if ok {
		a.body(http.StatusOK, []byte(text))
		a.call.Code = 0
	}
	return ok
}
