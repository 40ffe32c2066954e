// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// documentation are the pages with instructions, by path from the root of the repository.
func documentation(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/zh/*.md", "examples/*.md", "examples/*/*.md", "examples/*/*/*.md", "packaging/*.md"} {
		matches, err := filepath.Glob(filepath.Join("..", pattern))
		require.NoError(t, err)
		for _, path := range matches {
			if filepath.Base(path) == "CHANGELOG.md" { // history, not instructions
				continue
			}
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			name, err := filepath.Rel("..", path)
			require.NoError(t, err)
			pages[name] = string(text)
		}
	}
	for _, page := range []string{"README.md", "README.zh.md", "CONTRIBUTING.md", "docs/doctor.md", "examples/kubernetes/README.md", "packaging/README.md"} {
		require.Contains(t, pages, page)
	}
	return pages
}

// fence finds the blocks of a page with their language.
var fence = regexp.MustCompile("(?ms)^ *```([a-z]*)\n(.*?)^ *```$")

// languages are the languages of the blocks, and how each is checked. A block that nothing checks is not
// allowed.
var languages = map[string]string{
	"sh":     "TestDocumentedCommands",
	"yaml":   "TestDocumentedConfigs",
	"json":   "a record: TestReadmeRecord in internal/record",
	"yml":    "a part of Alertmanager's configuration, which is not installed here",
	"text":   "what a program says: docs/doctor.md, held by TestSample; its configuration and its commands are read here, too",
	"":       "drawings and formulas; a command in one is read like one in text",
	"esql":   "queries of Elasticsearch, which cannot be installed here",
	"spl":    "queries of Splunk, which cannot be installed here",
	"logsql": "queries of VictoriaLogs: TestVictoriaLogs runs those of its example",
	"logql":  "queries of Loki for a person to try; the rules that ship are run by TestLokiRules, with your own Loki",
}

// docCommand is one command of a page.
type docCommand struct {
	page string   // path from the root of the repository
	args []string // without the program
	all  []string // every command line of the page's blocks
}

// folder is the page's folder, where its commands run if they need the page's files.
func (c *docCommand) folder() string { return filepath.Join("..", filepath.Dir(c.page)) }

// flags splits arguments into flags with a value, flags without one, and the rest. The flags without a value are
// given.
func (c *docCommand) flags(t *testing.T, alone ...string) (values map[string][]string, rest []string) {
	t.Helper()
	values = map[string][]string{}
	for i := 0; i < len(c.args); i++ {
		name, value, given := strings.Cut(c.args[i], "=")
		switch {
		case !strings.HasPrefix(name, "-"):
			rest = append(rest, c.args[i])
		case given || slices.Contains(alone, name):
			values[name] = append(values[name], value)
		default:
			i++
			require.Less(t, i, len(c.args), "%s: %s has no value", c.page, name)
			values[name] = append(values[name], c.args[i])
		}
	}
	return values, rest
}

// only fails for flags that the documentation's validator does not know.
func (c *docCommand) only(t *testing.T, values map[string][]string, known ...string) {
	t.Helper()
	for name := range values {
		require.Contains(t, known, name, "%s: %q: not a flag that this test can judge", c.page, c.args)
	}
}

// validators check the commands of the documentation, by program. A program without a validator fails the test:
// nobody would notice errors in it.
var validators map[string]func(*testing.T, *docCommand)

func init() { // they mention each other
	validators = map[string]func(*testing.T, *docCommand){
		"make": checkMake, "go": checkGo, "export": checkExport, "_build/otelcol-feishu": checkCollector, "_build/feishu-audit": checkTool, "feishu-audit": checkTool, "set": anything, ".": checkSourced, "redis-cli": checkRedis, "tee": anything, "cat": anything, "docker": checkDocker, "install": checkInstall,
		"systemctl": checkSystemctl, "journalctl": checkJournalctl, "systemd-analyze": checkSystemdAnalyze, "kubectl": checkKubectl, "curl": checkCurl,
		"_build/vmalert": checkVmalert, "promtool": checkPromtool, "amtool": checkAmtool, "grep": checkGrep, "fuser": checkFuser, "timedatectl": anything, "df": anything,
		"dpkg": checkPackage, "rpm": checkPackage, "systemd-ask-password": checkAskPassword, "systemd-creds": anything, "sha256sum": anything,
		// It would take a command; in this documentation it is only a word of prose.
		"kill": func(t *testing.T, c *docCommand) { require.Equal(t, []string{"-9"}, c.args, "prose") },
	}
}

// TestDocumentedCommands: every command line of the documentation works, as far as it can be checked here:
// targets, tests, programs and their flags exist, and files, units and objects are in this repository.
func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	found := map[string]int{}
	for page, text := range documentation(t) {
		var lines []string
		for _, block := range fence.FindAllStringSubmatch(text, -1) {
			require.Contains(t, languages, block[1], "%s: a block that no test reads:\n%s", page, block[2])
			switch block[1] {
			case "sh":
				lines = append(lines, commandLines(block[2])...)
			case "text", "": // commands that a program tells to run
				for _, line := range commandLines(block[2]) {
					if first, _, more := strings.Cut(line, " "); more && validators[first] != nil {
						lines = append(lines, line)
					}
				}
			}
		}
		for _, line := range lines {
			commands := words(t, line)
			require.NotEmpty(t, commands, "%s: %s", page, line)
			for _, args := range commands {
				found[judge(t, page, line, args, lines, true)]++
			}
		}
		// Also inside a sentence, if it is one of the same programs.
		for _, span := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			if first, _, more := strings.Cut(span[1], " "); more && (validators[first] != nil || strings.Contains(first, "=")) {
				for _, args := range words(t, span[1]) {
					found[judge(t, page, span[1], args, lines, false)]++
				}
			}
		}
	}
	t.Log(found)
	for program := range validators {
		require.Positive(t, found[program], "no page mentions %s: take it out of this test", program)
	}
}

// judge validates a command and returns its program.
func judge(t *testing.T, page, line string, args, lines []string, strict bool) string {
	t.Helper()
	for len(args) > 0 && regexp.MustCompile(`^[A-Z][A-Z0-9_]*=`).MatchString(args[0]) { // variables of this one command
		name, _, _ := strings.Cut(args[0], "=")
		if len(args) > 1 && args[1] == "make" {
			makefileHas(t, page, name)
		}
		args = args[1:]
	}
	if len(args) == 0 {
		return ""
	}
	check := validators[args[0]]
	if !strict && check == nil {
		return ""
	}
	require.NotNil(t, check, "%s: %s: no validator knows %s", page, line, args[0])
	check(t, &docCommand{page: page, args: args[1:], all: lines})
	return args[0]
}

// commandLines joins what a backslash continues.
func commandLines(block string) []string {
	var lines []string
	for line := range strings.SplitSeq(strings.ReplaceAll(block, "\\\n", " "), "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

// words splits a line as a shell does, into the commands of a pipe or a list and their
// words. It knows quotes and comments, and fails for what else a shell knows.
func words(t *testing.T, line string) [][]string {
	t.Helper()
	var (
		commands [][]string
		current  []string
		word     strings.Builder
		inWord   bool
		quote    rune
	)
	end := func() {
		if inWord {
			current = append(current, word.String())
		}
		word.Reset()
		inWord = false
	}
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, inWord = r, true
		case r == ' ':
			end()
		case r == '#' && !inWord:
			if len(current) > 0 {
				commands = append(commands, current)
			}
			return commands
		case r == '|' || r == ';' || r == '&':
			end()
			if len(current) > 0 {
				commands = append(commands, current)
			}
			current = nil
		default:
			require.NotContains(t, "<>`()", string(r), "%s: this test cannot read it", line)
			word.WriteRune(r)
			inWord = true
		}
	}
	require.Zero(t, quote, "%s: a quote is not closed", line)
	end()
	if len(current) > 0 {
		commands = append(commands, current)
	}
	return commands
}

func makefile(t *testing.T) string {
	text, err := os.ReadFile("../Makefile")
	require.NoError(t, err)
	return string(text)
}

// makefileHas: the Makefile, or a script that it runs, reads a variable that is given to make.
func makefileHas(t *testing.T, page, variable string) {
	t.Helper()
	var text strings.Builder
	text.WriteString(makefile(t))
	scripts, err := filepath.Glob("../internal/tools/*.sh")
	require.NoError(t, err)
	for _, script := range scripts {
		more, err := os.ReadFile(script)
		require.NoError(t, err)
		text.Write(more)
	}
	require.Regexp(t, `\$[({]?(or )?(\$\()?`+variable+`\b`, text.String(), "%s: make reads no %s", page, variable)
}

func checkMake(t *testing.T, c *docCommand) {
	text := makefile(t)
	for _, arg := range c.args {
		if variable, _, given := strings.Cut(arg, "="); given {
			makefileHas(t, c.page, variable)
			continue
		}
		require.Regexp(t, `(?m)^`+regexp.QuoteMeta(arg)+`:`, text, "%s: make %s", c.page, arg)
	}
}

// helpOf is the help text of a program of this repository.
func helpOf(t *testing.T, name string, args ...string) string {
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = ".."
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s: %s", name, out)
	return string(out)
}

// hasFlags: the help has every given flag, with one dash or two.
func hasFlags(t *testing.T, c *docCommand, help string) {
	t.Helper()
	for _, arg := range c.args {
		if name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "="); strings.HasPrefix(arg, "-") && name != "help" {
			require.Regexp(t, `(?m)^\s+(-\w, )?--?`+regexp.QuoteMeta(name)+`([\s,=]|$)`, help, "%s: %q", c.page, c.args)
		}
	}
}

var programHelp = map[string]string{}

func checkGo(t *testing.T, c *docCommand) {
	require.NotEmpty(t, c.args)
	switch c.args[0] {
	case "run":
		require.Greater(t, len(c.args), 1)
		program := c.args[1]
		require.Regexp(t, `^\./(cmd|internal)/[a-z-]+$`, program, c.page)
		if programHelp[program] == "" {
			programHelp[program] = helpOf(t, "go", "run", program, "--help")
		}
		hasFlags(t, &docCommand{page: c.page, args: c.args[2:]}, programHelp[program])
	case "test":
		rest := &docCommand{page: c.page, args: c.args[1:]}
		values, packages := rest.flags(t, "-v", "-update", "-race")
		if len(packages) == 0 {
			packages = []string{"."}
		}
		require.Len(t, packages, 1, c.page)
		source := goSource(t, filepath.Join("..", packages[0]))
		for name, given := range values {
			switch name {
			case "-run", "-bench", "-fuzz":
				for test := range strings.SplitSeq(strings.Trim(given[0], "^$()"), "|") {
					require.Regexp(t, `(?m)^func `+strings.Trim(test, "^$")+`\(`, source, "%s: %q", c.page, c.args)
				}
			case "-cpu", "-count", "-timeout", "-v", "-race", "-benchtime":
			default: // a flag of the test itself
				require.Contains(t, source, `"`+strings.TrimPrefix(name, "-")+`"`, "%s: %q", c.page, c.args)
			}
		}
	default:
		t.Fatalf("%s: go %s: no validator", c.page, c.args[0])
	}
}

func goSource(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	require.NotEmpty(t, files, folder)
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		all.Write(text)
	}
	return all.String()
}

// checkExport: a configuration, a program or a compose file of ours reads an exported variable.
func checkExport(t *testing.T, c *docCommand) {
	require.NotEmpty(t, c.args)
	var taken strings.Builder
	taken.WriteString(documentation(t)[c.page])
	for _, pattern := range []string{"../examples/*/*.yaml", "../cmd/feishu-audit/internal/*/*.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			taken.Write(text)
		}
	}
	for _, arg := range c.args {
		name, _, given := strings.Cut(arg, "=")
		require.True(t, given, "%s: %s", c.page, arg)
		require.Regexp(t, `(\$\{(env:)?`+name+`[}:]|"`+name+`")`, taken.String(), "%s: nothing reads %s", c.page, name)
	}
}

// anything is a validator for programs that only copy bytes.
func anything(*testing.T, *docCommand) {}

// checkRedis: the key is one that redis_storage uses for the receiver.
func checkRedis(t *testing.T, c *docCommand) {
	require.Regexp(t, `^receiver_feishu_audit_[a-z]*(position|calls|seen/[0-9]+)$`, c.args[len(c.args)-1], c.page)
}

// checkTool: the subcommand exists, and has the flags.
func checkTool(t *testing.T, c *docCommand) {
	require.NotEmpty(t, c.args, c.page)
	var path []string
	for _, arg := range c.args {
		if strings.HasPrefix(arg, "-") {
			break
		}
		path = append(path, arg)
	}
	require.NotEmpty(t, path, "%s: %q: no subcommand", c.page, c.args)
	hasFlags(t, c, helpOf(t, feishuAudit(t), append(path, "--help")...))
}

func checkCollector(t *testing.T, c *docCommand) {
	var help string
	switch {
	case len(c.args) == 0 || strings.HasPrefix(c.args[0], "-"):
		help = helpOf(t, binary(t), "--help")
	default:
		help = helpOf(t, binary(t), c.args[0], "--help")
		require.Contains(t, help, "\n  otelcol-feishu "+c.args[0], "%s: %s is not a command of the collector", c.page, c.args[0])
	}
	hasFlags(t, c, help)
}

// manifests are the Kubernetes objects of this repository, by kind and name.
func manifests(t *testing.T) map[string][]map[string]any {
	t.Helper()
	files, err := filepath.Glob("../examples/kubernetes/*/*.yaml") // Helm's values have no kind
	require.NoError(t, err)
	objects := map[string][]map[string]any{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
			var object map[string]any
			err := decoder.Decode(&object)
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err, file)
			if kind, ok := object["kind"].(string); ok {
				name, _ := at(object, "metadata", "name").(string)
				key := strings.ToLower(kind) + "/" + name
				objects[key] = append(objects[key], object)
			}
		}
	}
	require.Contains(t, objects, "statefulset/feishu-audit")
	return objects
}

