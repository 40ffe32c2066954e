// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// namespace is that of the manifests below examples/kubernetes.
const namespace = "feishu-audit"

// cluster is a real kube-apiserver, built by `make kube-apiserver`, with an etcd. It has no nodes: it is used
// for leases, rights and to check whether it accepts the manifests.
type cluster struct {
	dir, addr string
	client    *http.Client
}

// Tokens of users. The collector's name is that of its service account, so that the role of examples/kubernetes
// limits what it may do.
const (
	adminToken     = "admin-token"
	collectorToken = "collector-token"
)

func newCluster(t *testing.T) *cluster {
	c := &cluster{dir: t.TempDir(), client: &http.Client{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, //nolint:gosec // its certificate is made at start
	}}
	etcd, peers, port := freePort(t), freePort(t), freePort(t)
	c.addr = "127.0.0.1:" + port
	run(t, "etcd", "--data-dir="+filepath.Join(c.dir, "etcd"), "--log-level=error",
		"--listen-client-urls=http://127.0.0.1:"+etcd, "--advertise-client-urls=http://127.0.0.1:"+etcd,
		"--listen-peer-urls=http://127.0.0.1:"+peers, "--initial-advertise-peer-urls=http://127.0.0.1:"+peers,
		"--initial-cluster=default=http://127.0.0.1:"+peers)

	tokens, key := filepath.Join(c.dir, "tokens.csv"), filepath.Join(c.dir, "key.pem")
	require.NoError(t, os.WriteFile(tokens, []byte(adminToken+`,admin,1,"system:masters"
`+collectorToken+`,system:serviceaccount:`+namespace+`:feishu-audit,2,"system:serviceaccounts"
`), 0o600))
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)})
	require.NoError(t, os.WriteFile(key, text, 0o600))
	run(t, filepath.Join("..", "_build", "kube-apiserver"), "--etcd-servers=http://127.0.0.1:"+etcd, "--bind-address=127.0.0.1", "--secure-port="+port,
		"--cert-dir="+filepath.Join(c.dir, "certificates"), "--token-auth-file="+tokens, "--authorization-mode=RBAC", "--service-cluster-ip-range=10.0.0.0/24",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+key, "--service-account-signing-key-file="+key)
	eventually(t, 2*time.Minute, "the API server is ready", func() bool {
		status, _ := c.ask(t, http.MethodGet, "/readyz", nil)
		return status == http.StatusOK
	})
	status, answer := c.ask(t, http.MethodPost, "/api/v1/namespaces", map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": namespace}})
	require.Equal(t, http.StatusCreated, status, answer)
	return c
}

// run starts a program that ends with the test.
func run(t *testing.T, name string, args ...string) {
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), name, args...)
	out := &output{}
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(t, cmd.Start(), "`make e2e-ha` installs or builds it")
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		if t.Failed() {
			lines := strings.Split(out.String(), "\n")
			t.Logf("%s wrote (last lines):\n%s", filepath.Base(name), strings.Join(lines[max(0, len(lines)-10):], "\n"))
		}
	})
}

// ask returns the status of the answer, 0 if there is none, and its text.
func (c *cluster) ask(t *testing.T, method, path string, body any) (int, string) {
	text, err := json.Marshal(body)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), method, "https://"+c.addr+path, bytes.NewReader(text))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+adminToken)
	req.Header.Set("Content-Type", "application/json")
	res, err := c.client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(answer)
}

// collections are the paths of the API server for the kinds of the manifests.
var collections = map[string]string{
	"v1 ConfigMap": "/api/v1/namespaces/%s/configmaps",
	"v1 Service":   "/api/v1/namespaces/%s/services", "v1 ServiceAccount": "/api/v1/namespaces/%s/serviceaccounts",
	"apps/v1 Deployment": "/apis/apps/v1/namespaces/%s/deployments", "apps/v1 StatefulSet": "/apis/apps/v1/namespaces/%s/statefulsets",
	"rbac.authorization.k8s.io/v1 Role":        "/apis/rbac.authorization.k8s.io/v1/namespaces/%s/roles",
	"rbac.authorization.k8s.io/v1 RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/%s/rolebindings",
	"policy/v1 PodDisruptionBudget":            "/apis/policy/v1/namespaces/%s/poddisruptionbudgets",
	"networking.k8s.io/v1 NetworkPolicy":       "/apis/networking.k8s.io/v1/namespaces/%s/networkpolicies",
}

// create sends objects to the API server, which refuses unknown fields; with dryRun nothing is changed.
func (c *cluster) create(t *testing.T, objects map[string]map[string]any, dryRun bool) {
	t.Helper()
	query := "?fieldValidation=Strict"
	if dryRun {
		query += "&dryRun=All"
	}
	require.NotEmpty(t, objects)
	for name, object := range objects {
		kind := fmt.Sprint(object["apiVersion"], " ", object["kind"])
		require.Contains(t, collections, kind, name)
		status, answer := c.ask(t, http.MethodPost, fmt.Sprintf(collections[kind], namespace)+query, object)
		require.Equal(t, http.StatusCreated, status, "%s: %s", name, answer)
	}
}

// kubeconfig connects a collector to the API server through a separate address.
func (c *cluster) kubeconfig(t *testing.T, addr string) string {
	path := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(path, []byte(`
apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: test}}]
clusters: [{name: test, cluster: {server: "https://`+addr+`", insecure-skip-tls-verify: true}}]
users: [{name: test, user: {token: `+collectorToken+`}}]
`), 0o600))
	return path
}
