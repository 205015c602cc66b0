package state

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestTaskIDOrderAndText(t *testing.T) {
	ids := []TaskID{{"b", 0}, {"a", 10}, {"a", 2}, {"a-1", 0}}
	slices.SortFunc(ids, CompareTaskIDs)
	if got, want := fmt.Sprint(ids), "[a-2 a-10 a-1-0 b-0]"; got != want {
		t.Errorf("order %s, want %s", got, want)
	}
}

func TestParseStates(t *testing.T) {
	for _, name := range []string{"UNASSIGNED", "RUNNING", "PAUSED", "FAILED", "DESTROYED", "RESTARTING", "STOPPED"} {
		if s, ok := ParseState(name); !ok || string(s) != name {
			t.Errorf("ParseState(%s) = %q, %t", name, s, ok)
		}
	}
	for _, name := range []string{"STARTED", "PAUSED", "STOPPED"} {
		if s, ok := ParseTargetState(name); !ok || string(s) != name {
			t.Errorf("ParseTargetState(%s) = %q, %t", name, s, ok)
		}
	}
	for _, name := range []string{"", "running", "STARTED"} {
		if _, ok := ParseState(name); ok {
			t.Errorf("ParseState(%q) is accepted", name)
		}
	}
	for _, name := range []string{"", "started", "RUNNING"} {
		if _, ok := ParseTargetState(name); ok {
			t.Errorf("ParseTargetState(%q) is accepted", name)
		}
	}
}

func TestConfigIsImmutable(t *testing.T) {
	src := map[string]string{"a": "1"}
	c := NewConfig(src)
	src["a"] = "2"
	c.Map()["a"] = "3"
	*c.Nullable()["a"] = "4"
	if v, _ := c.Get("a"); v != "1" {
		t.Errorf("a = %q after changes to copies", v)
	}

	one := "1"
	nsrc := map[string]*string{"a": &one, "n": nil}
	n := NewNullableConfig(nsrc)
	one = "2"
	if v, _ := n.Get("a"); v != "1" {
		t.Errorf("a = %q after a change to the source", v)
	}
}

func TestConfigNulls(t *testing.T) {
	one := "1"
	c := NewNullableConfig(map[string]*string{"a": &one, "n": nil})
	if _, ok := c.Get("n"); ok || !c.Has("n") || c.Has("x") || c.Len() != 2 {
		t.Errorf("null key: get %t, has %t, len %d", ok, c.Has("n"), c.Len())
	}
	if got := c.Map(); !reflect.DeepEqual(got, map[string]string{"a": "1"}) {
		t.Errorf("Map() = %v", got)
	}
	if got := c.Nullable(); len(got) != 2 || got["n"] != nil || *got["a"] != "1" {
		t.Errorf("Nullable() = %v", got)
	}
	if got := c.Keys(); !slices.Equal(got, []string{"a", "n"}) {
		t.Errorf("Keys() = %v", got)
	}
	if c.Equal(NewConfig(map[string]string{"a": "1"})) {
		t.Error("an absent key equals a null one")
	}
	if c.Equal(NewConfig(map[string]string{"a": "1", "n": ""})) {
		t.Error("an empty value equals a null one")
	}
	if !c.Equal(NewNullableConfig(c.Nullable())) || !(Config{}).Equal(NewConfig(nil)) {
		t.Error("equal configs differ")
	}
}

func TestAppliedConfigResolvesOnce(t *testing.T) {
	a := NewAppliedConfig(NewConfig(map[string]string{"p": "${x}"}))
	boom := errors.New("boom")
	if _, err := a.Resolved(func(Config) (Config, error) { return Config{}, boom }); !errors.Is(err, boom) {
		t.Fatalf("error %v", err)
	}
	for _, secret := range []string{"first", "second"} {
		c, err := a.Resolved(func(Config) (Config, error) { return NewConfig(map[string]string{"p": secret}), nil })
		if err != nil {
			t.Fatal(err)
		}
		if v, _ := c.Get("p"); v != "first" {
			t.Errorf("resolved to %q, want the first result", v)
		}
	}
	if v, _ := a.Raw().Get("p"); v != "${x}" {
		t.Errorf("raw value %q", v)
	}
	plain := NewAppliedConfig(NewConfig(map[string]string{"p": "v"}))
	if c, err := plain.Resolved(nil); err != nil || !c.Equal(plain.Raw()) {
		t.Errorf("without resolver: %v, %v", c.Map(), err)
	}
}