// at follows keys into a YAML value.
func at(value any, keys ...string) any {
	for _, key := range keys {
		m, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = m[key]
	}
	return value
}

func checkKubectl(t *testing.T, c *docCommand) {
	values, rest := c.flags(t, "--follow", "--")
	if given := values["--namespace"]; given != nil {
		require.Equal(t, []string{namespace}, given, "%s: %q", c.page, c.args)
	}
	delete(values, "--namespace")
	require.NotEmpty(t, rest, c.page)
	objects := manifests(t)
	switch rest[0] {
	case "create":
		switch rest[1] {
		case "namespace":
			require.Equal(t, []string{namespace}, rest[2:], c.page)
			c.only(t, values)
		case "secret":
			require.Equal(t, "generic", rest[2])
			c.only(t, values, "--from-literal")
			given := map[string]bool{}
			for _, literal := range values["--from-literal"] {
				name, _, ok := strings.Cut(literal, "=")
				require.True(t, ok, c.page)
				given[name] = true
			}
			taken := map[string]bool{}
			for _, workload := range []string{"statefulset/feishu-audit", "deployment/feishu-audit", "statefulset/feishu-audit-redis"} {
				for _, object := range objects[workload] {
					for _, key := range secretKeys(t, object, rest[3]) {
						require.True(t, given[key], "%s: the secret lacks %s, which %s takes", c.page, key, workload)
						taken[key] = true
					}
				}
			}
			require.Equal(t, given, taken, "what nothing takes")
		default:
			t.Fatalf("%s: kubectl create %s: no validator", c.page, rest[1])
		}
	case "apply":
		c.only(t, values, "--kustomize", "--filename")
		if file := values["--filename"]; file != nil {
			require.Equal(t, []string{"examples/kubernetes/namespace.yaml"}, file)
			for _, object := range objects["kustomization/"] {
				require.Equal(t, namespace, object["namespace"])
			}
			break
		}
		require.FileExists(t, filepath.Join("..", values["--kustomize"][0], "kustomization.yaml"), c.page)
	case "exec":
		checkKubectlExec(t, c, objects)
	case "scale":
		c.only(t, values, "--replicas")
		require.Contains(t, objects, rest[1])
	case "delete":
		c.only(t, values)
		volume, ok := strings.CutPrefix(rest[1], "persistentvolumeclaim/")
		require.True(t, ok, "%s: %q", c.page, c.args)
		claim := list(at(objects["statefulset/feishu-audit"][0], "spec", "volumeClaimTemplates"))[0]
		require.Equal(t, at(claim, "metadata", "name").(string)+"-feishu-audit-0", volume)
	case "logs":
		c.only(t, values, "--selector", "--follow")
		key, value, _ := strings.Cut(values["--selector"][0], "=")
		for _, workload := range []string{"statefulset/feishu-audit", "deployment/feishu-audit"} {
			require.Equal(t, value, at(objects[workload][0], "spec", "template", "metadata", "labels", key), c.page)
		}
	case "rollout":
		require.Equal(t, "restart", rest[1])
		require.Contains(t, objects, rest[2])
	case "port-forward":
		c.only(t, values)
		require.Contains(t, objects, rest[1], "%s: %q", c.page, c.args)
		text, err := yaml.Marshal(objects[rest[1]])
		require.NoError(t, err)
		for _, port := range rest[2:] {
			require.Contains(t, string(text), "containerPort: "+port+"\n", "%s: %q", c.page, c.args)
		}
	default:
		t.Fatalf("%s: kubectl %s: no validator", c.page, rest[0])
	}
}

