// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// translations are the English pages that also exist in Chinese.
var translations = map[string]string{
	"README.md":         "README.zh.md",
	"docs/doctor.md":    "docs/zh/doctor.md",
	"docs/operating.md": "docs/zh/operating.md",
	"docs/runbook.md":   "docs/zh/runbook.md",
}

// TestTranslations: a page in Chinese has the structure of the English one, section by section: headings,
// paragraphs, lists, tables with their cells, code blocks except for their comments, names in code style, and
// links.
func TestTranslations(t *testing.T) {
	for english, chinese := range translations {
		for _, difference := range differences(outlineOf(t, english), outlineOf(t, chinese)) {
			assert.Fail(t, "the pages differ", "%s and %s: %s", english, chinese, difference)
		}
	}
	for english, chinese := range translations {
		text, err := os.ReadFile(chinese)
		require.NoError(t, err)
		for _, link := range pageLink.FindAllStringSubmatch(string(text), -1) {
			file, _, _ := strings.Cut(link[1], "#")
			to := path.Join(path.Dir(chinese), file)
			assert.False(t, translations[to] != "" && to != english, "%s links to %s, which is there in Chinese", chinese, to)
		}
	}
	files, err := os.ReadDir("docs/zh")
	require.NoError(t, err)
	for _, file := range files {
		assert.Equal(t, "docs/zh/"+file.Name(), translations["docs/"+file.Name()], "docs/zh has a page that this test does not know")
	}
}

// TestTranslationDifferences: each kind of difference between the pages is found.
func TestTranslationDifferences(t *testing.T) {
	for name, tc := range map[string]struct {
		page, text, changed string // of the Chinese page
		want                string // in the first difference; empty: there is none
	}{
		"a section is missing":        {"docs/runbook.md", "## FeishuAuditHeld\n", "", `"FeishuAuditSetAside": paragraphs`},
		"the last one is missing":     {"docs/runbook.md", "## 多久能指出故障原因\n", "", `"FeishuAuditRuleFailures": paragraphs`},
		"a section more":              {"docs/runbook.md", "## FeishuAuditHeld\n", "## FeishuAuditHeld\n\n## 更多\n", `"FeishuAuditHeld": paragraphs`},
		"a section more at the end":   {"docs/runbook.md", "其文件 `key.txt` 中。\n", "其文件 `key.txt` 中。\n\n## 更多\n", `English lacks the section "更多"`},
		"level of a heading":          {"docs/operating.md", "### 健康检查\n", "## 健康检查\n", `"Health check": level of the headings`},
		"a paragraph is missing":      {"docs/operating.md", "请用于告警和就绪检查，不要用于存活检查：缺少权限时，重启没有用。\n", "", `"Health check": paragraphs`},
		"a list item is missing":      {"docs/runbook.md", "- 都没有：保存日志，重启，并附上日志提交 issue。\n", "", `"FeishuAuditCheckpointAge": paragraphs, list items`},
		"a row is missing":            {"docs/runbook.md", "| 应用失去权限 | scope | 1 秒 |\n", "", `"How soon a fault is named": rows of tables`},
		"a cell is missing":           {"docs/runbook.md", "| 应用失去权限 | scope | 1 秒 |\n", "| 应用失去权限 | scope |\n", `"How soon a fault is named": row 4`},
		"a cell is empty":             {"docs/runbook.md", "| 应用失去权限 | scope | 1 秒 |\n", "| 应用失去权限 | scope | |\n", `"How soon a fault is named": row 4`},
		"a key in a cell":             {"README.md", "| `poll_interval` | duration |", "| `poll_intervall` | duration |", `"Configuration": row`},
		"a default":                   {"README.md", "| 否 | `1m0s` |", "| 否 | `2m0s` |", `"Configuration": row`},
		"a number alone in a cell":    {"docs/operating.md", "| 10,000 | 0.1 | 1.2 |", "| 10,000 | 0.1 | 1.3 |", `"Sizing": row`},
		"a log line":                  {"docs/operating.md", "| `The wait is over` |", "| `The wait ended` |", `"Log lines": row`},
		"a command":                   {"docs/runbook.md", "timedatectl set-ntp true", "timedatectl set-ntp yes", `"FeishuAuditClockSkew": a code block`},
		"a comment in a command":      {"docs/runbook.md", "# 修改导出器之后", "# 之后", ""},
		"a key of a configuration":    {"docs/operating.md", "    fsync: true\n", "", `"When the host crashes": a code block`},
		"a name in the text":          {"docs/runbook.md", "调大 `num_consumers`", "调大消费者数", `"FeishuAuditQueue": names in code style`},
		"a link":                      {"docs/runbook.md", "[分片](../sharding.md)）", "分片）", `"FeishuAuditLag": links`},
		"another section":             {"docs/runbook.md", "operating.md#队列", "operating.md#状态", `"FeishuAuditExporter": links`},
		"a section that is not there": {"docs/runbook.md", "operating.md#队列", "operating.md#queues", `"FeishuAuditExporter": links`},
		"a flag of the doctor":        {"docs/doctor.md", "| `--quiet` |", "| `--silent` |", `"The doctor: before you set up the receiver": row`},
		"another file":                {"docs/operating.md", "../record-model.md#identity", "../record-model.md#redaction", `"Log lines": row`},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(translations[tc.page])
			require.NoError(t, err)
			require.Contains(t, string(text), tc.text)
			changed := outline(translations[tc.page], withoutGenerated(strings.Replace(string(text), tc.text, tc.changed, 1)))
			found := differences(outlineOf(t, tc.page), changed)
			if tc.want == "" {
				require.Empty(t, found)
				return
			}
			require.NotEmpty(t, found)
			require.Contains(t, found[0], tc.want)
		})
	}
}

