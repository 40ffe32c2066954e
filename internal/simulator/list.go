// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// readScope is the scope without which list_data is refused.
const readScope = "security_and_compliance:audit_log.openapi_log:readonly"

// Limits of the request. The default page size is the one of the official sample; the documentation has none.
const (
	maxPageSize     = 100
	maxAPIKeys      = 100
	defaultPageSize = 20
)

// serveList answers list_data.
func (s *Server) serveList(a *answer, r *http.Request, body []byte) {
	req, violation := parseListRequest(body)
	req.note(&a.call)
	a.page = pageOf(req.PageToken)
	if s.strikeGateway(a) {
		return
	}
	defer s.strikeBody(a)

	if !s.authorize(a, r.Header.Get("Authorization")) {
		return
	}
	if !s.withinRate(a) || !s.withinQuota(a) {
		return
	}
	if s.strikeAPI(a, r, req) {
		return
	}
	if violation == nil {
		violation = s.serveQuery(a, req)
	}
	if violation != nil {
		a.failWith(http.StatusBadRequest, 1780103, "Request Param Error", errorDetail{FieldViolations: []fieldViolation{*violation}})
		return
	}
	s.quota.used++
	if s.opts.LogOwnCalls {
		s.logOwnCall(a, r, body)
	}
}

// strikeAPI handles the faults that replace the API's answer.
func (s *Server) strikeAPI(a *answer, r *http.Request, req listRequest) bool {
	f := s.strike(a, stageAPI, func(f *Fault) bool { return f.Kind == FaultPageTokenRefused && req.PageToken == "" })
	if f == nil {
		return false
	}
	scopeMsg := fmt.Sprintf("Access denied. One of the following scopes is required: [%s].应用尚未开通所需的应用身份权限:[%s],点击链接申请并开通任一权限即可:"+
		"https://open.feishu.cn/app/%s/auth?q=%s&op_from=openapi&token_type=tenant", readScope, readScope, a.call.AppID, readScope)
	switch f.Kind {
	case FaultError:
		a.fail(statusOr(f.Status, http.StatusBadRequest), f.Code, f.Msg)
	case FaultInternal:
		a.fail(statusOr(f.Status, http.StatusInternalServerError), 1780001, "Internal Server Error")
	case FaultInvalidParam:
		a.fail(statusOr(f.Status, http.StatusBadRequest), 1780103, "Request Param Error")
	case FaultPageTokenRefused:
		a.failWith(statusOr(f.Status, http.StatusBadRequest), 1780103, "Request Param Error", errorDetail{
			FieldViolations: []fieldViolation{{"page_token", req.PageToken, "page token expired"}},
		})
	case FaultTokenInvalid:
		a.fail(statusOr(f.Status, s.opts.TokenErrorStatus), 99991663, "Invalid access token for authorization. Please make a request with token attached.")
	case FaultIPRefused:
		ip, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			ip = r.RemoteAddr
		}
		a.fail(statusOr(f.Status, http.StatusBadRequest), 99991401, fmt.Sprintf("ip %s is denied by app setting", ip))
	case FaultMissingScope:
		a.failWith(statusOr(f.Status, http.StatusBadRequest), 99991672, scopeMsg, errorDetail{
			Message:              "Refer to the documentation to fix the error: https://open.feishu.cn/document/uAjLw4CM/ugTN1YjL4UTN24CO1UjN/trouble-shooting/how-to-fix-99991672-error",
			PermissionViolations: []map[string]string{{"type": "action_scope_required", "subject": readScope}},
		})
	case FaultMissingScopeOld:
		a.failWith(statusOr(f.Status, http.StatusBadRequest), 99991672, scopeMsg, errorDetail{
			PermissionViolations: []map[string]string{{"scope": readScope, "url": "https://open.feishu.cn/app/" + a.call.AppID + "/auth?q=" + readScope}},
		})
	case FaultRateLimited:
		s.refuseRate(a, statusOr(f.Status, s.opts.RateStatus), 30*time.Second)
	case FaultQuotaExceeded:
		refuseQuota(a, statusOr(f.Status, http.StatusTooManyRequests))
	}
	return true
}

// listRequest is the request body. Nil bounds were omitted.
type listRequest struct {
	APIKeys            []string
	StartTime, EndTime *int64
	AppID              string
	PageSize           int
	PageToken          string
}

// parseListRequest reads and checks the body. Unknown keys are ignored, null counts as omitted, and an integer
// in quotes is not an integer.
func parseListRequest(body []byte) (req listRequest, violation *fieldViolation) {
	req.PageSize = defaultPageSize
	if len(bytes.TrimSpace(body)) == 0 {
		return req, nil
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return req, &fieldViolation{"body", "", "not a JSON object"}
	}
	read := func(name string, into any) {
		raw, ok := fields[name]
		if !ok || violation != nil {
			return
		}
		if err := json.Unmarshal(raw, into); err != nil {
			violation = &fieldViolation{name, string(raw), "wrong type"}
		}
	}
	read("api_keys", &req.APIKeys)
	read("start_time", &req.StartTime)
	read("end_time", &req.EndTime)
	read("app_id", &req.AppID)
	read("page_size", &req.PageSize)
	read("page_token", &req.PageToken)
	switch {
	case violation != nil:
	case len(req.APIKeys) > maxAPIKeys:
		violation = &fieldViolation{"api_keys", strconv.Itoa(len(req.APIKeys)), "the length is more than 100"}
	case req.PageSize < 1 || req.PageSize > maxPageSize:
		violation = &fieldViolation{"page_size", strconv.Itoa(req.PageSize), "out of the range 1 to 100"}
	}
	return req, violation
}

