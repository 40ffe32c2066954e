// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// machine is a systemd that testdata/machine.sh has booted in namespaces of its own.
type machine struct{ init string } // the process id of its first process

// namespaces are the arguments of unshare for a machine's.
var namespaces = []string{"--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--cgroup", "--uts", "--ipc"}

func bootMachine(t *testing.T) *machine {
	// In a group of its own, of which --cgroup makes the root: two machines with one tree would remove each other's
	// groups, and now and then a service would not start (219/CGROUP).
	group := newCgroup(t)
	args := append([]string{"-c", `echo $$ >"$0/cgroup.procs" && exec unshare "$@"`, group}, namespaces...)
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "sh", append(args, "testdata/machine.sh", t.TempDir())...)
	out := &output{}
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // with it all that runs in its namespaces, and the namespaces
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the machine wrote:\n%s", out)
		}
	})
	m := &machine{}
	eventually(t, 2*time.Minute, "systemd has booted", func() bool {
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", cmd.Process.Pid))
		require.NoError(t, err)
		m.init = strings.TrimSpace(string(children))
		if m.init == "" {
			return false
		}
		state, _ := m.try(t, nil, "systemctl", "is-system-running")
		return strings.TrimSpace(state) == "running"
	})
	return m
}

var cgroupMount = regexp.MustCompile(`(?m)^\S+ (\S+) cgroup2 `)

// newCgroup makes a control group, which is removed with those below it when its processes have ended.
func newCgroup(t *testing.T) (folder string) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	require.NoError(t, err)
	mount := cgroupMount.FindSubmatch(mounts)
	if mount == nil {
		t.Skip("boots systemd: this machine has no cgroup2")
	}
	folder = filepath.Join(string(mount[1]), fmt.Sprintf("feishu-audit-test-%d-%s", os.Getpid(), filepath.Base(t.Name())))
	require.NoError(t, os.Mkdir(folder, 0o755))
	t.Cleanup(func() {
		eventually(t, starts, "the control groups are removed", func() bool {
			var folders []string // each before those below it
			_ = filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
				if err == nil && d.IsDir() {
					folders = append(folders, path)
				}
				return nil
			})
			for _, f := range slices.Backward(folders) {
				_ = os.Remove(f) // refused while a process is in it
			}
			_, err := os.Stat(folder)
			return os.IsNotExist(err)
		})
	})
	return folder
}

// try runs a command in the machine, and returns what it wrote.
func (m *machine) try(t *testing.T, in io.Reader, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "nsenter", append([]string{"--target", m.init, "--mount", "--pid", "--uts", "--ipc", "--cgroup", "--root", "--wd"}, args...)...)
	cmd.Stdin = in
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (m *machine) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := m.try(t, nil, args...)
	require.NoError(t, err, "%v: %s", args, out)
	return strings.TrimSpace(out)
}

// put writes a file with the given mode.
func (m *machine) put(t *testing.T, from io.Reader, path, mode string) {
	t.Helper()
	out, err := m.try(t, from, "install", "-m", mode, "/dev/stdin", path)
	require.NoError(t, err, out)
}

var recordID = regexp.MustCompile(`"key":"log.record.uid","value":\{"stringValue":"([^"]*)"`)

const unit = "otelcol-feishu.service"

// ids returns the ids of the records that the first configuration has written, and how often each occurs.
func (m *machine) ids(t *testing.T) map[string]int {
	text, _ := m.try(t, nil, "cat", "/var/lib/otelcol-feishu/audit.jsonl") // it may not be there yet
	ids := map[string]int{}
	for _, match := range recordID.FindAllStringSubmatch(text, -1) {
		ids[match[1]]++
	}
	return ids
}