// sectionOutline is the structure of a section.
type sectionOutline struct {
	heading string
	level   int
	blocks  []string // the kind of each block, in order
	cells   [][]string
	code    []string // code blocks without comments
	spans   []string // distinct texts in code style outside of tables and blocks
	links   []string // where to, sorted
}

var (
	headingLine = regexp.MustCompile(`^(#+) (.*)$`)
	listItem    = regexp.MustCompile(`^( *)([-*]|\d+\.) `)
	codeSpan    = regexp.MustCompile("`([^`]+)`")
	pageLink    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	codeComment = regexp.MustCompile(`(^|\s+)# .*$`)
	ruleOfTable = regexp.MustCompile(`^:?-+:?$`)
	figuresOnly = regexp.MustCompile(`^[\d.,/ ]+$`)
	noAnchor    = regexp.MustCompile(`[^\p{L}\p{N}\- _]`)
)

// outlineOf reads a page.
func outlineOf(t *testing.T, page string) []sectionOutline {
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	return outline(page, withoutGenerated(string(text)))
}

// withoutGenerated leaves out what mdatagen writes, which is only in the English page, and the doctor's sample
// report, which is in the language of its page: TestSample in internal/doctor.
func withoutGenerated(text string) string {
	return regexp.MustCompile(`(?s)<!-- status autogenerated section -->.*<!-- end autogenerated section -->\n|<!-- sample: .*<!-- end sample -->\n`).ReplaceAllString(text, "")
}

func outline(page, text string) []sectionOutline {
	all := []sectionOutline{{}}
	var prose strings.Builder // of the section
	block, fence := "", ""
	kind := func(k string) { // of the line that is read
		now := &all[len(all)-1]
		if k != "" && (k != block || k == "item") {
			now.blocks = append(now.blocks, k)
		}
		block = k
	}
	finish := func() {
		now := &all[len(all)-1]
		for _, span := range codeSpan.FindAllStringSubmatch(prose.String(), -1) {
			now.spans = append(now.spans, span[1])
		}
		slices.Sort(now.spans)
		now.spans = slices.Compact(now.spans)
		for _, link := range pageLink.FindAllStringSubmatch(prose.String(), -1) {
			now.links = append(now.links, target(page, link[1]))
		}
		slices.Sort(now.links)
		prose.Reset()
	}
	for line := range strings.SplitSeq(text, "\n") {
		now := &all[len(all)-1]
		trimmed := strings.TrimSpace(line)
		switch {
		case fence != "" && trimmed == fence:
			fence = ""
		case fence != "":
			now.code[len(now.code)-1] += codeComment.ReplaceAllString(line, "") + "\n"
		case strings.HasPrefix(trimmed, "```"):
			fence, block = "```", ""
			now.blocks = append(now.blocks, trimmed)
			now.code = append(now.code, "")
		case headingLine.MatchString(line):
			finish()
			h := headingLine.FindStringSubmatch(line)
			all = append(all, sectionOutline{heading: h[2], level: len(h[1])})
			block = ""
			prose.WriteString(h[2] + "\n")
		case strings.HasPrefix(line, "|"):
			kind("table")
			cells := strings.Split(strings.Trim(line, "| "), "|")
			now.cells = append(now.cells, cellsOf(page, cells))
		case trimmed == "":
			block = ""
		case listItem.MatchString(line):
			kind("item")
			prose.WriteString(line + "\n")
		case block == "":
			kind("paragraph")
			prose.WriteString(line + "\n")
		default: // continues
			prose.WriteString(line + "\n")
		}
	}
	finish()
	return all
}