// unitFile is the unit that packaging/README.md installs.
func unitFile(t *testing.T, c *docCommand, name string) string {
	t.Helper()
	text, err := os.ReadFile("../packaging/" + strings.TrimSuffix(name, ".service") + ".service")
	require.NoError(t, err, c.page)
	return string(text)
}

func checkSystemctl(t *testing.T, c *docCommand) {
	values, rest := c.flags(t, "--now")
	c.only(t, values, "--now")
	if slices.Equal(rest, []string{"reload", "prometheus"}) { // the unit of Debian's package
		return
	}
	switch rest[0] {
	case "daemon-reload":
		require.Len(t, rest, 1)
	case "enable":
		require.Contains(t, unitFile(t, c, rest[1]), "\n[Install]\n", "it can be enabled")
	case "reload":
		require.Contains(t, unitFile(t, c, rest[1]), "\nExecReload=")
	case "restart", "start", "stop", "status", "edit":
		unitFile(t, c, rest[1])
	default:
		t.Fatalf("%s: systemctl %s: no validator", c.page, rest[0])
	}
}

// linesOfOthers are lines of the collector's own components, and of systemd.
var linesOfOthers = []string{"feishu_audit", "Exporting failed", "Exporting failed. Dropping data", "panic|fatal|oom|Error:|exited", "Error"}

