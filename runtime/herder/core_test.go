package herder

import (
	"reflect"
	"testing"
	"time"

	"github.com/moldau-io/moldau/runtime/state"
)

// script feeds events to a Core, one a step, and compares the actions.
type step struct {
	name string
	at   time.Duration
	ev   Event
	want []Action
}

func run(t *testing.T, c *Core, steps []step) {
	t.Helper()
	start := time.UnixMilli(1_700_000_000_000)
	for _, s := range steps {
		if got := c.Step(start.Add(s.at), s.ev); !(len(got) == 0 && len(s.want) == 0) && !reflect.DeepEqual(got, s.want) {
			t.Fatalf("%s: actions\n%#v\nwant\n%#v", s.name, got, s.want)
		}
	}
}

func snap(offset int64, names ...string) *state.ConfigSnapshot {
	d := state.SnapshotData{Offset: offset, Connectors: map[string]state.Config{}, TargetStates: map[string]state.TargetState{},
		SessionKey: &state.SessionKey{Key: []byte("k"), Algorithm: "HmacSHA256", CreationTimestamp: 1_700_000_000_000}}
	for _, n := range names {
		d.Connectors[n] = state.NewConfig(map[string]string{"name": n})
		d.TargetStates[n] = state.TargetStarted
	}
	return state.NewConfigSnapshot(d)
}

func assigned(offset int64, names []string, tasks ...state.TaskID) *state.Assignment {
	return &state.Assignment{Version: 2, Offset: offset, Connectors: names, Tasks: tasks}
}

func task(c string, n int) state.TaskID { return state.TaskID{Connector: c, Task: n} }

func joined(a *state.Assignment) Joined { return Joined{Assignment: a, Generation: 1, Protocol: 2} }

var cfg = CoreConfig{KeyTTL: time.Hour, MaxDelay: 5 * time.Minute, UnsyncBackoff: 5 * time.Minute}

func TestWorkStartsAfterJoining(t *testing.T) {
	run(t, NewCore(cfg, snap(5, "a")), []step{
		{"nothing before the group", 0, Tick{}, nil},
		{"joined", 0, joined(assigned(5, []string{"a"}, task("a", 0))),
			[]Action{StartConnectors{[]string{"a"}}, StartTasks{[]state.TaskID{task("a", 0)}}}},
		{"nothing twice", 0, joined(assigned(5, []string{"a"}, task("a", 0))), nil},
		{"only what is new", 0, joined(assigned(5, []string{"a"}, task("a", 0), task("a", 1))),
			[]Action{StartTasks{[]state.TaskID{task("a", 1)}}}},
	})
}

func TestWorkerBehindReadsFirst(t *testing.T) {
	run(t, NewCore(cfg, snap(5, "a")), []step{
		{"joined", 0, joined(assigned(7, []string{"a"})), []Action{ReadConfigs{}}},
		{"read", 0, ConfigsRead{snap(7, "a")}, []Action{StartConnectors{[]string{"a"}}}},
	})
	run(t, NewCore(cfg, snap(9, "a")), []step{
		{"a worker ahead joins again", 0, joined(assigned(7, []string{"a"})), []Action{Rejoin{"config offset is ahead of the assignment's"}}},
		{"and waits", 0, Tick{}, nil},
	})
}

func TestUnreadableTopic(t *testing.T) {
	c := NewCore(cfg, snap(5, "a"))
	run(t, c, []step{
		{"joined", 0, joined(assigned(5, []string{"a"}, task("a", 0))),
			[]Action{StartConnectors{[]string{"a"}}, StartTasks{[]state.TaskID{task("a", 0)}}}},
		{"behind", 0, joined(assigned(7, []string{"a"}, task("a", 0))), []Action{ReadConfigs{}}},
		{"first failure", 0, ConfigsRead{}, []Action{LeaveGroup{"taking too long to read the log"}}},
		{"an assignment on its way is void", 5 * time.Second, joined(assigned(7, []string{"a", "b"})), nil},
		{"not before the pause", 5 * time.Second, Tick{}, nil},
		{"after it", 6 * time.Second, Tick{}, []Action{ReadConfigs{}}},
		{"2", 6 * time.Second, ConfigsRead{}, []Action{LeaveGroup{"taking too long to read the log"}}},
		{"3", 60 * time.Second, ConfigsRead{}, []Action{LeaveGroup{"taking too long to read the log"}}},
		{"4", 120 * time.Second, ConfigsRead{}, []Action{LeaveGroup{"taking too long to read the log"}}},
		{"5", 180 * time.Second, ConfigsRead{}, []Action{LeaveGroup{"taking too long to read the log"}}},
		{"gives up its work", 300 * time.Second, ConfigsRead{}, []Action{
			StopConnectors{[]string{"a"}}, StopTasks{[]state.TaskID{task("a", 0)}}, LeaveGroup{"taking too long to read the log"}}},
		{"and comes back", 301 * time.Second, ConfigsRead{snap(7, "a")}, []Action{Rejoin{"caught up with the config topic"}}},
	})
	if c.Settled() {
		t.Error("a worker outside the group serves requests")
	}
}

