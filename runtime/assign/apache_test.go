package assign

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moldau-io/moldau/runtime/state"
)

// apacheHistory is a history of rounds with the outcome Apache Kafka Connect
// 4.1.1's IncrementalCooperativeAssignor had for each. Member ids are single
// letters, which Java's HashMap keeps in order.
type apacheHistory struct {
	MaxDelay int64         `json:"maxDelay"`
	Rounds   []apacheRound `json:"rounds"`
}

type apacheRound struct {
	Now        int64                `json:"now"`
	Generation int                  `json:"gen"`
	Last       int                  `json:"last"`
	NewLeader  bool                 `json:"newLeader"`
	Connectors map[string]int       `json:"connectors"`
	Members    map[string]apacheHas `json:"members"`
	// Out lists what each member is given (+) and revoked (-), sorted.
	Out   map[string][]string `json:"out"`
	Delay int64               `json:"delay"`
}

type apacheHas struct {
	Connectors []string `json:"c"`
	Tasks      []string `json:"t"`
}

func (r apacheRound) request() Request {
	d := state.SnapshotData{Connectors: map[string]state.Config{}, TaskCounts: r.Connectors}
	for name := range r.Connectors {
		d.Connectors[name] = state.Config{}
	}
	req := Request{
		Version: state.ProtocolV2, Generation: r.Generation, LastCompleted: r.Last,
		Members: map[string]state.MemberState{}, Config: state.NewConfigSnapshot(d), Now: time.UnixMilli(r.Now),
	}
	for id, has := range r.Members {
		a := &state.Assignment{Connectors: has.Connectors}
		for _, t := range has.Tasks {
			i := strings.LastIndexByte(t, '-')
			n, err := strconv.Atoi(t[i+1:])
			if err != nil {
				panic(err)
			}
			a.Tasks = append(a.Tasks, state.TaskID{Connector: t[:i], Task: n})
		}
		req.Members[id] = state.MemberState{Assignment: a}
		req.Leader = id
	}
	return req
}

func outcome(p Plan) (out map[string][]string, delay int64) {
	out = map[string][]string{}
	for id, a := range p.Assignments {
		list := []string{}
		for _, it := range items(a) {
			list = append(list, "+"+it)
		}
		for _, it := range items(&state.Assignment{Connectors: a.RevokedConnectors, Tasks: a.RevokedTasks}) {
			list = append(list, "-"+it)
		}
		slices.Sort(list)
		out[id], delay = list, a.Delay.Milliseconds()
	}
	return out, delay
}

// TestLikeApache replays random histories that Apache's own assignor went
// through: joins, crashes, lost assignments, new leaders, waits cut short or
// overrun, connectors created, resized and deleted.
func TestLikeApache(t *testing.T) {
	f, err := os.Open("testdata/apache-4.1.1.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewScanner(z)
	in.Buffer(nil, 16<<20)
	histories, rounds := 0, 0
	for in.Scan() {
		var h apacheHistory
		if err := json.Unmarshal(in.Bytes(), &h); err != nil {
			t.Fatal(err)
		}
		c, mem := Cooperative{MaxDelay: time.Duration(h.MaxDelay) * time.Millisecond}, Memory{generation: -1}
		for i, r := range h.Rounds {
			if r.NewLeader {
				mem = Memory{generation: -1}
			}
			var p Plan
			p, mem = c.Assign(r.request(), mem)
			out, delay := outcome(p)
			// Java's and Go's powers of 40 may differ in the last bit, which is
			// one millisecond once it is cut to a whole number.
			if off := delay - r.Delay; !reflect.DeepEqual(out, r.Out) || off < -1 || off > 1 {
				t.Fatalf("history %d, round %d:\n got %v, delay %d\nwant %v, delay %d", histories, i, out, delay, r.Out, r.Delay)
			}
			rounds++
		}
		histories++
	}
	if err := in.Err(); err != nil {
		t.Fatal(err)
	}
	if histories == 0 {
		t.Fatal("no history")
	}
	t.Logf("%d histories, %d rounds", histories, rounds)
}
