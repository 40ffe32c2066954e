// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

var ha = flag.Bool("ha", false, "run the tests that need kube-apiserver, etcd and Redis")

// TestHighAvailability: two collectors with examples/kubernetes/replicas, the real k8s_leader_elector, a real
// kube-apiserver and a real Redis. The leader is ended or killed, cut off from the API server, or paused for
// longer than its lease: the other one takes over, no entry is lost, and at most one page is duplicated. Covers
// F34.
func TestHighAvailability(t *testing.T) {
	if !*ha {
		t.Skip("needs kube-apiserver, etcd and Redis: run `make e2e-ha`")
	}
	kube := newCluster(t)
	for _, folder := range []string{"single", "replicas"} {
		kube.create(t, kustomized(t, folder), true)
	}
	rights := kustomized(t, "replicas")
	for name := range rights {
		if kind, _, _ := strings.Cut(name, "/"); !slices.Contains([]string{"serviceaccount", "role", "rolebinding"}, kind) {
			delete(rights, name)
		}
	}
	kube.create(t, rights, false)

	for _, tc := range []struct {
		name string
		// fault happens to the leader, cure after the other has taken over.
		fault, cure func(t *testing.T, r *replica)
		mayRepeat   int // pages
	}{
		{"ended", func(t *testing.T, r *replica) { r.term(t) }, func(*testing.T, *replica) {}, 0},
		{"killed", func(t *testing.T, r *replica) { r.kill(t) }, func(*testing.T, *replica) {}, 1},
		{
			"cut off from the API server",
			func(_ *testing.T, r *replica) { r.way.turn(false) }, func(_ *testing.T, r *replica) { r.way.turn(true) }, 0,
		},
		{
			"Receiver stopped",
			func(t *testing.T, r *replica) { require.NoError(t, r.cmd.Process.Signal(syscall.SIGSTOP)) },
			func(t *testing.T, r *replica) { require.NoError(t, r.cmd.Process.Signal(syscall.SIGCONT)) }, 1,
		},
	} {
		t.Run(tc.name, func(t *testing.T) { failOver(t, kube, tc.fault, tc.cure, tc.mayRepeat) })
	}
	t.Run("Redis gone", func(t *testing.T) { redisGone(t, kube) })
}

func failOver(t *testing.T, kube *cluster, fault, cure func(*testing.T, *replica), mayRepeat int) {
	log := simulator.Tenant{Seed: 60, PerSecond: 20, Start: time.Now().Unix() - 60}
	a, b := newAPI(t, simulator.Options{Tenant: log}), newBackend(t)
	redis := "127.0.0.1:" + freePort(t)
	startRedis(t, redis, t.TempDir())
	var replicas []*replica
	for _, name := range []string{"a", "b"} {
		replicas = append(replicas, newReplica(t, kube, name, a, b, redis))
	}

	var leader, other *replica
	eventually(t, recovers, "one is elected", func() bool {
		for i, r := range replicas {
			if r.elected() > 0 {
				leader, other = r, replicas[1-i]
			}
		}
		return leader != nil
	})
	eventually(t, recovers, "the leader delivers", func() bool { return b.of(leader.name) > 10*pageSize })
	require.Zero(t, b.of(other.name), "the other one stands by")

	require.InDelta(t, 1, leader.leads(t), 0)
	require.InDelta(t, 0, other.leads(t), 0, "the metric leader sums up to one")

	fault(t, leader)
	began := time.Now()
	eventually(t, recovers, "the other one delivers", func() bool { return b.of(other.name) > 0 })
	gap := time.Since(began)
	delivered := b.of(leader.name)
	cure(t, leader)
	pause(t, 20*time.Second) // longer than a lease
	require.LessOrEqual(t, b.of(leader.name), delivered+mayRepeat*pageSize, "who is no longer elected reads on")

	entries := a.ends(log)
	b.arrivals(t, entries)
	fmt.Printf("%s: the other one delivered after %.1f s\n", t.Name(), gap.Seconds())
	b.check(t, entries, mayRepeat)
	require.Equal(t, 1, other.elected())
	require.InDelta(t, 1, other.leads(t), 0)
	if leader.alive() {
		require.InDelta(t, 0, leader.leads(t), 0, "the metric leader sums up to one")
	}
	for _, r := range replicas {
		require.NotContains(t, r.out.String(), "Receiver stopped")
		if r.alive() {
			r.term(t)
		}
	}
}

// replica is one of several collectors that share a position.
type replica struct {
	*collector
	name    string
	way     *switched // to the API server
	metrics string    // where they are scraped
}

// leads is the receiver's metric leader, as scraped.
func (r *replica) leads(t *testing.T) float64 {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.metrics+"/metrics", nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	found := regexp.MustCompile(`(?m)^otelcol_receiver_feishu_audit_leader\{[^}]*\} (\d+)$`).FindAllSubmatch(text, -1)
	require.Len(t, found, 1, "%s", text)
	value, err := strconv.ParseFloat(string(found[0][1]), 64)
	require.NoError(t, err)
	return value
}

func newReplica(t *testing.T, kube *cluster, name string, a *api, b *backend, redis string) *replica {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r := &replica{name: name, way: &switched{Listener: l}, metrics: freeAddress(t)}
	host, port, _ := net.SplitHostPort(r.metrics)
	t.Cleanup(func() { _ = l.Close() })
	go r.way.forward(t.Context(), kube.addr)
	cmd := exec.CommandContext(t.Context(), binary(t), "--config=../examples/kubernetes/replicas/collector.yaml",
		"--set=service.telemetry.metrics.readers=[{pull: {exporter: {prometheus: {host: "+host+", port: "+port+"}}}}]",
		"--set=exporters.otlphttp.compression=none", "--set=exporters.otlphttp.headers."+lifeHeader+"="+name,
		"--set=receivers.feishu_audit.poll_interval=1s", "--set=receivers.feishu_audit.recheck_after=[10s]", "--set=receivers.feishu_audit.requests_per_minute=6000")
	cmd.Env = append(os.Environ(), "KUBERNETES_AUTH=kubeConfig", "KUBECONFIG="+kube.kubeconfig(t, l.Addr().String()), "REDIS_ENDPOINT="+redis, "POD_NAMESPACE="+namespace,
		"HEALTH_PORT="+freePort(t), "FEISHU_ENDPOINT=http://"+a.addr, "FEISHU_APP_ID="+simulator.DefaultAppID,
		"SECRETS_DIR="+secretFiles(t), "OTLP_ENDPOINT="+b.url())
	r.collector = launch(t, cmd, (*exec.Cmd).Start)
	return r
}

// elected returns how many terms it has had.
func (r *replica) elected() int {
	return strings.Count(r.out.String(), "Elected: this replica reads the audit log")
}

// forward forwards connections until it is switched off.
func (s *switched) forward(ctx context.Context, addr string) {
	for {
		conn, err := s.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			to, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
			if err != nil {
				return
			}
			defer to.Close()
			go func() {
				_, _ = io.Copy(to, conn) // ends when either side does
				_ = to.Close()
			}()
			_, _ = io.Copy(conn, to)
		}()
	}
}

// of returns how many records came from a run.
func (b *backend) of(life string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, lives := range b.came {
		for _, from := range lives {
			if from == life {
				n++
			}
		}
	}
	return n
}