func checkJournalctl(t *testing.T, c *docCommand) {
	values, rest := c.flags(t, "--follow")
	c.only(t, values, "--unit", "--follow", "--since", "--grep")
	require.Empty(t, rest)
	unitFile(t, c, values["--unit"][0])
	for _, line := range values["--grep"] {
		if !slices.Contains(linesOfOthers, line) {
			require.Contains(t, documentation(t)["docs/operating.md"], "| `"+line, "%s: not a line of the receiver", c.page)
		}
	}
}

// checkGrep: what is looked for in the metrics is the name of one.
func checkGrep(t *testing.T, c *docCommand) {
	values, rest := c.flags(t, "-E", "-o")
	c.only(t, values, "-E", "-o", "-m")
	require.NotEmpty(t, rest, c.page)
	if !strings.Contains(rest[0], "audit_") {
		return
	}
	pattern, err := regexp.Compile(rest[0])
	require.NoError(t, err, c.page)
	require.True(t, slices.ContainsFunc(documentedMetrics(t), pattern.MatchString), "%s: no metric is called %s", c.page, rest[0])
}

// checkFuser: the file is in the folder that the unit gives the collector.
func checkFuser(t *testing.T, c *docCommand) {
	_, rest := c.flags(t, "--verbose")
	require.Len(t, rest, 1, c.page)
	require.Contains(t, unitFile(t, c, "otelcol-feishu"), "STORAGE_DIR="+filepath.Dir(rest[0])+"\n")
	require.Equal(t, filepath.Base(newSetup(t, "").file()), filepath.Base(rest[0]))
}

