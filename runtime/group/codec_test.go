package group

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/moldau-io/moldau/runtime/state"
)

const sampleLeader = "connect-127.0.0.1:18085-7e4d25e2-90a9-4391-b34e-0dd97c2be8d0"

// Bytes a worker of Apache Kafka Connect 4.1.1 sent and received.
var (
	idleMetadata    = []byte("\x00\x02\x00\x17http://127.0.0.1:18085/\x00\x00\x00\x00\x00\x00\x00V\x00\x00\x00o" + string(idleAssigned))
	idleAssigned    = []byte("\x00\x02\x00\x00\x00<connect-127.0.0.1:18085-7e4d25e2-90a9-4391-b34e-0dd97c2be8d0\x00\x17http://127.0.0.1:18085/\x00\x00\x00\x00\x00\x00\x00V\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	runningMetadata = []byte("\x00\x02\x00\x17http://127.0.0.1:18085/\x00\x00\x00\x00\x00\x00\x04E\x00\x00\x00\xdb\x00\x02\x00\x00\x00<connect-127.0.0.1:18085-7e4d25e2-90a9-4391-b34e-0dd97c2be8d0\x00\x17http://127.0.0.1:18085/\x00\x00\x00\x00\x00\x00\x04B\x00\x00\x00\x04\x00\x13rc-35ab8972-csx;a=b\x00\x00\x00\x01\xff\xff\xff\xff\x00\x11rc-35ab8972-csx#f\x00\x00\x00\x01\xff\xff\xff\xff\x00\x11rc-35ab8972-csx?q\x00\x00\x00\x01\xff\xff\xff\xff\x00\x07grpdemo\x00\x00\x00\x03\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00")
)

func TestBytesOfApache(t *testing.T) {
	idle := &state.Assignment{Version: 2, Leader: sampleLeader, LeaderURL: "http://127.0.0.1:18085/", Offset: 86}
	running := &state.Assignment{Version: 2, Leader: sampleLeader, LeaderURL: "http://127.0.0.1:18085/", Offset: 1090,
		Connectors: []string{"rc-35ab8972-csx;a=b", "rc-35ab8972-csx#f", "rc-35ab8972-csx?q", "grpdemo"},
		Tasks:      []state.TaskID{{Connector: "grpdemo", Task: 0}, {Connector: "grpdemo", Task: 1}}}

	got, err := DecodeAssignment(idleAssigned)
	if err != nil || !reflect.DeepEqual(got, idle) {
		t.Errorf("assignment %v, %v", got, err)
	}
	if b, err := EncodeAssignment(idle, 2); err != nil || !bytes.Equal(b, idleAssigned) {
		t.Errorf("assignment bytes %q, %v", b, err)
	}
	for _, tt := range []struct {
		bytes []byte
		want  state.MemberState
	}{
		{idleMetadata, state.MemberState{URL: "http://127.0.0.1:18085/", Offset: 86, Assignment: idle}},
		{runningMetadata, state.MemberState{URL: "http://127.0.0.1:18085/", Offset: 1093, Assignment: running}},
	} {
		m, err := DecodeMetadata(tt.bytes)
		if err != nil || !reflect.DeepEqual(m, tt.want) {
			t.Errorf("metadata %+v %v, %v", m, m.Assignment, err)
		}
		if b, err := EncodeMetadata(tt.want, 2); err != nil || !bytes.Equal(b, tt.bytes) {
			t.Errorf("metadata bytes %q, %v", b, err)
		}
	}
	if len(idleMetadata) != 150 || len(idleAssigned) != 111 {
		t.Errorf("samples of %d and %d bytes", len(idleMetadata), len(idleAssigned))
	}
}

func TestAssignmentVersions(t *testing.T) {
	a := &state.Assignment{
		Error: 1, Leader: "l", LeaderURL: "u", Offset: -1,
		Connectors: []string{"a"}, Tasks: []state.TaskID{{Connector: "b", Task: 3}, {Connector: "a", Task: 0}},
		RevokedConnectors: []string{"c", "c"}, RevokedTasks: []state.TaskID{{Connector: "c", Task: 1}}, Delay: 300 * time.Second,
	}
	const head = "\x00\x01\x00\x01l\x00\x01u\xff\xff\xff\xff\xff\xff\xff\xff" +
		"\x00\x00\x00\x02\x00\x01a\x00\x00\x00\x02\xff\xff\xff\xff\x00\x00\x00\x00\x00\x01b\x00\x00\x00\x01\x00\x00\x00\x03"
	const tail = "\x00\x00\x00\x01\x00\x01c\x00\x00\x00\x02\xff\xff\xff\xff\x00\x00\x00\x01\x00\x04\x93\xe0"
	for version, want := range map[int16]string{0: "\x00\x00" + head, 1: "\x00\x01" + head + tail, 2: "\x00\x02" + head + tail} {
		b, err := EncodeAssignment(a, version)
		if err != nil || string(b) != want {
			t.Errorf("version %d: %q, %v", version, b, err)
		}
		got, err := DecodeAssignment(b)
		if err != nil {
			t.Fatal(err)
		}
		if got.Version != version || got.Error != 1 || got.Offset != -1 || !got.HasConnector("a") || !got.HasTask(state.TaskID{Connector: "b", Task: 3}) {
			t.Errorf("version %d: %v", version, got)
		}
		if full := version > 0; got.Revokes() != full || (got.Delay != 0) != full {
			t.Errorf("version %d: %v", version, got)
		}
	}
}

func TestMetadataVersions(t *testing.T) {
	m := state.MemberState{URL: "u", Offset: 7, Assignment: &state.Assignment{Leader: "l"}}
	for version, hasWork := range map[int16]bool{0: false, 1: true, 2: true} {
		for _, draining := range []bool{false, true} {
			m.Draining = draining
			b, err := EncodeMetadata(m, version)
			if err != nil {
				t.Fatal(err)
			}
			got, err := DecodeMetadata(b)
			if err != nil || got.URL != "u" || got.Offset != 7 || (got.Assignment != nil) != hasWork || got.Draining != (draining && hasWork) {
				t.Errorf("version %d, draining %t: %+v, %v", version, draining, got, err)
			}
			if hasWork && got.Assignment.Version != version {
				t.Errorf("assignment in version %d has version %d", version, got.Assignment.Version)
			}
		}
	}
	none, err := EncodeMetadata(state.MemberState{URL: "u", Offset: -1}, 2)
	if err != nil || string(none) != "\x00\x02\x00\x01u\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" {
		t.Errorf("without assignment: %q, %v", none, err)
	}
	if got, err := DecodeMetadata(append(none, 0, 3, 'x')); err != nil || got.Draining {
		t.Errorf("unknown bytes at the end: %+v, %v", got, err)
	}
}

func TestBadBytes(t *testing.T) {
	for name, b := range map[string]string{
		"empty":           "",
		"half a version":  "\x00",
		"old version":     "\xff\xff\x00\x00",
		"negative length": "\x00\x01\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00",
		"cut short":       string(idleAssigned[:40]),
		"cut in list":     string(runningMetadata[len(runningMetadata)-0xdb : len(runningMetadata)-20]),
		"huge count":      string(idleAssigned[:99]) + "\x7f\xff\xff\xff",
		"huge task count": string(idleAssigned[:99]) + "\x00\x00\x00\x01\x00\x01c\x7f\xff\xff\xff\x00",
		"half a delay":    string(idleAssigned[:110]),
	} {
		if a, err := DecodeAssignment([]byte(b)); err == nil || a != nil {
			t.Errorf("%s: %v, %v", name, a, err)
		}
	}
	for n := range len(runningMetadata) {
		if n == 35 {
			continue // the allocation may be missing altogether
		}
		if _, err := DecodeMetadata(runningMetadata[:n]); err == nil {
			t.Errorf("metadata of %d bytes is accepted", n)
		}
	}
	if _, err := DecodeAssignment([]byte("\xff\xfe")); err == nil || !strings.Contains(err.Error(), "unsupported subscription version: -2") {
		t.Errorf("error %v", err)
	}
	if _, err := EncodeAssignment(&state.Assignment{Connectors: []string{strings.Repeat("x", 40000)}}, 2); err == nil {
		t.Error("a name of 40000 bytes is accepted")
	}
	if _, err := EncodeAssignment(&state.Assignment{Delay: 1 << 60}, 2); err == nil {
		t.Error("a delay of 36 years is accepted")
	}
}

func TestProtocolNames(t *testing.T) {
	for name, want := range map[string]struct {
		p    Protocol
		wire string
		n    int
	}{
		"eager": {Eager, "default", 1}, "Compatible": {Compatible, "compatible", 2}, "SESSIONED": {Sessioned, "sessioned", 3},
	} {
		p, err := ParseProtocol(name)
		if err != nil || p != want.p || p.WireName() != want.wire || len(p.offered()) != want.n || p.offered()[0] != p {
			t.Errorf("%s: %v, %v", name, p, err)
		}
		if back, err := protocolOf(p.WireName()); err != nil || back != p {
			t.Errorf("%s: %v, %v", p.WireName(), back, err)
		}
	}
	if _, err := ParseProtocol("default"); err == nil || !strings.Contains(err.Error(), "Unknown Connect protocol compatibility mode: default") {
		t.Errorf("error %v", err)
	}
	if _, err := protocolOf("range"); err == nil {
		t.Error("range is a Connect protocol")
	}
}

func FuzzDecodeMetadata(f *testing.F) {
	f.Add(idleMetadata)
	f.Add(runningMetadata)
	f.Add([]byte("\x00\x01\x00\x01u\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x0fmoldau:draining"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := DecodeMetadata(b)
		if err != nil {
			return
		}
		again, err := EncodeMetadata(m, 2)
		if err != nil {
			t.Fatalf("%+v cannot be written: %v", m, err)
		}
		back, err := DecodeMetadata(again)
		if err != nil || back.URL != m.URL || back.Offset != m.Offset || back.Draining != m.Draining {
			t.Fatalf("%+v became %+v, %v", m, back, err)
		}
	})
}

func FuzzDecodeAssignment(f *testing.F) {
	f.Add(idleAssigned)
	f.Add(runningMetadata[39:])
	f.Add([]byte("\x00\x00\x00\x01\x00\x01l\x00\x01u\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := DecodeAssignment(b)
		if err != nil {
			return
		}
		again, err := EncodeAssignment(a, 2)
		if err != nil {
			t.Fatalf("%v cannot be written: %v", a, err)
		}
		back, err := DecodeAssignment(again)
		if err != nil {
			t.Fatalf("%v cannot be read again: %v", a, err)
		}
		// What was written is grouped; writing it again changes nothing.
		if third, err := EncodeAssignment(back, 2); err != nil || !bytes.Equal(again, third) {
			t.Fatalf("%q became %q, %v", again, third, err)
		}
	})
}