// TestPackages: the deb and the rpm of `make package` on a machine with systemd: nothing starts before two
// values are set; with them the service reads the log inside the unit's sandbox; a reload and an upgrade resume
// from the checkpoint, with the user's changes; removal keeps configuration and position, and purging a deb
// deletes everything.
func TestPackages(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("mounts file systems and boots systemd: needs Linux and root")
	}
	if out, err := exec.CommandContext(t.Context(), "unshare", append(slices.Clone(namespaces), "true")...).CombinedOutput(); err != nil {
		t.Skipf("mounts file systems and boots systemd: this machine gives no namespaces: %s", out)
	}
	next := t.TempDir() // the packages to upgrade to
	cmd := exec.CommandContext(t.Context(), "../internal/tools/package.sh", runtime.GOOS+"/"+runtime.GOARCH)
	cmd.Env = append(os.Environ(), "VERSION=0.1.1", "RELEASE="+next)
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", text)
	for kind, format := range map[string]struct {
		name                            string // of the file, by version and architecture
		install, upgrade, again, remove []string
		arch                            map[string]string
	}{
		"deb": {"otelcol-feishu_%s_%s.deb", []string{"dpkg", "--install"}, []string{"dpkg", "--install"}, []string{"dpkg", "--install"}, []string{"dpkg", "--remove"}, map[string]string{}},
		// Debian's rpm does not know what dpkg has installed.
		"rpm": {"otelcol-feishu-%s-1.%s.rpm", []string{"rpm", "--install", "--nodeps"}, []string{"rpm", "--upgrade", "--nodeps"}, []string{"rpm", "--reinstall", "--nodeps"}, []string{"rpm", "--erase"}, map[string]string{"amd64": "x86_64", "arm64": "aarch64"}},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			arch := runtime.GOARCH
			if format.arch[arch] != "" {
				arch = format.arch[arch]
			}
			m := bootMachine(t)
			put := func(folder, version string) (path string) {
				file, err := os.Open(filepath.Join(folder, fmt.Sprintf(format.name, version, arch)))
				require.NoError(t, err, "run `make package` first")
				defer file.Close()
				m.put(t, file, "/var/tmp/"+version, "0644")
				return "/var/tmp/" + version
			}
			said := m.run(t, append(format.install, put("../_build/release", "0.1.0"))...)
			require.Contains(t, said, "It needs two values")
			require.Equal(t, "600 root", m.run(t, "stat", "-c", "%a %U", "/etc/otelcol-feishu/app_secret"))
			for _, folder := range []string{"/var/lib/otelcol-feishu", "/var/lib/otelcol-feishu/storage"} {
				require.Equal(t, "700 otelcol-feishu otelcol-feishu", m.run(t, "stat", "-c", "%a %U %G", folder))
			}
			state, _ := m.try(t, nil, "systemctl", "is-enabled", unit)
			require.Equal(t, "disabled", strings.TrimSpace(state))
			out, err := m.try(t, nil, "systemctl", "start", unit)
			require.Error(t, err, out)
			require.Regexp(t, `app_id.*cli_xxx`, m.run(t, "journalctl", "--unit", unit, "--output", "cat"))

			log := simulator.Tenant{Seed: 61, PerSecond: 5, Start: time.Now().Unix() - 60}
			a := newAPI(t, simulator.Options{Tenant: log})
			// The two values, and for this test the API's address, other ports, and a short poll interval.
			m.run(t, "sed", "-i", "-e", "s#^FEISHU_APP_ID=.*#FEISHU_APP_ID="+simulator.DefaultAppID+"#",
				"-e", "s#^FEISHU_ENDPOINT=.*#FEISHU_ENDPOINT=http://"+a.addr+"#", "-e", "$aHEALTH_ENDPOINT=127.0.0.1:0\\nMETRICS_PORT=0", "/etc/otelcol-feishu/otelcol-feishu.env")
			m.put(t, strings.NewReader(simulator.DefaultAppSecret), "/etc/otelcol-feishu/app_secret", "0600")
			m.run(t, "sed", "-i", "s/^    storage: file_storage/&\\n    poll_interval: 1s/", "/etc/otelcol-feishu/collector.yaml")
			m.run(t, "systemctl", "enable", "--now", unit)
			eventually(t, starts, "records are written", func() bool { return len(m.ids(t)) > 100 })

			t.Run("reload", func(t *testing.T) { m.reload(t) })

			configuration := m.run(t, "sh", "-c", "sha256sum /etc/otelcol-feishu/*")
			pid := m.run(t, "systemctl", "show", "--property=MainPID", unit)
			said = m.run(t, append(format.upgrade, put(next, "0.1.1"))...)
			require.NotContains(t, said, "It needs two values")
			require.Equal(t, configuration, m.run(t, "sh", "-c", "sha256sum /etc/otelcol-feishu/*"))
			require.Equal(t, "active", m.run(t, "systemctl", "is-active", unit))
			require.NotEqual(t, pid, m.run(t, "systemctl", "show", "--property=MainPID", unit), "the new one runs")
			entries := a.ends(log)
			eventually(t, recovers, "every entry is there", func() bool { return len(m.ids(t)) == len(entries) })
			for id, times := range m.ids(t) {
				require.Equal(t, 1, times, "entry %s", id)
			}
			journal := m.run(t, "journalctl", "--unit", unit, "--output", "cat")
			require.Equal(t, 1, strings.Count(journal, "No checkpoint"), "once, at the first start")
			t.Run("runbook", func(t *testing.T) { m.runbook(t) })
			t.Run("upgrade of what can't start", func(t *testing.T) { m.upgradeInvalid(t, format.again, "/var/tmp/0.1.1") })

			m.run(t, append(format.remove, "otelcol-feishu")...)
			state, _ = m.try(t, nil, "systemctl", "is-active", unit)
			require.Equal(t, "inactive", strings.TrimSpace(state))
			m.run(t, "test", "!", "-e", "/usr/bin/otelcol-feishu")
			m.run(t, "test", "-s", "/var/lib/otelcol-feishu/storage/receiver_feishu_audit_")
			kept := m.run(t, "ls", "/etc/otelcol-feishu")
			require.Contains(t, kept, "collector.yaml")
			require.Contains(t, kept, "app_secret")
			if kind == "deb" {
				m.run(t, "dpkg", "--purge", "otelcol-feishu")
				m.run(t, "test", "!", "-e", "/etc/otelcol-feishu", "-a", "!", "-e", "/var/lib/otelcol-feishu")
			}
		})
	}
}