// note copies the request to the log of calls.
func (r *listRequest) note(c *Call) {
	if r.StartTime != nil {
		c.StartTime = *r.StartTime
	}
	if r.EndTime != nil {
		c.EndTime = *r.EndTime
	}
	c.PageSize, c.PageToken = r.PageSize, r.PageToken
	c.FilterAPIKeys, c.FilterAppID = slices.Clone(r.APIKeys), r.AppID
}

// bounds finds the requested event times, both ends included, or the reason to refuse them. Without an end_time
// they end at asOf.
func (s *Server) bounds(req listRequest, now, asOf time.Time) (from, to int64, violation *fieldViolation) {
	to = asOf.Unix()
	if req.EndTime != nil {
		to = min(*req.EndTime, math.MaxInt64-1) // so that one can be added
	}
	switch {
	case req.StartTime != nil:
		from = *req.StartTime
	case s.opts.Tenant.endless():
		from = to - int64(24*time.Hour/time.Second)
	}
	oldest := now.Add(-s.opts.Retention).Unix()
	refuse := func(field string, value int64, why string) (int64, int64, *fieldViolation) {
		return 0, 0, &fieldViolation{field, strconv.FormatInt(value, 10), why}
	}
	switch {
	case from < 0:
		return refuse("start_time", from, "negative")
	case from > to:
		return refuse("start_time", from, "later than end_time")
	case s.opts.RefuseFuture && to > now.Unix():
		return refuse("end_time", to, "later than now")
	case s.opts.MaxWindow > 0 && to-from > int64(s.opts.MaxWindow/time.Second):
		return refuse("end_time", to, "time range too long")
	case s.opts.RefuseExpired && req.StartTime != nil && from < oldest:
		return refuse("start_time", from, "older than the data is kept")
	}
	if s.opts.Retention > 0 {
		from = max(from, oldest)
	}
	if s.opts.StartExclusive && req.StartTime != nil {
		from++
	}
	if s.opts.EndExclusive && req.EndTime != nil {
		to--
	}
	return from, to, nil
}

// serveQuery answers with a page, or returns the reason to refuse the request.
func (s *Server) serveQuery(a *answer, req listRequest) *fieldViolation {
	c, err := s.cursorOf(a, req)
	if err != nil {
		return &fieldViolation{"page_token", req.PageToken, err.Error()}
	}
	asOf := a.now
	if s.opts.Paging == Snapshot {
		asOf = time.Unix(0, c.AsOf)
	}
	from, to, violation := s.bounds(req, a.now, asOf)
	if violation != nil {
		return violation
	}
	q := query{from: from, to: to, apiKeys: req.APIKeys, appID: req.AppID}

	f := s.strikePage(a, req)
	if f != nil && f.Kind == FaultEmptyPage {
		s.sendPage(a, page{more: true, token: s.seal(c, a.now)})
		return nil
	}
	if f != nil && a.withoutData(f.Kind) {
		return nil
	}
	p, err := s.page(q, c, req.PageSize, a.now)
	if err != nil {
		return &fieldViolation{"end_time", strconv.FormatInt(to, 10), err.Error()}
	}
	switch {
	case f == nil:
	case f.Kind == FaultNoHasMore:
		p.silent = true
	case f.Kind == FaultRefusedEnd:
		if !p.more {
			p.more, p.token = true, "end"+p.token
		}
	default:
		p.more = true
		if f.Kind == FaultRepeatToken && req.PageToken != "" {
			p.token = req.PageToken
		}
	}
	s.sendPage(a, p)
	return nil
}

var errTooMany = errors.New("too many entries in this time range")

// sendPage writes a page as the answer.
func (s *Server) sendPage(a *answer, p page) {
	b := []byte(`{"code":0,"msg":"success","data":{`)
	if len(p.refs) == 0 && !p.more && s.opts.Empty == EmptyNoData {
		a.withoutData(FaultEmptyData)
		return
	}
	switch {
	case len(p.refs) == 0 && s.opts.Empty == EmptyOmitted:
	case len(p.refs) == 0 && s.opts.Empty == EmptyNull:
		b = append(b, `"items":null,`...)
	default:
		b = append(b, `"items":[`...)
		for i, r := range p.refs {
			if i > 0 {
				b = append(b, ',')
			}
			e := s.log.entry(r)
			s.opts.shape(&e)
			b = e.appendJSON(b, s.opts.NumericIDs)
		}
		b = append(b, "],"...)
	}
	if p.more || s.opts.LastPageToken {
		b = append(appendString(append(b, `"page_token":`...), p.token), ',')
		a.call.NextPageToken = p.token
	}
	if p.silent || s.opts.SilentEnd && !p.more {
		b = append(bytes.TrimSuffix(b, []byte(",")), "}}"...)
	} else {
		b = append(strconv.AppendBool(append(b, `"has_more":`...), p.more), "}}"...)
	}
	a.body(http.StatusOK, b)
	a.call.Code, a.call.Items, a.call.HasMore = 0, len(p.refs), p.more
}

// logOwnCall adds the call to the log.
func (s *Server) logOwnCall(a *answer, r *http.Request, body []byte) {
	ip, _, _ := net.SplitHostPort(r.RemoteAddr)
	s.log.store.add([]Entry{{
		// Unique across restarts too, and still a positive 64-bit number.
		ID:         fmt.Sprintf("9%d%02d", a.now.UnixMicro(), s.log.store.seq%100),
		APIKey:     http.MethodPost + ListPath,
		EventTime:  a.now.Unix(),
		AppID:      a.call.AppID,
		IP:         ip,
		Path:       ListPath,
		Method:     http.MethodPost,
		QueryParam: "{}",
		Payload:    string(body),
		Response:   `{"code":0,"msg":"success"}`,
		VisibleAt:  a.now,
	}})
}
