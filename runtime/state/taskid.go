package state

import (
	"cmp"
	"strconv"
	"strings"
)

// TaskID names one task of a connector: Java's ConnectorTaskId.
type TaskID struct {
	// Connector is the connector's name.
	Connector string
	// Task is the number of the task, from 0 up.
	Task int
}

// String returns "<connector>-<task>", as Connect prints it in logs, client
// ids and transactional ids.
func (t TaskID) String() string { return t.Connector + "-" + strconv.Itoa(t.Task) }

// Compare orders by connector name, then by number. It returns a negative
// number, 0 or a positive number.
func (t TaskID) Compare(o TaskID) int {
	return cmp.Or(strings.Compare(t.Connector, o.Connector), cmp.Compare(t.Task, o.Task))
}

// CompareTaskIDs is TaskID.Compare as a function, for slices.SortFunc.
func CompareTaskIDs(a, b TaskID) int { return a.Compare(b) }