// reload: an invalid configuration is refused and the old one stays in use; a valid one is applied by the same
// process, from the checkpoint on. The sandbox is as strict as systemd-analyze says about the file.
func (m *machine) reload(t *testing.T) {
	m.run(t, "systemd-analyze", "security", "--threshold=20", "--no-pager", unit)
	pid := m.run(t, "systemctl", "show", "--property=MainPID", unit)
	const config = "/etc/otelcol-feishu/collector.yaml"
	m.run(t, "sed", "-i", "$anonsense: true", config)
	out, err := m.try(t, nil, "systemctl", "reload", unit)
	require.Error(t, err, out)
	require.Equal(t, "active", m.run(t, "systemctl", "is-active", unit))
	m.run(t, "sed", "-i", "$d", config)
	m.run(t, "systemctl", "reload", unit)
	eventually(t, recovers, "it goes on", func() bool {
		return strings.Contains(m.run(t, "journalctl", "--unit", unit, "--output", "cat"), "Resuming from the checkpoint")
	})
	require.Equal(t, pid, m.run(t, "systemctl", "show", "--property=MainPID", unit))
}

// upgradeInvalid: a service that does not start again, here for its configuration, is reported and leaves the
// package installed as any other; once that is valid again, a restart is enough.
func (m *machine) upgradeInvalid(t *testing.T, upgrade []string, pkg string) {
	const config = "/etc/otelcol-feishu/collector.yaml"
	m.run(t, "sed", "-i", "$anonsense: true", config)
	said := m.run(t, append(slices.Clone(upgrade), pkg)...)
	require.Contains(t, said, "otelcol-feishu did not start again: journalctl -u otelcol-feishu")
	if upgrade[0] == "dpkg" {
		require.Equal(t, "install ok installed", m.run(t, "dpkg-query", "--show", "--showformat=${Status}", "otelcol-feishu"))
	}
	m.run(t, "sed", "-i", "$d", config)
	m.run(t, "systemctl", "restart", unit)
	require.Equal(t, "active", m.run(t, "systemctl", "is-active", unit))
}

