// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"fmt"
	"strconv"
	"strings"
)

// entry makes a call of this API, without what the tenant decides.
func (a *api) entry(g *generator, failureFraction float64) Entry {
	e := Entry{
		APIKey:     a.Key,
		AppID:      g.app,
		IP:         g.ip(),
		Path:       g.path(a.path),
		Method:     a.method,
		QueryParam: g.expand(orEmptyObject(a.query)),
		Payload:    g.expand(orEmptyObject(a.payload)),
	}
	code, msg := 0, "success"
	if g.unit() < failureFraction {
		failures := commonFailures
		if len(a.failures) > 0 && g.unit() < 0.7 {
			failures = a.failures
		}
		f := failures[g.below(len(failures))]
		code, msg = f.code, g.expand(f.msg)
	}
	e.Response = fmt.Sprintf(`{"code":%d,"msg":%s}`, code, appendString(nil, msg))
	if code != 0 {
		e.Response = fmt.Sprintf(`{"code":%d,"msg":%s,"error":{"log_id":"%s"}}`, code, appendString(nil, msg), g.hex(34))
	}
	// Every known sample has 0 here, although the documentation says HTTP status.
	if g.unit() < 0.1 {
		if e.StatusCode = 200; code != 0 {
			e.StatusCode = 400
		}
	}
	return e
}

func orEmptyObject(template string) string {
	if template == "" {
		return "{}"
	}
	return template
}

// generator draws the contents of one entry from a hash.
type generator struct {
	state uint64
	app   string
}

func (g *generator) next() uint64 {
	g.state += 0x9e3779b97f4a7c15
	return mix(g.state)
}

func (g *generator) unit() float64   { return unit(g.next()) }
func (g *generator) below(n int) int { return int(g.next() % uint64(n)) }

// letters draws n letters of an alphabet.
func (g *generator) letters(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[g.below(len(alphabet))]
	}
	return string(b)
}

