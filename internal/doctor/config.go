// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"encoding/json"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Defaults of the receiver that findings may change.
const (
	defaultWindow = time.Hour
	defaultCalls  = 100 // a minute
	defaultWalks  = 4   // max_concurrent_walks
)

var defaultRecheck = []time.Duration{2 * time.Minute, 15 * time.Minute, time.Hour}

// recommend writes the collector's configuration that follows from the findings. Defaults are left out, except
// those that a person looks for.
func recommend(o *Options, r *Report, s *session) Message {
	return each(func(l Language) string { return recommendIn(l, o, r, s) })
}

func recommendIn(l Language, o *Options, r *Report, s *session) string {
	var b strings.Builder
	line := func(indent int, key, value string, remark Message) {
		text := strings.Repeat(" ", indent) + key + ":"
		if value != "" {
			text += " " + value
		}
		if comment := remark.In(l); comment != "" {
			beside := padded(text, 42) + " # " + comment
			if columnsOf(beside) > DefaultColumns {
				b.WriteString(strings.Repeat(" ", indent) + "# " + comment + "\n")
			} else {
				text = beside
			}
		}
		b.WriteString(text + "\n")
	}
	line(0, "extensions", "", none)
	line(2, "file_storage", "", none)
	line(4, "directory", "./storage", msg("use a persistent disk"))
	line(4, "create_directory", "true", none)
	line(0, "receivers", "", none)
	line(2, "feishu_audit", "", none)
	line(4, "endpoint", quoted(o.Endpoint), none)
	switch {
	case o.ProxyURL == "":
	case hasPassword(o.ProxyURL): // must not be in a report
		line(4, "proxy_url", "${env:"+proxyVariable+"}", msg("set it to the value of --proxy-url"))
	default:
		line(4, "proxy_url", quoted(o.ProxyURL), none)
	}
	if o.CAFile != "" {
		line(4, "tls", "", none)
		line(6, "ca_file", quoted(o.CAFile), none)
	}
	line(4, "app_id", quoted(o.AppID), none)
	source := o.SecretSource
	if strings.ContainsAny(source, " #'\"\\") { // in the name of a file
		source = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(source) + `"`
	}
	line(4, "app_secret", source, none)
	line(4, "storage", "file_storage", none)
	if s.rate.quota {
		line(4, "poll_interval", "6m", msg("the calls of a month are limited"))
		line(4, "recheck_after", "[1h]", none)
	} else {
		line(4, "poll_interval", "1m", msg("about 44,000 calls a month; the Basic plan may need 6m"))
		recheck, comment := recheckFor(r.Finding(Lateness))
		line(4, "recheck_after", durations(recheck), comment)
	}
	if f := r.Finding(LongestWindow); f.AtLeast != nil && time.Duration(*f.AtLeast) < defaultWindow {
		line(4, "max_window", plain(time.Duration(*f.AtLeast)), msg("longer windows were refused"))
	}
	if n := s.rate.limit; n > 0 && n < defaultCalls {
		line(4, "requests_per_minute", strconv.Itoa(n), verbatim("x-ogw-ratelimit-limit"))
	}
	if n := walksFor(s.typical()); n > defaultWalks {
		line(4, "max_concurrent_walks", strconv.Itoa(n), msg("calls are slow: needed to catch up at the full rate"))
	}
	comment := msg("where to begin on the first start")
	if f := r.Finding(Retention); f.AtLeast != nil && time.Duration(*f.AtLeast) > 2*time.Hour {
		comment = comment.and(msg("the log goes back %s", short(time.Duration(*f.AtLeast))))
	}
	line(4, "initial_lookback", "1h", comment)
	if r.Finding(OwnCalls).Answer == ownLogged {
		for line := range strings.SplitSeq(msg("To keep the receiver's own calls from the backend, use this and name it in the\npipeline, with processors: [filter].").In(l), "\n") {
			b.WriteString("# " + line + "\n")
		}
		b.WriteString("# processors:\n#   filter:\n#     logs:\n#       log_record:\n")
		condition := `attributes["feishu.app.id"] == "` + o.AppID + `" and IsMatch(attributes["feishu.api_key"], "` + listName + `$$")` // $$ is the collector's way to write $
		b.WriteString("#         - '" + strings.ReplaceAll(condition, "'", "''") + "'\n")
	}
	line(0, "exporters", "", none)
	line(2, "debug", "", msg("put your backend here"))
	line(4, "verbosity", "detailed", none)
	b.WriteString("    # " + msg("otherwise the collector leaves out records that look alike").In(l) + "\n")
	line(4, "use_internal_logger", "false", none)
	b.WriteString("    # " + msg("otherwise it refuses records that come faster than it writes").In(l) + "\n")
	b.WriteString(`    sending_queue:
      enabled: false
service:
  extensions: [file_storage]
  pipelines:
    logs:
      receivers: [feishu_audit]
      exporters: [debug]
`)
	return b.String()
}

// proxyVariable is the environment variable of the collector for the proxy's URL.
const proxyVariable = "FEISHU_PROXY_URL"

// hasPassword reports whether a proxy's URL must not be shown. A URL that cannot be read may have a password in
// it.
func hasPassword(proxy string) bool {
	u, err := url.Parse(proxy)
	return err != nil || u.User != nil
}

// recheckFor makes sure that the last recheck comes after the slowest entry that was seen, with a margin.
func recheckFor(f Finding) ([]time.Duration, Message) {
	out := slices.Clone(defaultRecheck)
	if f.Answer != "late" {
		return out, none
	}
	need := 2 * time.Duration(*f.LessThan)
	comment := msg("the slowest entry took less than %s", short(time.Duration(*f.LessThan)))
	if need <= out[len(out)-1] {
		return out, comment
	}
	for _, next := range []time.Duration{2 * time.Hour, 6 * time.Hour, 24 * time.Hour} {
		if next >= need {
			return append(out, next), comment
		}
	}
	return append(out, (need + time.Hour).Truncate(time.Hour)), comment
}

// walksFor is how many walks use up the pace at a latency: each makes one call after the other.
func walksFor(latency time.Duration) int {
	const slow = 600 * time.Millisecond // at a hundred calls a minute
	return min(8, max(1, int(math.Ceil(float64(latency)/float64(slow)))))
}

// plain writes a duration in the form of the configuration, without zero parts.
func plain(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func durations(list []time.Duration) string {
	var parts []string
	for _, d := range list {
		parts = append(parts, plain(d))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// quoted writes a string in YAML: in quotes, as JSON, if it needs them.
func quoted(text string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:", r)
	}
	if text != "" && !strings.ContainsFunc(text, func(r rune) bool { return !safe(r) }) &&
		(text[0] >= 'a' && text[0] <= 'z' || text[0] == '/') && !strings.HasSuffix(text, ":") {
		return text
	}
	// The collector reads $ as a reference to a variable.
	out, err := json.Marshal(strings.ReplaceAll(text, "$", "$$"))
	if err != nil {
		return `""` // a string can always be marshalled
	}
	return string(out)
}
