package node

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// reached is the answer to a request that waits.
type reached struct {
	Connector struct {
		State string
	}
	Tasks   []struct{ State, Trace string }
	Reached bool
}

func (r reached) String() string {
	var tasks []string
	for _, t := range r.Tasks {
		tasks = append(tasks, t.State)
	}
	return fmt.Sprintf("%v %s %s", r.Reached, r.Connector.State, strings.Join(tasks, ","))
}

func TestWritesWaitForTheirEffect(t *testing.T) {
	in := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(in, []byte("line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, solo := range []bool{true, false} {
		t.Run(fmt.Sprintf("solo=%v", solo), func(t *testing.T) {
			t.Parallel()
			r := run(t, nil, func(o *Options) { o.Solo = solo })
			for _, c := range []struct{ method, path, body, want string }{
				{"POST", "/connectors?wait=running", `{"name":"s","config":{"connector.class":"FileStreamSource","topic":"t","file":"` + in + `"}}`, "true RUNNING RUNNING"},
				{"PUT", "/connectors/s/config?wait=running", `{"connector.class":"FileStreamSource","topic":"u","file":"` + in + `"}`, "true RUNNING RUNNING"},
				{"PUT", "/connectors/s/config?wait=running", `{"connector.class":"FileStreamSource","topic":"u","file":"` + in + `"}`, "true RUNNING RUNNING"},
				{"POST", "/connectors/s/restart?wait=running", "", "true RUNNING RUNNING"},
				{"POST", "/connectors/s/restart?wait=running&includeTasks=true", "", "true RUNNING RUNNING"},
				{"POST", "/connectors/s/restart?wait=running&includeTasks=true&onlyFailed=true", "", "true RUNNING RUNNING"},
				// A sink opens its file when it starts, so its task is never RUNNING before it fails.
				{"POST", "/connectors?wait=running", `{"name":"f","config":{"connector.class":"FileStreamSink","topics":"t","file":"` + in + `.none/x"}}`, "false RUNNING FAILED"},
				{"PATCH", "/connectors/f/config?wait=running", `{"file":"` + in + `.x"}`, "true RUNNING RUNNING"},
				{"POST", "/connectors?wait=running", `{"name":"p","initial_state":"PAUSED","config":{"connector.class":"FileStreamSource","topic":"t","file":"` + in + `"}}`, "false PAUSED "},
				{"POST", "/connectors?wait=running", `{"name":"k","config":{"connector.class":"FileStreamSink","topics":"t","file":"` + in + `.out","tasks.max":"3"}}`, "true RUNNING RUNNING,RUNNING,RUNNING"},
				{"PATCH", "/connectors/k/config?wait=running", `{"tasks.max":"2"}`, "true RUNNING RUNNING,RUNNING"},
			} {
				status, answer := send(t, http.DefaultClient, c.method, r.url+c.path, c.body)
				var got reached
				if err := json.Unmarshal([]byte(answer), &got); err != nil || status >= 300 {
					t.Fatalf("%s %s: %d %s", c.method, c.path, status, answer)
				}
				if got.String() != c.want {
					t.Errorf("%s %s %s: %s, want %s", c.method, c.path, c.body, answer, c.want)
				}
			}
		})
	}
}