const (
	digits   = "0123456789"
	alphanum = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

func (g *generator) hex(n int) string { return g.letters("0123456789abcdef", n) }

// ip draws an address, mostly of a few offices and servers. They are from the ranges for documentation (RFC
// 5737, RFC 3849) and for private use.
func (g *generator) ip() string {
	switch g.below(5) {
	case 0:
		return fmt.Sprintf("2001:db8:%x:%x::%x", g.below(16), g.below(256), 1+g.below(0xfffe))
	case 1:
		return fmt.Sprintf("198.51.100.%d", 1+g.below(254))
	case 2:
		return fmt.Sprintf("10.%d.%d.%d", g.below(16), g.below(256), 1+g.below(254))
	default:
		return fmt.Sprintf("203.0.113.%d", 1+g.below(254))
	}
}

// path fills in the variables of a path template.
func (g *generator) path(template string) string {
	parts := strings.Split(template, "/")
	for i, part := range parts {
		if name, ok := strings.CutPrefix(part, ":"); ok {
			parts[i] = g.value(name)
		}
	}
	return strings.Join(parts, "/")
}

// expand replaces each {name} of a template.
func (g *generator) expand(template string) string {
	var b strings.Builder
	for {
		open := strings.IndexByte(template, '{')
		if open < 0 {
			b.WriteString(template)
			return b.String()
		}
		end := open + 1
		for end < len(template) && strings.IndexByte("abcdefghijklmnopqrstuvwxyz_0123456789", template[end]) >= 0 {
			end++
		}
		if end == open+1 || end == len(template) || template[end] != '}' { // a brace of the JSON
			b.WriteString(template[:open+1])
			template = template[open+1:]
			continue
		}
		b.WriteString(template[:open])
		b.WriteString(g.value(template[open+1 : end]))
		template = template[end+1:]
	}
}

// value draws a value in the form that Feishu uses for this kind.
func (g *generator) value(name string) string {
	switch name {
	case "app":
		return g.app
	case "app_id":
		return "cli_" + g.hex(16)
	case "user", "user_id":
		return "ou_" + g.hex(32)
	case "chat", "chat_id":
		return "oc_" + g.hex(32)
	case "message_id":
		return "om_" + g.hex(32)
	case "department", "department_id":
		return "od-" + g.hex(32)
	case "file_key":
		return "file_v3_" + g.letters(alphanum, 32)
	case "folder":
		return "fldcn" + g.letters(alphanum, 22)
	case "table_id":
		return "tbl" + g.letters(alphanum, 13)
	case "record_id":
		return "rec" + g.letters(alphanum, 11)
	case "app_token", "file_token", "document_id", "spreadsheet_token":
		return g.letters(alphanum, 27)
	case "calendar_id":
		return "feishu.cn_" + g.letters(alphanum, 16) + "@group.calendar.feishu.cn"
	case "instance_id", "uuid":
		return strings.ToUpper(g.hex(8) + "-" + g.hex(4) + "-4" + g.hex(3) + "-9" + g.hex(3) + "-" + g.hex(12))
	case "space_id":
		return "7" + g.letters(digits, 18)
	case "user_mailbox_id", "mail":
		return g.letters("abcdefghijklmnopqrstuvwxyz", 7) + "@example.com"
	case "secret", "token":
		return g.letters(alphanum, 32)
	case "ticket":
		return "v1:" + g.letters(alphanum, 40)
	case "password":
		return g.letters(alphanum, 10) + "!" + g.letters(digits, 2)
	case "hex24":
		return g.hex(24)
	case "digits3":
		return strconv.Itoa(100 + g.below(900))
	case "digits5":
		return strconv.Itoa(10000 + g.below(90000))
	case "digits8":
		return g.letters(digits, 8)
	case "scope":
		return g.pick("contact:user.base:readonly", "im:message:send_as_bot", "bitable:app", "drive:drive:readonly")
	case "name":
		return g.pick("张伟", "王芳", "李娜", "刘洋", "陈静", "Alex Chen", "欧阳明月")
	case "title":
		return g.pick("周会纪要", "Q3 项目排期", "客户反馈汇总", "Release checklist", "招聘进度", "差旅报销")
	case "text":
		return g.pick("周会改到下午三点,请准时参加", "构建 #4821 已通过 ✅", "Deploy finished in 42s", "路径 C:\\\\\\\\data\\\\\\\\out 的文件已更新",
			"他说:\\\\\\\"明天上线\\\\\\\"", "第一行\\\\n第二行")
	default:
		panic("simulator: the catalog names an unknown value: " + name)
	}
}

func (g *generator) pick(values ...string) string { return values[g.below(len(values))] }

// oddities are the forms of odd entries.
var oddities = []func(*Entry){
	func(e *Entry) { // a number as id
		e.Raw = string(e.appendJSON(nil, true))
	},
	func(e *Entry) { // the time as a string
		e.replace(fmt.Sprintf(`"event_time":%d`, e.EventTime), fmt.Sprintf(`"event_time":"%d"`, e.EventTime))
	},
	func(e *Entry) { // no details
		e.replace(`,"log_detail":`+string(e.appendDetail(nil)), "")
	},
	func(e *Entry) { // null details
		e.replace(string(e.appendDetail(nil)), "null")
	},
	func(e *Entry) { // other case of the keys
		e.Raw = strings.NewReplacer(`{"id":`, `{"ID":`, `"event_time":`, `"eventTime":`, `"api_key":`, `"API_KEY":`, `"log_detail":`, `"Log_Detail":`).
			Replace(string(e.appendJSON(nil, false)))
	},
	func(e *Entry) { // a payload that is form-encoded instead of JSON
		e.Payload = "grant_type=refresh_token&refresh_token=ur-7f1bcd13fc57d46bac21793a18e560&scope=a%20b"
	},
	func(e *Entry) { // a payload that was cut off
		e.Payload = `{"app_secret":"` + strings.Repeat("s3cr3t", 6) + `","file_name":"季度报`
	},
	func(e *Entry) { // fields that the documentation does not know
		e.replace(`{"id":`, `{"tenant_key":"736588c9260f175d","user_agent":{"os":"linux","sdk":["go",3]},"id":`)
	},
	func(e *Entry) { // no id
		e.ID = ""
	},
	func(e *Entry) { // invalid UTF-8
		e.replace(`\"msg\":\"`, "\\\"msg\\\":\\\"\xff\xfe\xc3")
	},
	func(e *Entry) { // wrong types
		e.replace(`"status_code":`, `"status_code":"n/a","cost_ms":`)
	},
}

// replace edits the entry's JSON text.
func (e *Entry) replace(from, to string) {
	if e.Raw == "" {
		e.Raw = string(e.appendJSON(nil, false))
	}
	e.Raw = strings.Replace(e.Raw, from, to, 1)
}
