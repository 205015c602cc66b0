package node

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

func inGroup(o *Options) { o.Solo = false }

// Workers call each other over TLS with certificates of their own, and hand on who a
// client is.
func TestForwardingBetweenSecuredWorkers(t *testing.T) {
	ca := newAuthority(t)
	cert, key := ca.issue(t, x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth)
	users := file(t, "users", []byte("alice:"+bcrypted(t, "secret")+"\n"))
	props := map[string]string{
		"listeners": "https://127.0.0.1:0", "ssl.client.auth": "required", "ssl.keystore.type": "PEM", "ssl.keystore.location": file(t, "server.pem", key, cert),
		"ssl.truststore.type": "PEM", "ssl.truststore.location": file(t, "trust.pem", ca.pem), "moldau.rest.htpasswd.file": users, "heartbeat.interval.ms": "100",
	}
	broker := newBroker(t)
	var nodes []*running
	for range 2 {
		r, err := runOn(t, broker, props, inGroup)
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, r)
	}
	web := ca.client(t, ca, x509.ExtKeyUsageClientAuth)
	for i, r := range nodes {
		base := "https://alice:secret@" + strings.TrimPrefix(r.url, "https://")
		name := fmt.Sprintf("c%d", i)
		status, answer := send(t, web, "POST", base+"/connectors?wait=running", `{"name":"`+name+`","config":{"connector.class":"FileStreamSource","file":"/dev/null","topic":"t"}}`)
		if status != 201 || !strings.Contains(answer, `"reached":true`) {
			t.Errorf("node %d: %d %s", i, status, answer)
		}
		if status, answer := send(t, web, "POST", base+"/connectors/"+name+"/restart", ""); status != 204 {
			t.Errorf("node %d: %d %s", i, status, answer)
		}
		if status, answer := send(t, web, "POST", r.url+"/connectors/"+name+"/restart", ""); status != 401 {
			t.Errorf("node %d without a user: %d %s", i, status, answer)
		}
	}
	text := nodes[0].logs.String() + nodes[1].logs.String()
	if !strings.Contains(text, "forwarded=true") {
		t.Error("no request was handed on")
	}
	if strings.Contains(text, "alice:secret") {
		t.Error("a log shows a password")
	}
}

// Writes that arrive while workers join and leave wait for the rebalance; clients need
// no retries of their own.
func TestWritesDuringRebalances(t *testing.T) {
	broker := newBroker(t)
	first, err := runOn(t, broker, nil, inGroup)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var mu sync.Mutex
	statuses := map[int]int{}
	var failed []string
	var names []string
	var writers sync.WaitGroup
	for w := range 3 {
		writers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				name := fmt.Sprintf("c-%d-%d", w, n)
				status, answer := send(t, http.DefaultClient, "PUT", first.url+"/connectors/"+name+"/config", `{"connector.class":"FileStreamSource","file":"/dev/null","topic":"t"}`)
				mu.Lock()
				statuses[status]++
				if status == 201 {
					names = append(names, name)
				} else {
					failed = append(failed, answer)
				}
				mu.Unlock()
			}
		})
	}
	for range 2 {
		r, err := runOn(t, broker, nil, inGroup)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	}
	stop()
	writers.Wait()
	if len(names) < 3 || len(failed) > 0 {
		t.Errorf("statuses %v; failed: %.500q", statuses, failed)
	}
	_, answer := send(t, http.DefaultClient, "GET", first.url+"/connectors", "")
	var listed []string
	if err := json.Unmarshal([]byte(answer), &listed); err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	if !slices.Equal(listed, names) {
		t.Errorf("%d connectors are listed, %d were created", len(listed), len(names))
	}
}
