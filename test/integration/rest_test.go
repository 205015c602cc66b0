//go:build integration

package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

// request sends JSON, or nothing if body is nil, and returns the answer.
func request(method, url string, body any) (status int, answer []byte, err error) {
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		r = bytes.NewReader(b)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, r)
	if err != nil {
		return 0, nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// get reads JSON into a value.
func get(url string, into any) error {
	status, answer, err := request(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("GET %s: status %d: %s", url, status, answer)
	}
	return json.Unmarshal(answer, into)
}

// create makes a connector through REST.
func create(t testing.TB, url, name string, config map[string]string) {
	t.Helper()
	status, answer, err := request(http.MethodPost, url+"/connectors", map[string]any{"name": name, "config": config})
	if err != nil || status != http.StatusCreated {
		t.Fatalf("creating %s: status %d, %v: %s", name, status, err, answer)
	}
}

// remove deletes a connector through REST.
func remove(t testing.TB, url, name string) {
	t.Helper()
	status, answer, err := request(http.MethodDelete, url+"/connectors/"+name, nil)
	if err != nil || status != http.StatusNoContent {
		t.Fatalf("deleting %s: status %d, %v: %s", name, status, err, answer)
	}
}

// state is the status of a connector and its tasks.
type state struct {
	Connector struct{ State, Trace string }
	Tasks     []struct{ State, Trace string }
}

// running waits until a connector and that many tasks run.
func running(t testing.TB, url, name string, tasks int) {
	t.Helper()
	eventually(t, 60*time.Second, func() error {
		var s state
		if err := get(url+"/connectors/"+name+"/status", &s); err != nil {
			return err
		}
		if s.Connector.State != "RUNNING" || len(s.Tasks) != tasks {
			return fmt.Errorf("%s is %+v", name, s)
		}
		for _, task := range s.Tasks {
			if task.State != "RUNNING" {
				return fmt.Errorf("%s is %+v", name, s)
			}
		}
		return nil
	})
}