func TestSnapshot(t *testing.T) {
	applied := NewAppliedConfig(NewConfig(map[string]string{"name": "a"}))
	d := SnapshotData{
		Offset:     7,
		SessionKey: &SessionKey{Key: []byte("secret"), Algorithm: "HmacSHA256", CreationTimestamp: 5},
		Connectors: map[string]Config{
			"b": NewConfig(map[string]string{"name": "b", "password": "secret"}),
			"a": NewConfig(map[string]string{"name": "a"}),
		},
		TargetStates:          map[string]TargetState{"a": TargetStopped, "early": TargetPaused},
		Tasks:                 map[TaskID]Config{{"a", 0}: NewConfig(map[string]string{"k": "0"}), {"a", 2}: {}},
		TaskCounts:            map[string]int{"a": 2, "b": 3},
		TaskCountRecords:      map[string]int{"a": 2},
		TaskConfigGenerations: map[string]int{"a": 0},
		Applied:               map[string]*AppliedConfig{"a": applied},
		PendingFencing:        map[string]bool{"a": true},
		Inconsistent:          map[string]bool{"b": true, "c": false},
	}
	s := NewConfigSnapshot(d)
	delete(d.Connectors, "a")
	d.TaskCounts["a"] = 9

	if got := s.Connectors(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("Connectors() = %v", got)
	}
	s.Connectors()[0] = "x"
	if !s.Contains("a") || s.Contains("early") || s.Connectors()[0] != "a" {
		t.Error("snapshot changed with its source or its result")
	}
	if got := s.Tasks("a"); !slices.Equal(got, []TaskID{{"a", 0}, {"a", 1}}) {
		t.Errorf("Tasks(a) = %v", got)
	}
	if got := s.Tasks("b"); got != nil {
		t.Errorf("tasks of an inconsistent connector: %v", got)
	}
	if got := s.Tasks("none"); got != nil {
		t.Errorf("tasks of an unknown connector: %v", got)
	}
	if got := s.RawTaskConfigs("a"); len(got) != 1 || !got[TaskID{"a", 0}].Has("k") {
		t.Errorf("RawTaskConfigs(a) = %v", got)
	}
	if got := s.InconsistentConnectors(); !slices.Equal(got, []string{"b"}) {
		t.Errorf("InconsistentConnectors() = %v", got)
	}
	if ts, ok := s.TargetState("early"); !ok || ts != TargetPaused {
		t.Errorf("TargetState(early) = %v, %t", ts, ok)
	}
	if _, ok := s.TargetState("b"); ok {
		t.Error("b has a target state")
	}
	if n, ok := s.TaskCountRecord("a"); !ok || n != 2 {
		t.Errorf("TaskCountRecord(a) = %d, %t", n, ok)
	}
	if n, ok := s.TaskConfigGeneration("a"); !ok || n != 0 {
		t.Errorf("TaskConfigGeneration(a) = %d, %t", n, ok)
	}
	if _, ok := s.TaskConfigGeneration("b"); ok {
		t.Error("b has a generation")
	}
	if got, ok := s.AppliedConnectorConfig("a"); !ok || got != applied {
		t.Error("applied config is not the shared one")
	}
	if !s.PendingFencing("a") || s.PendingFencing("b") {
		t.Error("pending fencing")
	}
	key, ok := s.SessionKey()
	if !ok || key.Algorithm != "HmacSHA256" {
		t.Errorf("session key %v, %t", key, ok)
	}
	for _, text := range []string{s.String(), key.String(), fmt.Sprintf("%v %+v %#v", key, key, key)} {
		if strings.Contains(text, "secret") {
			t.Errorf("secret shown in %q", text)
		}
	}

	e := EmptySnapshot()
	if _, ok := e.SessionKey(); ok || e.Offset() != -1 || len(e.Connectors()) != 0 || e.Contains("a") {
		t.Errorf("empty snapshot %v", e)
	}
}