// runbook: the commands of the runbook that are about the host do on a real one what the page says: the journal
// shows why a start failed, and the storage can be looked at and reset.
func (m *machine) runbook(t *testing.T) {
	sections := readRunbook(t)
	paste := func(name string, block int) (string, error) {
		t.Helper()
		return m.try(t, strings.NewReader("set -o pipefail\n"+sections[name].blocks[block]), "bash")
	}
	// systemd's own lines are not in this machine's journal, unlike on others.
	out, err := paste("Restarts", 0)
	require.NoError(t, err, out)
	require.Contains(t, out, "Error: receivers::feishu_audit: app_id: ", "of the first start")
	out, err = paste("Storage", 0)
	require.NoError(t, err, out)
	require.Contains(t, out, "\nfile        /var/lib/otelcol-feishu/storage/receiver_feishu_audit_ ")
	out, err = paste("Storage", 1)
	require.Contains(t, out, "\nDone. ")
	require.NoError(t, err, out)
	owner := m.run(t, "stat", "-c", "%a %U", "/var/lib/otelcol-feishu/storage/receiver_feishu_audit_")
	require.Equal(t, "600 otelcol-feishu", owner, "the service can use what root has changed")
	eventually(t, recovers, "it starts over", func() bool {
		return strings.Count(m.run(t, "journalctl", "--unit", unit, "--output", "cat"), "No checkpoint") == 2
	})
	journals := 0
	for name, s := range sections {
		for line := range strings.SplitSeq(strings.Join(append(s.blocks, s.spans...), "\n"), "\n") {
			if strings.HasPrefix(line, "journalctl ") {
				out, err := m.try(t, nil, "bash", "-c", line)
				// It fails without a line that matches; a flag that it does not know is reported otherwise.
				require.True(t, err == nil || strings.TrimSpace(out) == "" || strings.Contains(out, "-- No entries --"), "%s: %s: %s", name, line, out)
				journals++
			}
		}
	}
	require.Greater(t, journals, 5)
}

// TestRelease: the output of `make package` has the right checksums, and the archive has everything for an
// installation by hand.
func TestRelease(t *testing.T) {
	t.Parallel()
	sums, err := os.ReadFile("../_build/release/SHA256SUMS")
	require.NoError(t, err, "run `make package` first")
	lines := strings.Split(strings.TrimSpace(string(sums)), "\n")
	require.GreaterOrEqual(t, len(lines), 3, "archive, deb and rpm")
	for _, line := range lines {
		sum, name, _ := strings.Cut(line, "  ")
		content, err := os.ReadFile(filepath.Join("../_build/release", name))
		require.NoError(t, err)
		is := sha256.Sum256(content)
		assert.Equal(t, sum, hex.EncodeToString(is[:]), name)
	}
	folder := fmt.Sprintf("otelcol-feishu_0.1.0_%s_%s", runtime.GOOS, runtime.GOARCH)
	list, err := exec.CommandContext(t.Context(), "tar", "-tzf", filepath.Join("../_build/release", folder+".tar.gz")).Output()
	require.NoError(t, err)
	for _, name := range []string{"otelcol-feishu", "feishu-audit", "collector.yaml", "otelcol-feishu.service", "otelcol-feishu.env", "otelcol-feishu.cdx.json", "feishu-audit.cdx.json", "LICENSE"} {
		assert.True(t, bytes.Contains(list, []byte(folder+"/"+name+"\n")), name)
	}
}