// cellsOf is what must be the same in the cells of a row: whether there is something in them, names
// in code style, numbers that are written as digits alone, and links.
func cellsOf(page string, cells []string) []string {
	var out []string
	for _, cell := range cells {
		cell = strings.TrimSpace(cell)
		if cell == "" || ruleOfTable.MatchString(cell) || figuresOnly.MatchString(cell) {
			out = append(out, cell)
			continue
		}
		var parts []string
		for _, span := range codeSpan.FindAllStringSubmatch(cell, -1) {
			parts = append(parts, "`"+span[1]+"`")
		}
		for _, link := range pageLink.FindAllStringSubmatch(cell, -1) {
			parts = append(parts, target(page, link[1]))
		}
		slices.Sort(parts)
		out = append(out, "text "+strings.Join(slices.Compact(parts), " "))
	}
	return out
}

// target is where a link leads to, by the name of the English page, and by the number of the heading in a page that
// is there in both languages.
func target(page, link string) string {
	if strings.Contains(link, "://") {
		return link
	}
	file, anchor, _ := strings.Cut(link, "#")
	resolved := page
	if file != "" {
		resolved = path.Join(path.Dir(page), file)
	}
	for english, chinese := range translations {
		if resolved != english && resolved != chinese {
			continue
		}
		if anchor == "" {
			return english
		}
		if n := slices.Index(anchorsOf(resolved), anchor); n >= 0 {
			return fmt.Sprintf("%s, heading %d", english, n+1)
		}
		return fmt.Sprintf("%s, which has no heading %s", english, anchor)
	}
	if anchor != "" {
		resolved += "#" + anchor
	}
	return resolved
}

// anchors of the pages that links lead to, read once: the pages are compared many times.
var anchors = map[string][]string{}

// anchorsOf are the anchors of a page's headings, in order. A page that cannot be read has none.
func anchorsOf(page string) []string {
	if all, ok := anchors[page]; ok {
		return all
	}
	text, _ := os.ReadFile(page)
	all := []string{}
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(withoutCode(string(text)), -1) {
		all = append(all, anchorOf(heading[1]))
	}
	anchors[page] = all
	return all
}

// withoutCode leaves out code blocks, in which # starts a comment.
func withoutCode(text string) string {
	return regexp.MustCompile("(?ms)^ *```.*?^ *```$").ReplaceAllString(text, "")
}

// anchorOf is GitHub's anchor of a heading.
func anchorOf(heading string) string {
	return strings.ReplaceAll(noAnchor.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}

// differences compares two pages section by section. A section that one of them lacks ends the comparison.
func differences(english, chinese []sectionOutline) []string {
	var out []string
	differ := func(where sectionOutline, what string, a, b any) {
		out = append(out, fmt.Sprintf("%q: %s\n  English: %q\n  Chinese: %q", where.heading, what, a, b))
	}
	for i := range max(len(english), len(chinese)) {
		if i >= len(english) {
			return append(out, fmt.Sprintf("English lacks the section %q", chinese[i].heading))
		}
		if i >= len(chinese) {
			return append(out, fmt.Sprintf("Chinese lacks the section %q", english[i].heading))
		}
		e, c := english[i], chinese[i]
		if e.level != c.level {
			differ(e, "level of the headings", e.level, c.level)
			return append(out, fmt.Sprintf("the English section %q is where the Chinese one is %q", e.heading, c.heading))
		}
		if !slices.Equal(e.blocks, c.blocks) {
			differ(e, "paragraphs, list items, tables and code blocks", e.blocks, c.blocks)
		}
		if len(e.cells) != len(c.cells) {
			differ(e, "rows of tables", len(e.cells), len(c.cells))
		}
		for row := range min(len(e.cells), len(c.cells)) {
			if !slices.Equal(e.cells[row], c.cells[row]) {
				differ(e, fmt.Sprintf("row %d of the tables", row+1), e.cells[row], c.cells[row])
			}
		}
		for block := range min(len(e.code), len(c.code)) {
			if e.code[block] != c.code[block] {
				differ(e, "a code block, without its comments", e.code[block], c.code[block])
			}
		}
		if !slices.Equal(e.spans, c.spans) {
			differ(e, "names in code style", onlyIn(e.spans, c.spans), onlyIn(c.spans, e.spans))
		}
		if !slices.Equal(e.links, c.links) {
			differ(e, "links", onlyIn(e.links, c.links), onlyIn(c.links, e.links))
		}
	}
	return out
}

// onlyIn are the texts of a list that are not in another.
func onlyIn(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
}
