// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"strings"
)

// Step is a step to use the recommended configuration.
type Step struct {
	Text Message `json:"text"`
	// Command is for a shell, in the folder of the repository. Dots replace what the doctor does not show.
	Command string `json:"command,omitempty"`
}

// nextSteps are the steps from the recommended configuration to records that arrive. Nothing else has to be read
// for them.
func nextSteps(o *Options) []Step {
	const collector = "_build/otelcol-feishu"
	file, saved := "config.yaml", msg("Save the configuration above as config.yaml.")
	if o.ConfigFile != "" {
		file, saved = shellWord(o.ConfigFile), msg("The configuration is in %s.", o.ConfigFile)
	}
	steps := []Step{
		{Text: msg("%s The collector stores its position in the folder storage of the directory in which it is started. For a service, use a folder on a persistent disk, such as /var/lib/otelcol/storage.", saved)},
		{msg("Build the collector in the repository's folder, unless you have the binary:"), "make build"},
	}
	switch name, inEnv := strings.CutPrefix(strings.TrimSuffix(o.SecretSource, "}"), "${env:"); {
	case inEnv:
		steps = append(steps, Step{msg("Put the app secret into the environment, where the collector finds it:"), "export " + name + "=..."})
	default:
		steps = append(steps, Step{Text: msg("Let the collector's user, and nobody else, read the file with the app secret.")})
	}
	if o.LineBreak > 0 {
		steps = append(steps, Step{
			msg("Remove the line break at the end of that file, once. The collector would read it as a part of the secret:"),
			fmt.Sprintf("truncate --size=-%d '%s'", o.LineBreak, strings.ReplaceAll(o.SecretFile, "'", `'\''`)),
		})
	}
	if hasPassword(o.ProxyURL) {
		steps = append(steps, Step{msg("The same for the proxy, with its password:"), "export " + proxyVariable + "=..."})
	}
	return append(steps,
		Step{msg("Check the configuration. No output means that it is valid:"), collector + " validate --config " + file},
		Step{msg("Run it. Records appear on the terminal. Then replace debug by your backend:"), collector + " --config " + file})
}

// shellWord quotes a path if a shell would change it.
func shellWord(path string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./", r)
	}
	if strings.ContainsFunc(path, func(r rune) bool { return !plain(r) }) {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}

// writeSteps writes the steps for people, each command on its own line.
func writeSteps(b *page, steps []Step) {
	b.WriteString("\n")
	b.raw(msg("What to do now:"))
	b.WriteString("\n\n")
	for i, step := range steps {
		b.column(fmt.Sprintf("  %d.", i+1), 5, step.Text.In(b.language))
		if step.Command != "" {
			b.WriteString("       " + step.Command + "\n")
		}
	}
}
