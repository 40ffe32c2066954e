// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// redisPassword is the password for Redis in the secret of the manifests.
const redisPassword = "redis-password"

// startRedis runs a Redis as in examples/kubernetes/replicas/redis.yaml, and returns a function that kills it.
func startRedis(t *testing.T, addr, dir string) (kill func()) {
	host, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	container := list(at(kustomized(t, "replicas")["statefulset/feishu-audit-redis"], "spec", "template", "spec", "containers"))[0]
	mounted := at(list(at(container, "volumeMounts"))[1], "mountPath").(string)
	var args []string
	for _, arg := range slices.Concat(list(at(container, "command")), list(at(container, "args"))) {
		args = append(args, strings.ReplaceAll(arg.(string), mounted, secretFiles(t)))
	}
	args = append(args, "--bind", host, "--port", port, "--dir", dir)
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), args[0], args[1:]...)
	out := &output{}
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(t, cmd.Start(), "`make e2e-ha` installs it")
	killed := false
	kill = func() {
		if !killed {
			killed = true
			_ = cmd.Process.Kill() // it may have ended
			_ = cmd.Wait()
		}
	}
	t.Cleanup(func() {
		kill()
		if t.Failed() {
			t.Logf("Redis wrote:\n%s", out)
		}
	})
	return kill
}

// redisGone: while the only Redis is down, neither replica reads, the leader reports why, and no other replica
// is elected; once a Redis runs with the same disk again, reading resumes: no entry is lost, and at most one
// page is duplicated.
func redisGone(t *testing.T, kube *cluster) {
	log := simulator.Tenant{Seed: 62, PerSecond: 20, Start: time.Now().Unix() - 60}
	a, b := newAPI(t, simulator.Options{Tenant: log}), newBackend(t)
	redis, dir := "127.0.0.1:"+freePort(t), t.TempDir()
	kill := startRedis(t, redis, dir)
	replicas := []*replica{newReplica(t, kube, "a", a, b, redis), newReplica(t, kube, "b", a, b, redis)}
	leader := func() (who *replica) {
		for _, r := range replicas {
			if r.elected() > 0 {
				who = r
			}
		}
		return who
	}
	eventually(t, recovers, "one is elected and delivers", func() bool { return leader() != nil && b.of(leader().name) > 10*pageSize })
	first := leader()
	kill()
	began := time.Now()
	first.says(t, "Cannot read or write the position; retrying. Nothing is lost", recovers)
	before := b.count()
	pause(t, 20*time.Second) // longer than a lease
	require.LessOrEqual(t, b.count(), before+pageSize, "what cannot be committed is not asked for")
	for _, r := range replicas {
		require.True(t, r.alive())
	}
	require.Equal(t, 1, replicas[0].elected()+replicas[1].elected(), "another leader would not have a Redis either")

	startRedis(t, redis, dir)
	back := time.Now()
	eventually(t, recovers, "it delivers again", func() bool { return b.count() > before+2*pageSize })
	fmt.Printf("%s: %.1f s away; delivered again %.1f s after it was back\n", t.Name(), back.Sub(began).Seconds(), time.Since(back).Seconds())
	entries := a.ends(log)
	b.arrivals(t, entries)
	b.check(t, entries, 1)
	for _, r := range replicas {
		r.term(t)
	}
}