func TestScheduledRebalance(t *testing.T) {
	c := NewCore(cfg, snap(5))
	a := assigned(5, nil)
	a.Delay = time.Minute
	run(t, c, []step{
		{"joined", 0, joined(a), nil},
		{"early", 59 * time.Second, Tick{}, nil},
		{"due", time.Minute, Tick{}, []Action{Rejoin{"scheduled rebalance"}}},
	})
	if got, want := c.Next(), (time.Time{}); got != want {
		t.Errorf("Next = %v, want none while it joins", got)
	}
}

func TestRevocationIsFollowedByRejoin(t *testing.T) {
	c := NewCore(cfg, snap(5, "a", "b"))
	a := assigned(5, []string{"a"})
	a.RevokedConnectors = []string{"b"}
	run(t, c, []step{
		{"first", 0, joined(assigned(5, []string{"a", "b"})), []Action{StartConnectors{[]string{"a", "b"}}}},
		{"stop", 0, Revoked{Connectors: []string{"b"}}, []Action{StopConnectors{[]string{"b"}}}},
		{"joined", 0, joined(a), []Action{Rejoin{"work was revoked"}}},
		{"back", 0, joined(assigned(5, []string{"a", "b"})), []Action{StartConnectors{[]string{"b"}}}},
	})
}

// What was revoked may be another's by now; a change of its configuration must not
// start it again before the group has said whose it is.
func TestRevokedWorkStaysStopped(t *testing.T) {
	for _, protocol := range []int{protocolEager, protocolSessioned} {
		c := NewCore(cfg, snap(5, "a", "b"))
		first := joined(assigned(5, []string{"a", "b"}, task("a", 0)))
		next := joined(assigned(6, []string{"b"}))
		first.Protocol, next.Protocol = protocol, protocol
		run(t, c, []step{
			{"first", 0, first, []Action{StartConnectors{[]string{"a", "b"}}, StartTasks{[]state.TaskID{task("a", 0)}}}},
			{"revoked", 0, Revoked{Connectors: []string{"a"}, Tasks: []state.TaskID{task("a", 0)}}, []Action{
				StopConnectors{[]string{"a"}}, StopTasks{[]state.TaskID{task("a", 0)}}}},
			{"changed", 0, ConfigsChanged{Snapshot: snap(6, "a", "b"), Connectors: []string{"a"}}, nil},
			{"target", 0, ConfigsChanged{Snapshot: snap(6, "a", "b"), Targets: []string{"a"}}, []Action{SetTargetState{"a", state.TargetStarted}}},
		})
		if c.Settled() {
			t.Error("requests are served in the middle of a rebalance")
		}
		run(t, c, []step{{"joined", 0, next, nil}})
		if !c.Settled() {
			t.Error("not settled after it")
		}
	}
}

func TestDeletedConnectorsTopicsAreForgotten(t *testing.T) {
	run(t, NewCore(cfg, snap(5, "a")), []step{
		{"stop", 0, Revoked{Connectors: []string{"a", "gone"}, Tasks: []state.TaskID{task("gone", 0)}}, []Action{
			StopConnectors{[]string{"a", "gone"}}, StopTasks{[]state.TaskID{task("gone", 0)}}, ForgetTopics{[]string{"gone"}}}},
	})
}

func TestConfigChanges(t *testing.T) {
	run(t, NewCore(cfg, snap(5, "a")), []step{
		{"joined", 0, joined(assigned(5, []string{"a"}, task("a", 0))),
			[]Action{StartConnectors{[]string{"a"}}, StartTasks{[]state.TaskID{task("a", 0)}}}},
		{"changed", 0, ConfigsChanged{Snapshot: snap(6, "a"), Connectors: []string{"a"}},
			[]Action{StopConnectors{[]string{"a"}}, StartConnectors{[]string{"a"}}}},
		{"another's", 0, ConfigsChanged{Snapshot: snap(6, "a"), Targets: []string{"nobody's"}}, nil},
		{"target", 0, ConfigsChanged{Snapshot: snap(7, "a"), Targets: []string{"a"}}, []Action{SetTargetState{"a", state.TargetStarted}}},
		{"tasks", 0, ConfigsChanged{Snapshot: snap(8, "a"), Planned: []string{"a"}, Tasks: []state.TaskID{task("a", 0)}},
			[]Action{AbortFencing{[]string{"a"}}, Rejoin{"configuration changed"}, StopTasks{[]state.TaskID{task("a", 0)}}}},
		{"the stopped task starts again", 0, joined(assigned(8, []string{"a"}, task("a", 0))),
			[]Action{StartTasks{[]state.TaskID{task("a", 0)}}}},
		{"new connector", 0, ConfigsChanged{Snapshot: snap(9, "a", "b"), Connectors: []string{"b"}}, []Action{Rejoin{"configuration changed"}}},
	})
}

