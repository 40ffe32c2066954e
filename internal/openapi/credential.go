// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ValidateCredential returns what is wrong with app_id and app_secret, as far as their text shows it. No message
// shows the secret or any visible character of it.
func ValidateCredential(appID, appSecret string) []error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	fault := textFault(appID, false)
	switch {
	case appID == "":
		bad("app_id: missing: set it to the App ID of your custom app (developer console, Credentials & Basic Info)")
	case fault != "":
		bad("app_id: %q %s", appID, fault)
	case IsPlaceholder(appID):
		bad("app_id: %q is a placeholder: set it to the App ID of your custom app (developer console, Credentials & Basic Info)", appID)
	}
	fault = textFault(appSecret, false)
	switch {
	case appSecret == "":
		bad("app_secret: missing or empty: set it to the App Secret of app_id, for example ${env:FEISHU_APP_SECRET}, and check that the variable is set")
	case fault != "":
		bad("app_secret: %s", fault)
	case IsPlaceholder(appSecret):
		bad("app_secret: a placeholder: set it to the App Secret of app_id (developer console, Credentials & Basic Info), for example by ${env:FEISHU_APP_SECRET}")
	case appSecret == appID, strings.HasPrefix(appSecret, "cli_"):
		bad("app_secret: an App ID: set it to the App Secret of app_id, which stands below it (developer console, Credentials & Basic Info)")
	}
	return errs
}

// TextFault returns what cannot be intended in a value that the API compares letter by letter, and the fix:
// invisible characters, white space, quotes, references that were not resolved, text that is not ASCII. Empty if
// there is no such fault.
func TextFault(s string) string { return textFault(s, false) }

// textFault is TextFault; a path may have any visible character, and spaces.
func textFault(s string, path bool) string {
	const invisible = "in it, which cannot be seen: remove it, or type the value again"
	switch {
	case isUTF16(s):
		return "is UTF-16 text: save the file that it comes from as UTF-8 without a byte order mark"
	case strings.ContainsRune(s, '\ufeff'):
		return "has a byte order mark (U+FEFF) in it: save the file that it comes from as UTF-8 without one"
	case !utf8.ValidString(s) || strings.ContainsRune(s, unicode.ReplacementChar):
		return "is not UTF-8 text: save the file that it comes from as UTF-8"
	case strings.TrimSpace(s) != s:
		return "has white space around it (a line break from a file?): remove it"
	}
	for _, r := range s {
		switch {
		case r == ' ' && path:
		case unicode.IsSpace(r):
			return "has white space in it: remove it"
		case !unicode.IsPrint(r):
			return fmt.Sprintf("has the character %U %s", r, invisible)
		}
	}
	switch {
	case reference.MatchString(s):
		return "holds a reference that was not resolved: write ${env:NAME} without quotes or further dollar signs around it, and set the variable"
	case quoted(s):
		return "has quotes around it that belong to the value: remove them"
	case path:
		return ""
	case strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII }):
		return "has a character in it that is neither an ASCII letter nor a digit, as a full-width one: copy the value again"
	}
	return ""
}

// reference matches references to a value elsewhere, as in configurations, shells and templates.
var reference = regexp.MustCompile(`\$\{|\$\(|\{\{|\}\}|^\$[A-Za-z_]\w*$|^%\w+%$|^\$\$`)

// quoted reports whether the text has quotes around it, or on one side.
func quoted(s string) bool {
	const quotes = "\"'`“”‘’«»"
	return strings.Trim(s, quotes) != s
}

// isUTF16 reports whether every other byte is 0, or a byte order mark of UTF-16 comes first,
// as with files that Windows' tools write.
func isUTF16(s string) bool {
	if strings.HasPrefix(s, "\xff\xfe") || strings.HasPrefix(s, "\xfe\xff") {
		return true
	}
	return len(s) > 1 && strings.Count(s, "\x00") >= len(s)/2
}

// placeholder is what stands in examples where a value is to be filled in.
var placeholder = regexp.MustCompile(`(?i)^(cli_)?(x{2,}|y{2,}|z{2,}|[*.…?_-]+|<.*>|\[.*\]|\{.*\}|` +
	`(your|my|the|enter|insert|fill|replace)[-_]?(me|in|here|with|(feishu|lark)?[-_]?(app|client)?[-_]?(id|secret)).*|` +
	`change[-_]?me|to[-_]?do|tbd|redacted|placeholder|null|none|nil|undefined|` +
	`(feishu|lark)?_?app[-_]?(id|secret))$|^cli_$`)

// IsPlaceholder reports whether that is what an example says in place of a value.
func IsPlaceholder(s string) bool { return placeholder.MatchString(s) }