func checkPromtool(t *testing.T, c *docCommand) {
	require.Equal(t, []string{"check", "rules"}, c.args[:2], c.page)
	require.Equal(t, filepath.Base(alertsFile), filepath.Base(c.args[2]), c.page)
}

// checkAmtool: the alert that is silenced is one that lasts.
func checkAmtool(t *testing.T, c *docCommand) {
	values, rest := c.flags(t)
	c.only(t, values, "--alertmanager.url", "--duration", "--comment")
	text, err := os.ReadFile("../examples/prometheus/prometheus.yaml")
	require.NoError(t, err)
	require.Contains(t, string(text), strings.TrimPrefix(values["--alertmanager.url"][0], "http://"), c.page)
	require.Equal(t, []string{"silence", "add"}, rest[:2], c.page)
	require.Contains(t, lasting, strings.TrimPrefix(rest[2], "alertname=FeishuAudit"), c.page)
}

func checkSystemdAnalyze(t *testing.T, c *docCommand) {
	require.Len(t, c.args, 2)
	require.Equal(t, "security", c.args[0])
	unitFile(t, c, c.args[1])
}

func checkDocker(t *testing.T, c *docCommand) {
	require.NotEmpty(t, c.args)
	rest := &docCommand{page: c.page, args: c.args[1:], all: c.all}
	switch c.args[0] {
	case "compose":
		values, words := rest.flags(t, "--build", "--detach", "-d", "--wait")
		rest.only(t, values, "--build", "--detach", "-d", "--wait", "-f", "--file")
		file := filepath.Join(c.folder(), "compose.yaml")
		if given := slices.Concat(values["-f"], values["--file"]); len(given) > 0 {
			file = filepath.Join("..", given[0])
		}
		text, err := os.ReadFile(file)
		require.NoError(t, err, "%s: there is no such compose file", c.page)
		require.NotEmpty(t, words, c.page)
		require.Contains(t, []string{"up", "down"}, words[0], c.page)
		for _, service := range words[1:] {
			require.Contains(t, string(text), "\n  "+service+":\n", "%s: %s has no such service", c.page, file)
		}
	case "build":
		values, words := rest.flags(t)
		rest.only(t, values, "--file", "--tag")
		require.FileExists(t, filepath.Join("..", values["--file"][0]))
		require.Equal(t, []string{"."}, words, "from the root of the repository")
	case "run":
		checkDockerRun(t, rest)
	case "login": // what redaction masks: prose
		require.Equal(t, []string{"--password-stdin"}, rest.args, c.page)
	case "buildx": // shows a digest, of an image that the reader puts after it
		require.Equal(t, []string{"imagetools", "inspect"}, rest.args)
	default:
		t.Fatalf("%s: docker %s: no validator", c.page, c.args[0])
	}
}