// A leader that has read ahead of the events must still act on them.
func TestEventsBehindTheSnapshot(t *testing.T) {
	run(t, NewCore(cfg, snap(5)), []step{
		{"joined", 0, joined(assigned(5, nil)), nil},
		{"read ahead", 0, ConfigsRead{snap(6, "a")}, nil},
		{"the event", 0, ConfigsChanged{Snapshot: snap(6, "a"), Connectors: []string{"a"}}, []Action{Rejoin{"configuration changed"}}},
	})
}

func TestRestartsOfOneConnectorAreOne(t *testing.T) {
	small := state.RestartRequest{Connector: "a", OnlyFailed: true}
	big := state.RestartRequest{Connector: "a", IncludeTasks: true}
	run(t, NewCore(cfg, snap(5, "a")), []step{
		{"before joining", 0, ConfigsChanged{Snapshot: snap(5, "a"), Restarts: []state.RestartRequest{small, big, small}}, nil},
		{"joined", 0, joined(assigned(5, nil)), []Action{Restart{big}}},
	})
}

func TestLeader(t *testing.T) {
	c := NewCore(cfg, snap(5))
	lead := joined(assigned(5, nil))
	lead.Leader = true
	run(t, c, []step{
		{"elected", 0, lead, []Action{SweepStatuses{}, ClaimWrites{}}},
		{"claimed", 0, Claimed{true}, nil},
		{"elected again", 0, lead, []Action{SweepStatuses{}}},
		{"fenced", 0, Fenced{}, []Action{ClaimWrites{}}},
		{"refused", 0, Claimed{}, nil},
		{"not at once", 0, Tick{}, nil},
		{"later", time.Second, Tick{}, []Action{ClaimWrites{}}},
		{"claimed", time.Second, Claimed{true}, nil},
		{"key expires", time.Hour, Tick{}, []Action{WriteSessionKey{}}},
		{"once", time.Hour, Tick{}, nil},
		{"failed", time.Hour, SessionKeyWritten{}, []Action{ReadConfigs{}}},
		{"read", time.Hour, ConfigsRead{snap(5)}, nil},
		{"again", time.Hour + time.Second, Tick{}, []Action{WriteSessionKey{}}},
	})
}

func TestLost(t *testing.T) {
	c := NewCore(cfg, snap(5, "a"))
	run(t, c, []step{
		{"joined", 0, joined(assigned(5, []string{"a"})), []Action{StartConnectors{[]string{"a"}}}},
		{"lost", 0, Lost{}, []Action{AbandonAll{}}},
		{"idle", 0, ConfigsChanged{Snapshot: snap(6, "a"), Connectors: []string{"a"}}, nil},
		{"joined", 0, joined(assigned(6, []string{"a"})), []Action{StartConnectors{[]string{"a"}}}},
	})
}

func TestEagerProtocolOnlyRejoins(t *testing.T) {
	c := NewCore(cfg, snap(5, "a"))
	eager := joined(assigned(5, []string{"a"}))
	eager.Protocol = 0
	run(t, c, []step{
		{"joined", 0, eager, []Action{StartConnectors{[]string{"a"}}}},
		{"changed", 0, ConfigsChanged{Snapshot: snap(6, "a", "b"), Connectors: []string{"a", "b"}}, []Action{Rejoin{"configuration changed"}}},
	})
}

// A written key is not there before it was read back; it must not be written again.
func TestFirstSessionKeyIsWrittenOnce(t *testing.T) {
	c := NewCore(cfg, state.NewConfigSnapshot(state.SnapshotData{Offset: 5}))
	lead := joined(assigned(5, nil))
	lead.Leader = true
	run(t, c, []step{
		{"elected", 0, lead, []Action{SweepStatuses{}, ClaimWrites{}, WriteSessionKey{}}},
		{"claimed", 0, Claimed{true}, nil},
		{"written", 0, SessionKeyWritten{true}, nil},
		{"not yet read back", time.Second, Tick{}, nil},
		{"read back", time.Second, ConfigsChanged{Snapshot: snap(6), SessionKey: true}, nil},
	})
}
