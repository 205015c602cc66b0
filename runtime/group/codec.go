package group

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/moldau-io/moldau/runtime/state"
)

// connectorTask is the task number that stands for the connector itself.
const connectorTask = -1

// drainingMark follows the metadata of a worker that is about to leave. Java's
// workers read what they know of and ignore what follows.
const drainingMark = "moldau:draining"

// EncodeMetadata returns what a member says of itself when it joins, in the
// bytes of this protocol version: Java's ConnectProtocol.serializeMetadata and
// IncrementalCooperativeConnectProtocol.serializeMetadata. It fails if a name
// is longer than the format allows (32767 bytes).
func EncodeMetadata(m state.MemberState, version int16) ([]byte, error) {
	e := encoder{}
	e.int16(version)
	e.string("url", m.URL)
	e.int64(m.Offset)
	if version > state.ProtocolV0 {
		if m.Assignment == nil {
			e.int32(-1)
		} else {
			b, err := EncodeAssignment(m.Assignment, version)
			if err != nil {
				return nil, err
			}
			e.int32(int32(len(b)))
			e.b = append(e.b, b...)
		}
		if m.Draining {
			e.string("mark", drainingMark)
		}
	}
	return e.b, e.err
}

// DecodeMetadata reads what EncodeMetadata or a Java worker wrote. Versions
// above state.ProtocolV2 are read as that, as Java does. Bytes that follow are
// ignored.
func DecodeMetadata(b []byte) (state.MemberState, error) {
	d := decoder{b: b}
	version := d.version()
	m := state.MemberState{URL: d.string("url"), Offset: d.int64("config-offset")}
	if d.err != nil || version == state.ProtocolV0 || len(d.b) == 0 {
		return m, d.wrap("worker metadata")
	}
	if allocation := d.nullableBytes("allocation"); d.err == nil && allocation != nil {
		a, err := DecodeAssignment(allocation)
		if err != nil {
			return m, fmt.Errorf("worker metadata: %w", err)
		}
		m.Assignment = a
	}
	if d.err == nil && len(d.b) > 0 {
		rest := decoder{b: d.b}
		m.Draining = rest.string("mark") == drainingMark && rest.err == nil
	}
	return m, d.wrap("worker metadata")
}

// EncodeAssignment returns an assignment in the bytes of this protocol version:
// Java's ConnectProtocol.serializeAssignment and ExtendedAssignment.toStruct.
// Version 0 has no revoked lists and no delay.
func EncodeAssignment(a *state.Assignment, version int16) ([]byte, error) {
	e := encoder{}
	e.int16(version)
	e.int16(a.Error)
	e.string("leader", a.Leader)
	e.string("leader-url", a.LeaderURL)
	e.int64(a.Offset)
	e.work(a.Connectors, a.Tasks)
	if version > state.ProtocolV0 {
		e.work(a.RevokedConnectors, a.RevokedTasks)
		ms := a.Delay.Milliseconds()
		if ms < math.MinInt32 || ms > math.MaxInt32 {
			return nil, fmt.Errorf("assignment: delay of %v does not fit", a.Delay)
		}
		e.int32(int32(ms))
	}
	return e.b, e.err
}

// DecodeAssignment reads what EncodeAssignment or a Java leader wrote. What is
// missing at the end has its default, as with version 0.
func DecodeAssignment(b []byte) (*state.Assignment, error) {
	d := decoder{b: b}
	a := &state.Assignment{
		Version:   d.version(),
		Error:     d.int16("error"),
		Leader:    d.string("leader"),
		LeaderURL: d.string("leader-url"),
		Offset:    d.int64("config-offset"),
	}
	if d.more() {
		a.Connectors, a.Tasks = d.work("assignment")
	}
	if d.more() {
		a.RevokedConnectors, a.RevokedTasks = d.work("revoked")
	}
	if d.more() {
		a.Delay = time.Duration(d.int32("delay")) * time.Millisecond
	}
	if d.err != nil {
		return nil, d.wrap("assignment")
	}
	return a, nil
}

type encoder struct {
	b   []byte
	err error
}

func (e *encoder) int16(v int16) { e.b = binary.BigEndian.AppendUint16(e.b, uint16(v)) }
func (e *encoder) int32(v int32) { e.b = binary.BigEndian.AppendUint32(e.b, uint32(v)) }
func (e *encoder) int64(v int64) { e.b = binary.BigEndian.AppendUint64(e.b, uint64(v)) }

func (e *encoder) string(field, s string) {
	if len(s) > math.MaxInt16 {
		e.err = errors.Join(e.err, fmt.Errorf("%s of %d bytes is longer than %d", field, len(s), math.MaxInt16))
		return
	}
	e.int16(int16(len(s)))
	e.b = append(e.b, s...)
}

// work writes connectors and tasks grouped by connector: first those whose
// connector instance is in it, then the others in the order of their tasks.
func (e *encoder) work(connectors []string, tasks []state.TaskID) {
	var names []string
	numbers := make(map[string][]int, len(connectors))
	put := func(name string, n int) {
		if _, ok := numbers[name]; !ok {
			names = append(names, name)
		}
		numbers[name] = append(numbers[name], n)
	}
	for _, c := range connectors {
		if _, ok := numbers[c]; !ok {
			put(c, connectorTask)
		}
	}
	for _, t := range tasks {
		put(t.Connector, t.Task)
	}
	e.int32(int32(len(names)))
	for _, name := range names {
		e.string("connector", name)
		e.int32(int32(len(numbers[name])))
		for _, n := range numbers[name] {
			e.int32(int32(n))
		}
	}
}

// decoder reads big-endian fields; after the first error it returns zeros.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) wrap(what string) error {
	if d.err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, d.err)
}

func (d *decoder) more() bool { return d.err == nil && len(d.b) > 0 }

func (d *decoder) take(field string, n int) []byte {
	if d.err != nil {
		return nil
	}
	if len(d.b) < n {
		d.err = fmt.Errorf("field '%s' needs %d bytes, %d are left", field, n, len(d.b))
		return nil
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) version() int16 {
	v := d.int16("version")
	if v < state.ProtocolV0 {
		d.err = fmt.Errorf("unsupported subscription version: %d", v)
	}
	return v
}

func (d *decoder) int16(field string) int16 {
	if b := d.take(field, 2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (d *decoder) int32(field string) int32 {
	if b := d.take(field, 4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (d *decoder) int64(field string) int64 {
	if b := d.take(field, 8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (d *decoder) string(field string) string {
	n := d.int16(field)
	if d.err == nil && n < 0 {
		d.err = fmt.Errorf("field '%s' has length %d", field, n)
	}
	return string(d.take(field, int(n)))
}

// nullableBytes returns nil for null, and never nil for empty bytes.
func (d *decoder) nullableBytes(field string) []byte {
	n := d.int32(field)
	if d.err != nil || n < 0 {
		return nil
	}
	return d.take(field, int(n))
}

// work reads an array of connectors with their task numbers; null is empty.
func (d *decoder) work(field string) (connectors []string, tasks []state.TaskID) {
	for range d.int32(field) {
		name := d.string("connector")
		for range d.int32("tasks") {
			n := d.int32("tasks")
			if d.err != nil {
				return nil, nil
			}
			if n == connectorTask {
				connectors = append(connectors, name)
			} else {
				tasks = append(tasks, state.TaskID{Connector: name, Task: int(n)})
			}
		}
		if d.err != nil {
			return nil, nil
		}
	}
	return connectors, tasks
}
