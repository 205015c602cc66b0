package dlq

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Summary counts the letters of a topic by cause.
type Summary struct {
	Topic    string   `json:"topic"`
	Letters  int      `json:"letters"`
	Replayed int      `json:"replayed"`
	Causes   []*Group `json:"causes"`

	byCause map[string]*Group
}

// Group is the letters of one cause.
type Group struct {
	ID        string    `json:"id"`
	Letters   int       `json:"letters"`
	Replayed  int       `json:"replayed"`
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
	Connector string    `json:"connector"`
	Stage     string    `json:"stage"`
	Class     string    `json:"class"`
	Exception string    `json:"exception"`
	Message   string    `json:"message"`
	// Samples are the first letters.
	Samples []Letter `json:"-"`
}

// NewSummary returns one of no letters.
func NewSummary(topic string) *Summary {
	return &Summary{Topic: topic, Causes: []*Group{}, byCause: map[string]*Group{}}
}

// Add counts a letter and keeps it if its group has fewer than samples.
func (s *Summary) Add(l Letter, replayed bool, samples int) {
	id := l.Cause()
	g := s.byCause[id]
	if g == nil {
		c := l.Context
		g = &Group{ID: id, First: l.Timestamp, Connector: c.Connector, Stage: c.Stage, Class: c.Class, Exception: c.Exception, Message: c.Message}
		s.byCause[id] = g
		s.Causes = append(s.Causes, g)
	}
	s.Letters++
	g.Letters++
	if replayed {
		s.Replayed++
		g.Replayed++
	}
	if l.Timestamp.Before(g.First) {
		g.First = l.Timestamp
	}
	if l.Timestamp.After(g.Last) {
		g.Last = l.Timestamp
	}
	if len(g.Samples) < samples {
		g.Samples = append(g.Samples, l)
	}
}

// Sort puts the causes with the most letters first, of equal ones the earlier.
func (s *Summary) Sort() {
	slices.SortFunc(s.Causes, func(a, b *Group) int {
		return cmp.Or(b.Letters-a.Letters, a.First.Compare(b.First), strings.Compare(a.ID, b.ID))
	})
}