func TestAssignmentClone(t *testing.T) {
	a := &Assignment{Connectors: []string{"c"}, Tasks: []TaskID{{"c", 0}}, RevokedTasks: []TaskID{{"d", 1}}}
	c := a.Clone()
	c.Connectors[0], c.Tasks[0].Task = "x", 5
	if !a.HasConnector("c") || !a.HasTask(TaskID{"c", 0}) || a.HasTask(TaskID{"d", 1}) {
		t.Errorf("clone shares memory: %v", a)
	}
	if !a.Revokes() || a.Empty() || a.Failed() {
		t.Errorf("flags of %v", a)
	}
}

func TestRestartRequestOrder(t *testing.T) {
	want := []RestartRequest{
		{"a", true, false}, {"a", true, true}, {"a", false, false}, {"a", false, true}, {"b", true, false},
	}
	got := []RestartRequest{want[4], want[3], want[1], want[2], want[0]}
	slices.SortFunc(got, RestartRequest.Compare)
	if !slices.Equal(got, want) {
		t.Errorf("order %v", got)
	}
	for _, r := range want {
		if r.ConnectorOnly() != (r == want[2]) {
			t.Errorf("%v: ConnectorOnly = %t", r, r.ConnectorOnly())
		}
	}
}

func TestPlanRestart(t *testing.T) {
	tests := []struct {
		req       RestartRequest
		connector State
		wantConn  bool
		wantTasks []int
		text      string
	}{
		{RestartRequest{"c", false, false}, Running, true, nil,
			"plan to restart connector and 0 of 3 tasks for restart request for {connectorName='c', onlyFailed=false, includeTasks=false}"},
		{RestartRequest{"c", false, true}, Paused, true, []int{0, 1, 2},
			"plan to restart connector and 3 of 3 tasks for restart request for {connectorName='c', onlyFailed=false, includeTasks=true}"},
		{RestartRequest{"c", true, true}, Running, false, []int{1},
			"plan to restart 1 of 3 tasks for restart request for {connectorName='c', onlyFailed=true, includeTasks=true}"},
		{RestartRequest{"c", true, true}, Failed, true, []int{1},
			"plan to restart connector and 1 of 3 tasks for restart request for {connectorName='c', onlyFailed=true, includeTasks=true}"},
		{RestartRequest{"c", true, false}, Running, false, nil,
			"plan to restart 0 of 3 tasks for restart request for {connectorName='c', onlyFailed=true, includeTasks=false}"},
	}
	for _, tt := range tests {
		tasks := []TaskStatus{
			{ID: TaskID{"c", 0}, State: Running}, {ID: TaskID{"c", 1}, State: Failed, Trace: "t"}, {ID: TaskID{"c", 2}, State: Paused},
		}
		p := PlanRestart(tt.req, ConnectorStatus{Connector: "c", State: tt.connector, WorkerID: "w"}, tasks)
		if p.RestartsConnector() != tt.wantConn {
			t.Errorf("%v: connector restarted: %t", tt.req, p.RestartsConnector())
		}
		var nums []int
		for _, id := range p.TasksToRestart() {
			nums = append(nums, id.Task)
		}
		if !slices.Equal(nums, tt.wantTasks) {
			t.Errorf("%v: tasks %v, want %v", tt.req, nums, tt.wantTasks)
		}
		if p.String() != tt.text {
			t.Errorf("text %q, want %q", p, tt.text)
		}
		if tasks[0].State != Running || tasks[1].State != Failed || p.Tasks[1].Trace != "t" || p.Connector.WorkerID != "w" {
			t.Errorf("%v: statuses lost or changed: %v", tt.req, p)
		}
	}
}

func TestOwners(t *testing.T) {
	o := NewOwners(map[string]string{"m1": "http://1/", "m2": "http://2/"},
		map[string][]string{"m1": {"a"}, "m2": {"b"}}, map[string][]TaskID{"m2": {{"a", 0}}})
	if u, ok := o.ConnectorURL("a"); !ok || u != "http://1/" {
		t.Errorf("owner of a: %q, %t", u, ok)
	}
	if u, ok := o.TaskURL(TaskID{"a", 0}); !ok || u != "http://2/" {
		t.Errorf("owner of a-0: %q, %t", u, ok)
	}
	if _, ok := o.TaskURL(TaskID{"a", 1}); ok {
		t.Error("a-1 has an owner")
	}
	var none *Owners
	if _, ok := none.ConnectorURL("a"); ok {
		t.Error("nil owners know a connector")
	}
	if _, ok := none.TaskURL(TaskID{"a", 0}); ok {
		t.Error("nil owners know a task")
	}
}