// checkDockerRun: the image is the one that the page builds; it runs with nothing to
// write but the volume that its user owns, and with what its configuration needs.
func checkDockerRun(t *testing.T, c *docCommand) {
	values, words := c.flags(t, "--read-only", "--rm", "--detach")
	c.only(t, values, "--read-only", "--cap-drop", "--security-opt", "--volume", "--env", "--memory", "--rm", "--detach")
	require.Len(t, words, 1, c.page)
	require.Condition(t, func() bool {
		return slices.ContainsFunc(c.all, func(line string) bool {
			return strings.HasPrefix(line, "docker build ") && strings.Contains(line, "--tag "+words[0]+" ")
		})
	}, "%s: no command builds %s", c.page, words[0])
	require.Contains(t, values, "--read-only")
	require.Equal(t, []string{"ALL"}, values["--cap-drop"])
	require.Equal(t, []string{"no-new-privileges"}, values["--security-opt"])
	image := readDockerfile(t)
	mounted := map[string]string{}
	for _, volume := range values["--volume"] {
		parts := strings.Split(volume, ":")
		mounted[parts[1]] = parts[0]
	}
	config := mounted[image.cmd[len(image.cmd)-1]]
	require.NotEmpty(t, config, "the configuration is where the image's command looks for it")
	require.Contains(t, mounted, image.owned, "the position is on a volume")
	text, err := os.ReadFile(filepath.Join("..", strings.TrimPrefix(config, "$PWD/")))
	require.NoError(t, err)
	require.True(t, image.storage)
	require.Contains(t, string(text), "${env:STORAGE_DIR:-")
	for _, name := range needed.FindAllStringSubmatch(string(text), -1) {
		require.Contains(t, values["--env"], name[1])
	}
}

// checkCurl asks the simulator, or looks whether a configuration of ours serves it.
func checkCurl(t *testing.T, c *docCommand) {
	values, rest := c.flags(t, "-i", "-s", "-f")
	c.only(t, values, "-i", "-s", "-f", "-d", "--data-urlencode")
	require.Len(t, rest, 1, c.page)
	if path, ok := strings.CutPrefix(rest[0], "http://victorialogs:9428"); ok {
		// The tests of the detections ask VictoriaLogs so.
		require.Equal(t, "/select/logsql/stats_query", path)
		return
	}
	if path, ok := strings.CutPrefix(rest[0], "$FEISHU_ENDPOINT"); ok {
		// Asked as the page says, the answer is the one that the page tells.
		a := newAPI(t, simulator.Options{})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+a.addr+path, strings.NewReader(values["-d"][0]))
		require.NoError(t, err)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		var answer map[string]any
		require.NoError(t, json.NewDecoder(res.Body).Decode(&answer), "%s: %s", c.page, rest[0])
		require.Contains(t, answer, "code")
		return
	}
	served := map[string]string{"13133/status": "healthcheckv2", "13133/status?verbose": "healthcheckv2", "8888/metrics": "telemetry", "9090/api/v1/rules": "Prometheus"}
	where := regexp.MustCompile(`^https?://(?:localhost|127\.0\.0\.1):`).ReplaceAllString(rest[0], "")
	require.Contains(t, served, where, "%s: curl %s: no configuration of ours serves it", c.page, rest[0])
}
